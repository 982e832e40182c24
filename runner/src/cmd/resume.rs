//! `bench resume RUN`.

use lab_model::results::RunDir;
use miette::IntoDiagnostic as _;

use crate::cli::{Backend, LimitArgs, ResumeArgs};
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::engine::{self, Source};
use crate::ui;

/// Goes on with a run: same plan, same order, same kind of limits; what is stored stays.
///
/// # Errors
/// The run cannot be read, or the lab has changed since.
pub fn run(context: &Context, args: &ResumeArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let run = RunDir::new(std::path::absolute(&args.run).into_diagnostic()?);
    let manifest = run.manifest()?;
    let planned: usize = manifest.order.iter().map(Vec::len).sum();
    let stored = run.repetitions()?.len();
    ui::note(&format!(
        "{}: {stored} of {planned} repetitions are stored",
        manifest.run_id
    ));
    let limits = LimitArgs {
        allow_oversubscribed: manifest.environment.oversubscribed,
        allow_affinity_only: manifest.environment.limits == "affinity",
        limits: match manifest.environment.limits.as_str() {
            "cgroup_v2" => Some(Backend::CgroupV2),
            "systemd" => Some(Backend::Systemd),
            "cgroup_v1" => Some(Backend::CgroupV1),
            _ => Some(Backend::Affinity),
        },
    };
    engine::run(
        context,
        Source::Resume(run),
        &limits,
        args.k6_summary_dir.as_deref(),
        interrupt,
    )
}
