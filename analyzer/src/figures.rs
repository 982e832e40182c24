//! The figures of one repetition, from its raw requests.

use std::collections::BTreeMap;

use lab_stats::error::SampleError;
use lab_stats::seconds::Seconds;
use lab_stats::sorted::{Sorted, pooled_quantile};
use lab_stats::summary::RunSummary;

use crate::samples::Measured;

/// Probabilities of the quantile plot: evenly spaced in nines, from the median's left to p99.99.
pub const CURVE: [f64; 17] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 0.684, 0.8, 0.9, 0.937, 0.96, 0.975, 0.984, 0.99, 0.9937, 0.9975,
    0.999, 0.9997,
];

/// What is kept of the raw requests of one repetition.
#[derive(Debug, Clone)]
pub struct Figures {
    /// All endpoints together.
    pub summary: RunSummary,
    /// By endpoint.
    pub endpoints: BTreeMap<String, RunSummary>,
    /// Second by second.
    pub seconds: Seconds,
    /// Latency in ms at the probabilities of [`CURVE`]; empty without good answers.
    pub curve: Vec<f64>,
}

impl Figures {
    /// Computes them; the sorted durations are for what needs several repetitions.
    ///
    /// # Errors
    /// A negative duration; a run of weeks.
    pub fn of(measured: &Measured) -> Result<(Self, Sorted), SampleError> {
        let m = measured;
        let (summary, sorted) = RunSummary::with_sorted(&m.started_at, &m.duration, &m.failed)?;
        let mut endpoints = BTreeMap::new();
        for (name, own) in measured.by_endpoint() {
            let summary = RunSummary::of(&own.started_at, &own.duration, &own.failed)?;
            endpoints.insert(name.to_owned(), summary);
        }
        let seconds = Seconds::of(&m.started_at, &m.duration, &m.failed, &sorted)?;
        let curve = CURVE.iter().filter_map(|p| sorted.quantile(*p));
        Ok((
            Self {
                summary,
                endpoints,
                seconds,
                curve: curve.map(|ns| ns / 1e6).collect(),
            },
            sorted,
        ))
    }
}

/// Percentiles over all requests of several repetitions, in ms: descriptive, without an interval.
pub fn pooled(repetitions: &[Sorted]) -> BTreeMap<String, f64> {
    let one = |(name, p): &(&str, f64)| {
        let ns = pooled_quantile(repetitions, *p)?;
        Some(((*name).to_owned(), ns / 1e6))
    };
    lab_stats::summary::PERCENTILES
        .iter()
        .filter_map(one)
        .collect()
}
