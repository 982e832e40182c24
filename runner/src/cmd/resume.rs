//! `bench resume RUN`.

use lab_model::results::{Manifest, RunDir, SweepDir};
use miette::{IntoDiagnostic as _, miette};

use crate::cli::{Backend, LimitArgs, ResumeArgs};
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::engine::{self, Source};
use crate::run::sweep;
use crate::ui;

/// Goes on with a run: same plan, same order, same kind of limits; what is stored stays.
///
/// # Errors
/// The run cannot be read, or the lab has changed since.
pub fn run(context: &Context, args: &ResumeArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let path = std::path::absolute(&args.run).into_diagnostic()?;
    if SweepDir::is_one(&path) {
        return whole_sweep(context, args, SweepDir::new(path), interrupt);
    }
    let run = RunDir::new(path);
    let manifest = run.manifest()?;
    if let Some(part) = &manifest.sweep {
        return Err(miette!(
            help = format!(
                "the values of a sweep are interleaved: bench resume …/{}",
                part.sweep_id
            ),
            "{} is one value of a sweep",
            manifest.run_id
        ));
    }
    same_way(context, &manifest)?;
    let planned: usize = manifest.order.iter().map(Vec::len).sum();
    let stored = run.repetitions()?.len();
    ui::note(&format!(
        "{}: {stored} of {planned} repetitions are stored",
        manifest.run_id
    ));
    let limits = limits_of(&manifest);
    if manifest.aa.is_some() {
        return super::aa::resume(context, run, &manifest, &limits, interrupt);
    }
    engine::run(
        context,
        Source::Resume(run),
        &limits,
        args.k6_summary_dir.as_deref(),
        interrupt,
    )
}

fn whole_sweep(
    context: &Context,
    args: &ResumeArgs,
    dir: SweepDir,
    interrupt: &Interrupt,
) -> miette::Result<Exit> {
    let plan = dir.sweep()?;
    let value = plan.values.first().copied().unwrap_or_default();
    let limits = limits_of(&dir.run(plan.variable, value).manifest()?);
    sweep::run(
        context,
        sweep::Source::Resume(dir),
        &limits,
        args.k6_summary_dir.as_deref(),
        interrupt,
    )
}

/// What was begun in containers goes on in containers, and nothing else does.
fn same_way(context: &Context, manifest: &Manifest) -> miette::Result<()> {
    let id = &manifest.run_id;
    match (
        manifest.environment.limits == engine::BY_ENGINE,
        &context.stack,
    ) {
        (true, None) => Err(miette!(
            help = format!("./lab containers resume results/{id}"),
            "{id} was begun in containers"
        )),
        (false, Some(_)) => Err(miette!(
            help = format!("bench resume results/{id}"),
            "{id} was not begun in containers"
        )),
        _ => Ok(()),
    }
}

/// The same kind of limits as before.
fn limits_of(manifest: &Manifest) -> LimitArgs {
    LimitArgs {
        allow_oversubscribed: manifest.environment.oversubscribed,
        allow_affinity_only: manifest.environment.limits == "affinity",
        limits: match manifest.environment.limits.as_str() {
            "cgroup_v2" => Some(Backend::CgroupV2),
            "systemd" => Some(Backend::Systemd),
            "cgroup_v1" => Some(Backend::CgroupV1),
            _ => Some(Backend::Affinity),
        },
    }
}
