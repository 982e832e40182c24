//! The data of one session: its repetitions, good and bad.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{capacity::Bound, support::PercentileSupport};

/// One run of one target: the experimental unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Repetition {
    /// Name of the target.
    pub target: String,
    /// Block id; pairing is by block. `None` where the data has no blocks (imported files).
    pub block: Option<u64>,
    /// Position inside the block, counted from 0, for the position effect.
    pub slot: Option<u32>,
    /// Why this run does not count; empty = valid. A failed run stays in the session with its reason.
    pub invalid: Vec<String>,
    /// Iterations that the load generator dropped in the measured phase; `None` = not known.
    pub dropped_iterations: Option<u64>,
    /// Requests of the measured phase, failed ones included; `None` = not known.
    pub requests: Option<u64>,
    /// Failed requests among them; `None` = not known.
    pub errors: Option<u64>,
    /// Values by metric name, in the units of [`crate::metric`]; an absent key and `None` both mean
    /// missing. `error_rate` may be left out: it follows from `errors / requests`.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Tail support by percentile name, from [`crate::summary::RunSummary`]; empty = not known (no
    /// raw samples).
    pub support: BTreeMap<String, PercentileSupport>,
    /// Metrics whose value is only a bound of what was sought.
    #[serde(default)]
    pub bounds: BTreeMap<String, Bound>,
    /// Where the row stands in its source (line, file name), for error messages.
    pub place: Option<String>,
}

impl Repetition {
    /// A valid repetition without figures yet.
    pub fn new(target: &str, block: u64) -> Self {
        Self {
            target: target.to_owned(),
            block: Some(block),
            ..Self::default()
        }
    }

    /// Whether the run counts.
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }

    /// The value of a metric, if there is one.
    pub fn value(&self, metric: &str) -> Option<f64> {
        match self.metrics.get(metric) {
            Some(value) => *value,
            None if metric == "error_rate" => match (self.errors, self.requests) {
                (Some(errors), Some(requests)) if requests > 0 => {
                    Some(errors as f64 / requests as f64)
                }
                _ => None,
            },
            None => None,
        }
    }
}

/// All repetitions that belong to one judgement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Every repetition, in any order.
    pub repetitions: Vec<Repetition>,
    /// Percentiles over all raw samples of all valid runs, by target and metric; descriptive.
    pub pooled: BTreeMap<String, BTreeMap<String, f64>>,
    /// Passed through to the report.
    pub environment: serde_json::Value,
}
