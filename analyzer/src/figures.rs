//! The figures of one repetition, from its raw requests.

use std::collections::BTreeMap;

use lab_stats::error::SampleError;
use lab_stats::quantile::quantiles_by_selection;
use lab_stats::seconds::Seconds;
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
    /// Computes them.
    ///
    /// # Errors
    /// A negative duration.
    pub fn of(measured: &Measured) -> Result<Self, SampleError> {
        let summary = RunSummary::of(&measured.started_at, &measured.duration, &measured.failed)?;
        let mut endpoints = BTreeMap::new();
        for (id, name) in (0..).zip(&measured.endpoints) {
            let own = measured.of_endpoint(id);
            endpoints.insert(
                name.clone(),
                RunSummary::of(&own.started_at, &own.duration, &own.failed)?,
            );
        }
        let seconds = Seconds::of(&measured.started_at, &measured.duration, &measured.failed);
        let curve = quantiles_by_selection(&mut measured.good(), &CURVE);
        Ok(Self {
            summary,
            endpoints,
            seconds,
            curve: curve.into_iter().flatten().map(|ns| ns / 1e6).collect(),
        })
    }
}

/// Percentiles over all requests of a target: descriptive, without an interval. Reorders `durations`.
pub fn pooled(durations: &mut [i64]) -> BTreeMap<String, f64> {
    let names = lab_stats::summary::PERCENTILES;
    quantiles_by_selection(durations, &names.map(|(_, p)| p))
        .into_iter()
        .zip(names)
        .filter_map(|(value, (name, _))| Some((name.to_owned(), value? / 1e6)))
        .collect()
}
