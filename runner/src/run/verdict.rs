//! The end of a run: receipt, then verdict, both by lab-verdict; `analyze` says the same.

use lab_model::results::{Manifest, Repetition, RunDir, Sweep};
use lab_stats::report::Report;
use lab_verdict::{Options, laboratory, terminal};
use miette::IntoDiagnostic as _;

/// Prints receipt and verdict of a run, and notes the look.
///
/// # Errors
/// Results cannot be read, or are no data of one session.
pub fn print(run: &RunDir, manifest: &Manifest) -> miette::Result<Vec<Repetition>> {
    let repetitions: Vec<Repetition> = run.repetitions()?.into_iter().map(|(_, r)| r).collect();
    let style = terminal::Style::of_stdout();
    crate::ui::say(&terminal::receipt(manifest, &repetitions, style));
    if manifest.targets.len() < 2 {
        crate::ui::say("One target: nothing to compare. `analyze` shows its figures.");
    }
    let blocks = repetitions
        .iter()
        .map(|r| r.block)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    let looks = run.record_look(u32::try_from(blocks).unwrap_or(u32::MAX))?;
    let mut report = lab_verdict::judge_run(manifest, &repetitions, &looks, &Options::default())
        .into_diagnostic()?;
    laboratory::attach(&mut report, run.path(), manifest);
    crate::ui::say(&terminal::verdict(&report, style));
    if let Some(steps) = lab_verdict::capacity::table(manifest, &repetitions, style) {
        crate::ui::say(&steps);
    }
    for line in marks(manifest) {
        crate::ui::say(&line);
    }
    Ok(repetitions)
}

/// Prints receipts, flips and tables of a sweep, and notes the look in each run; gives whether every repetition counts.
///
/// # Errors
/// As [`print`].
pub fn print_sweep(sweep: &Sweep, runs: &[(u32, &Manifest, &RunDir)]) -> miette::Result<bool> {
    let mut judged = Vec::new();
    for (value, manifest, run) in runs {
        let repetitions: Vec<Repetition> = run.repetitions()?.into_iter().map(|(_, r)| r).collect();
        let looks = run.record_look(manifest.plan.repetitions)?;
        let report = lab_verdict::judge_run(manifest, &repetitions, &looks, &Options::default())
            .into_diagnostic()?;
        judged.push((*value, *manifest, repetitions, report));
    }
    let parts: Vec<(u32, &Manifest, &[Repetition], &Report)> = judged
        .iter()
        .map(|(v, m, reps, report)| (*v, *m, reps.as_slice(), report))
        .collect();
    crate::ui::say(&lab_verdict::sweep::text(
        sweep,
        &parts,
        terminal::Style::of_stdout(),
    ));
    if let Some((_, manifest, _)) = runs.first() {
        for line in marks(manifest) {
            crate::ui::say(&line);
        }
    }
    Ok(judged
        .iter()
        .all(|(_, _, reps, _)| reps.iter().all(|r| r.valid)))
}

/// What a reader must know before repeating these figures elsewhere.
fn marks(manifest: &Manifest) -> Vec<String> {
    let e = &manifest.environment;
    let mut out = Vec::new();
    if e.shared_cpus {
        out.push(
            "mark: shared_cpus. Service, Postgres and k6 share this host's CPUs: ratios hold for such a host; absolute figures do not travel."
                .to_owned(),
        );
    }
    if e.oversubscribed {
        out.push(
            "mark: oversubscribed. The mode gives the service more CPUs than this host has."
                .to_owned(),
        );
    }
    if e.limits == "affinity" {
        out.push("mark: affinity only. No CPU quota was enforced: cores were capped, nothing was throttled.".to_owned());
    }
    if manifest.plan.kind == "quick" {
        out.push(
            "mark: quick. Few, short repetitions: good for a first look, not for a decision."
                .to_owned(),
        );
    }
    out
}
