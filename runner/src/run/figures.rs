//! From the raw record to the figures of a repetition, by lab-stats: `analyze` computes the same from the same file.

use std::collections::BTreeMap;
use std::path::Path;

use lab_model::results::Support;
use lab_stats::summary::RunSummary;
use miette::IntoDiagnostic as _;

use lab_record::Samples;

/// Figures of the measured phase.
#[derive(Debug, Clone)]
pub struct Figures {
    /// By metric name.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// By percentile name.
    pub support: BTreeMap<String, Support>,
    /// Requests.
    pub requests: u64,
    /// Failed ones.
    pub failed: u64,
    /// First start, ns since the Unix epoch.
    pub from_ns: i64,
    /// Last end.
    pub to_ns: i64,
}

/// Reads a record and computes its figures.
///
/// # Errors
/// No record, or durations that are no durations.
pub fn read(path: &Path) -> miette::Result<(Samples, Figures)> {
    let samples = Samples::read(path).into_diagnostic()?;
    let figures = of(&samples)?;
    Ok((samples, figures))
}

/// Computes them.
///
/// # Errors
/// Durations that are no durations.
pub fn of(samples: &Samples) -> miette::Result<Figures> {
    let (started, duration, failed) = columns(samples);
    let summary = RunSummary::of(&started, &duration, &failed).into_diagnostic()?;
    let support = summary.support.iter().map(|(name, s)| {
        let label = serde_json::to_value(s.label)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        (
            name.clone(),
            Support {
                tau: s.tau,
                n_eff: s.n_eff,
                exceedances: Some(s.exceedances),
                label,
            },
        )
    });
    Ok(Figures {
        metrics: summary.metrics(),
        support: support.collect(),
        requests: started.len() as u64,
        failed: failed.iter().filter(|f| **f).count() as u64,
        from_ns: started.first().copied().unwrap_or(0),
        to_ns: started
            .iter()
            .zip(&duration)
            .map(|(s, d)| s.saturating_add(*d))
            .max()
            .unwrap_or(0),
    })
}

/// The measured requests as columns (start, duration, failed), in order of their start.
pub(super) fn columns(samples: &Samples) -> (Vec<i64>, Vec<i64>, Vec<bool>) {
    let rows = samples.phase_in_time_order("measure");
    (
        rows.iter().map(|&i| samples.started_at[i]).collect(),
        rows.iter().map(|&i| samples.duration[i]).collect(),
        rows.iter().map(|&i| samples.failed[i]).collect(),
    )
}
