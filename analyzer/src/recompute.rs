//! The figures of a repetition again, from its raw record.

use std::collections::BTreeMap;
use std::path::Path;

use lab_model::results::Repetition;
use lab_stats::summary::RunSummary;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};

use crate::samples::Measured;

/// Recomputes a repetition's figures and checks that the stored ones are the same.
///
/// # Errors
/// The record cannot be read, or a stored figure does not follow from it.
pub fn check(folder: &Path, stored: &Repetition) -> miette::Result<Measured> {
    let path = folder.join("samples.parquet");
    let measured = Measured::read(&path)?;
    let summary = RunSummary::of(&measured.started_at, &measured.duration, &measured.failed)
        .into_diagnostic()
        .wrap_err_with(|| format!("{}", path.display()))?;
    for (name, value) in summary.metrics() {
        let was = stored.metrics.get(&name).copied().flatten();
        if was != value {
            return Err(miette!(
                help = "the record or repetition.json was changed: `bench validate RUN` lists every such place",
                "{}: {name} is stored as {was:?} and is {value:?} by the raw record",
                folder.join("repetition.json").display()
            ));
        }
    }
    cross_check(folder, stored, &summary.metrics(), summary.errors)?;
    Ok(measured)
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
                help = "k6's way to compute percentiles may have changed: compare its release notes with STATISTICS section 2",
                "{}: {name} is {mine} ms by the raw record and {theirs} ms by k6",
                folder.display()
            ));
        }
    }
    Ok(())
}
