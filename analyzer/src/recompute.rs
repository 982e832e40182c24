//! Stored figures against the raw record.

use std::path::Path;

use lab_model::results::{Manifest, Repetition, differences};
use lab_stats::summary::RunSummary;
use miette::miette;

use crate::samples::Measured;

/// Checks that a repetition's stored figures follow from its record, and that k6 says the same.
///
/// # Errors
/// The first figure that differs, by name.
pub fn check(folder: &Path, stored: &Repetition, summary: &RunSummary) -> miette::Result<()> {
    let found = differences(stored, &summary.metrics(), summary.requests, summary.errors);
    let Some(problem) = found.first() else {
        return Ok(());
    };
    Err(miette!(
        help = "the record or repetition.json was changed: `bench validate RUN` lists every such place; if k6 alone says otherwise, its way to compute percentiles may have changed",
        "{}: {problem}",
        folder.join("repetition.json").display()
    ))
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
