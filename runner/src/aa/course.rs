//! A session goes its way through the run engine: seal, pilot, delays, judgement.

use std::path::Path;
use std::time::Duration;

use lab_model::results::aa::{self, AaPlan, Label};
use lab_model::results::{Cell, Manifest, Repetition, RunDir};
use miette::{IntoDiagnostic as _, miette};

use super::blind::Seal;
use super::{judge, text};
use crate::error::Exit;
use crate::run::engine::Course;
use crate::run::measure::Lab;
use crate::ui;

/// The course of `bench aa`.
#[derive(Debug)]
pub struct AaCourse {
    /// Which label is slowed; `None` without delays, and before a session that goes on has been opened.
    seal: Option<Seal>,
    /// Median p50 of the pilot, in milliseconds, once it is known.
    p50_ms: Option<f64>,
}

impl AaCourse {
    /// For a new session, or (without a seal) for one that goes on.
    pub fn new(seal: Option<Seal>) -> Self {
        Self { seal, p50_ms: None }
    }
}

impl Course for AaCourse {
    fn opened(&mut self, run: &RunDir, manifest: &Manifest) -> miette::Result<()> {
        let Some(slowdown) = &plan(manifest)?.slowdown else {
            return Ok(());
        };
        if let Some(seal) = &self.seal {
            return seal.store(run.path());
        }
        self.seal = Some(Seal::open(run.path(), &slowdown.sealed_sha256)?);
        Ok(())
    }

    fn delay(&mut self, lab: &Lab<'_>, cell: &Cell) -> miette::Result<Option<Duration>> {
        let plan = plan(lab.manifest)?;
        let (Some(slowdown), Some(seal)) = (&plan.slowdown, &self.seal) else {
            return Ok(None);
        };
        let Some(experiment) = plan.experiment_of(cell.block) else {
            return Ok(Some(Duration::ZERO));
        };
        let is_slowed = seal
            .slowed(experiment)
            .is_some_and(|label| label.of(&plan.target) == cell.target);
        let share = slowdown.shares.get(experiment as usize).copied();
        let Some(share) = share.filter(|_| is_slowed) else {
            return Ok(Some(Duration::ZERO));
        };
        let p50_ms = match self.p50_ms {
            Some(p50_ms) => p50_ms,
            None => pilot(plan, &stored(lab.run)?)?,
        };
        self.p50_ms = Some(p50_ms);
        Ok(Some(Duration::from_secs_f64(share * p50_ms / 1e3)))
    }

    fn finish(&mut self, run: &RunDir, manifest: &Manifest) -> miette::Result<Exit> {
        report(run, manifest)
    }
}

fn plan(manifest: &Manifest) -> miette::Result<&AaPlan> {
    manifest
        .aa
        .as_ref()
        .ok_or_else(|| miette!("{} is no session of `bench aa`", manifest.run_id))
}

fn stored(run: &RunDir) -> miette::Result<Vec<Repetition>> {
    Ok(run.repetitions()?.into_iter().map(|(_, r)| r).collect())
}

fn pilot(plan: &AaPlan, repetitions: &[Repetition]) -> miette::Result<f64> {
    judge::pilot_p50(plan, repetitions).ok_or_else(|| {
        let why = repetitions
            .iter()
            .find_map(|r| r.reasons.first())
            .map_or("no repetition is stored", |r| r.message.as_str());
        miette!("the blocks without delay gave no p50 to take a share of: {why}")
    })
}

/// Judges what is stored, stores the result and prints it.
///
/// # Errors
/// Results cannot be read, judged or written; not one experiment is whole.
pub fn report(run: &RunDir, manifest: &Manifest) -> miette::Result<Exit> {
    let plan = plan(manifest)?;
    let folders = run.repetitions()?;
    let repetitions: Vec<Repetition> = folders.iter().map(|(_, r)| r.clone()).collect();
    // The judgement first; only then is the seal opened.
    let mut experiments = judge::experiments(manifest, &repetitions)?;
    if experiments.is_empty() {
        return Err(miette!(
            help = format!("bench resume {}", run.path().display()),
            "no experiment is whole yet: {} of {} repetitions are stored",
            repetitions.len(),
            2 * plan.blocks()
        ));
    }
    let slowdown = match &plan.slowdown {
        None => None,
        Some(slowdown) => {
            let seal = Seal::open(run.path(), &slowdown.sealed_sha256)?;
            let p50_ms = pilot(plan, &repetitions)?;
            let waited = |block: u32, label: Label| {
                let name = label.of(&plan.target);
                let folder = folders
                    .iter()
                    .find(|(_, r)| r.block == block && r.target == name)?;
                super::proxy::waited(&folder.0)
            };
            judge::unseal(&mut experiments, slowdown, &seal, p50_ms, waited);
            Some(judge::slowdown(plan, &experiments, &repetitions, p50_ms))
        }
    };
    let report = judge::report(manifest, &repetitions, experiments, slowdown)?;
    lab_model::atomic::write_json(&run.path().join(aa::FILE), &report).into_diagnostic()?;
    ui::say(&text::render(&report));
    ui::say(&format!(
        "Stored: {}",
        shown(&run.path().join(aa::FILE)).display()
    ));
    let alarm = report.metrics.iter().any(|m| m.primary && m.alarm);
    Ok(if alarm || report.invalid > 0 {
        Exit::SomeInvalid
    } else {
        Exit::Ok
    })
}

/// A path as short as it can be said from here.
fn shown(path: &Path) -> std::path::PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
