//! `repetition.json`: one target, once, in one block.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::receipt::{Evidence, ReceiptLine};

/// Version of the results format.
pub const SCHEMA_VERSION: u32 = 1;

/// One repetition. A failed one is stored too, with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repetition {
    /// 1.
    pub schema_version: u32,
    /// The run.
    pub run_id: String,
    /// Mode.
    pub mode: String,
    /// Profile.
    pub profile: String,
    /// Target.
    pub target: String,
    /// Block, from 1: the unit of pairing.
    pub block: u32,
    /// Position within the block, from 1.
    pub slot: u32,
    /// Start of the service, UTC.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// End of the load, UTC.
    #[schemars(with = "String")]
    pub finished_at: Timestamp,
    /// May it be used in verdicts?
    pub valid: bool,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// Marks that do not make it invalid: "shared_cpus", "oversubscribed", "affinity_only", …
    pub flags: Vec<String>,
    /// Figures by metric name, from the raw samples of the measured phase: latencies in milliseconds,
    /// `throughput` in requests per second, `cpu_per_request` in CPU microseconds, `error_rate` a share.
    /// Null: cannot be said.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// How well the samples support each percentile (STATISTICS 2.1).
    pub support: BTreeMap<String, Support>,
    /// Requests of the measured phase.
    pub requests: u64,
    /// Requests dropped from the record because it was full; above 0 the repetition is invalid.
    pub rows_dropped: u64,
    /// What k6 itself says; null when k6 left no summary.
    pub k6: Option<K6Figures>,
    /// What was observed.
    pub evidence: Evidence,
    /// The receipt: each line a promise and what was seen.
    pub receipt: Vec<ReceiptLine>,
    /// SHA-256 of the other files in the folder.
    pub files: BTreeMap<String, String>,
    /// The steps of a rising arrival rate; empty for other loads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepFigures>,
    /// Metrics whose figure is only a bound of what was sought.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bounds: BTreeMap<String, Bound>,
}

/// On which side of a figure the value lies that was sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At the figure or above it.
    AtLeast,
    /// At the figure or below it.
    AtMost,
}

/// One step of a rising arrival rate. A request belongs to the step in which it started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFigures {
    /// Arrivals per second.
    pub rate: u32,
    /// Arrivals that the schedule has.
    pub planned: u64,
    /// Requests that started.
    pub requests: u64,
    /// Failed ones among them.
    pub errors: u64,
    /// Arrivals that k6 could not start.
    pub dropped: u64,
    /// 99th percentile of the good answers, in milliseconds; null: there was none.
    pub p99_ms: Option<f64>,
    /// What of the objective it broke: "p99", "errors", "dropped"; empty: it was met.
    pub broke: Vec<String>,
    /// Share of all CPU time left idle; null: not observed.
    pub idle_share: Option<f64>,
    /// CPUs that k6 used; null: not observed.
    pub generator_cpus: Option<f64>,
    /// The host or k6 was at its limit: that the objective broke here says nothing of the service.
    pub limited: bool,
}

/// A reason for invalidity: a stable code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// For programs, e.g. "generator_saturated".
    pub code: String,
    /// For people.
    pub message: String,
}

/// Support of one percentile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Variance inflation of the exceedances; at least 1. Null: too few samples to say.
    pub tau: Option<f64>,
    /// Effective sample size.
    pub n_eff: Option<f64>,
    /// Effective number of samples above the percentile.
    pub exceedances: Option<f64>,
    /// "ok", "weak" or "too_few".
    pub label: String,
}

/// k6's own summary of the measured phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct K6Figures {
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Requests of the measured phase.
    pub requests: u64,
    /// Requests of both phases and of the set-up.
    pub requests_total: u64,
    /// Requests of the set-up, which are not recorded: it looks whether the target is the right one.
    pub requests_setup: u64,
    /// Latency of all requests of the measured phase, in milliseconds.
    pub latency_ms: Latency,
    /// Requests of the measured phase by endpoint.
    pub requests_by_endpoint: BTreeMap<String, u64>,
    /// Bytes of the answers' bodies in the measured phase by endpoint.
    pub body_bytes_by_endpoint: BTreeMap<String, u64>,
    /// Bytes received, both phases, headers included.
    pub data_received: u64,
    /// Answers that were not what was expected, both phases.
    pub checks_failed: u64,
    /// Arrivals that could not be started.
    pub dropped_iterations: u64,
    /// Users that existed at most.
    pub vus_max: u64,
}

/// Latency figures in milliseconds; null when there was no request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile, type 7, as all of these.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
}
