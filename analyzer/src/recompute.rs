//! Stored figures against the raw record.

use std::collections::BTreeMap;
use std::path::Path;

use lab_model::results::{Manifest, Repetition};
use lab_stats::summary::RunSummary;
use miette::miette;

use crate::samples::Measured;

/// Checks that a repetition's stored figures follow from its record, and that k6 says the same.
///
/// # Errors
/// The first figure that differs, by name.
pub fn check(folder: &Path, stored: &Repetition, summary: &RunSummary) -> miette::Result<()> {
    let file = folder.join("repetition.json");
    for (name, value) in summary.metrics() {
        let was = stored.metrics.get(&name).copied().flatten();
        if !same(was, value) {
            return Err(miette!(
                help = "the record or repetition.json was changed: `bench validate RUN` lists every such place",
                "{}: {name} is stored as {} and is {} by the raw record",
                file.display(),
                shown(was),
                shown(value)
            ));
        }
    }
    if stored.requests != summary.requests {
        return Err(miette!(
            "{}: {} requests are stored and {} are in the raw record",
            file.display(),
            stored.requests,
            summary.requests
        ));
    }
    cross_check(folder, stored, &summary.metrics(), summary.errors)
}

/// Checks that the stored steps of a rising rate, and the capacity, follow from the record.
///
/// # Errors
/// The first that does not.
pub fn steps(
    manifest: &Manifest,
    folder: &Path,
    stored: &Repetition,
    measured: &Measured,
) -> miette::Result<()> {
    let problems = lab_verdict::capacity::problems(
        manifest,
        stored,
        &measured.started_at,
        &measured.duration,
        &measured.failed,
    );
    match problems.first() {
        Some(problem) => Err(miette!(
            "{}: {problem}",
            folder.join("repetition.json").display()
        )),
        None => Ok(()),
    }
}

/// The last digit of a number read from JSON may differ.
pub fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-15 * a.abs().max(b.abs()),
        (a, b) => a == b,
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or("missing".to_owned(), |v| v.to_string())
}

/// k6 keeps every value and interpolates as we do (type 7): its percentiles and ours of the same samples must agree.
fn cross_check(
    folder: &Path,
    stored: &Repetition,
    ours: &BTreeMap<String, Option<f64>>,
    errors: u64,
) -> miette::Result<()> {
    let Some(k6) = &stored.k6 else { return Ok(()) };
    // k6's trend holds failed requests too; ours keeps their latency apart.
    if errors > 0 {
        return Ok(());
    }
    let l = &k6.latency_ms;
    for (name, theirs) in [
        ("p50", l.p50),
        ("p90", l.p90),
        ("p95", l.p95),
        ("p99", l.p99),
        ("p999", l.p999),
        ("max", l.max),
    ] {
        let (Some(theirs), Some(mine)) = (theirs, ours.get(name).copied().flatten()) else {
            continue;
        };
        if (mine - theirs).abs() > 1e-6 * theirs.max(1e-3) {
            return Err(miette!(
                help = "k6's way to compute percentiles may have changed: compare its release notes with docs/METHODOLOGY.md",
                "{}: {name} is {mine} ms by the raw record and {theirs} ms by k6",
                folder.display()
            ));
        }
    }
    Ok(())
}
