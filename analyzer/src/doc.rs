//! The result as one document: the public JSON, and what every other format is made of.

use std::collections::BTreeMap;

use lab_model::results::{StepFigures, Sweep};
use lab_stats::report::Report;
use lab_stats::seconds::{Stall, WarmUp};
use lab_stats::support::PercentileSupport;
use lab_stats::sweep::Flip;
use lab_verdict::Options;
use serde::{Deserialize, Serialize};

/// A judged run. The report's fields stand at the top, as `docs/FORMAT.md` promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Metrics, comparisons, flags, environment.
    #[serde(flatten)]
    pub report: Report,
    /// Each repetition.
    pub repetitions: Vec<RunFigures>,
    /// Each endpoint; exploratory.
    pub endpoints: Vec<EndpointRow>,
    /// Mean residual by place in the block, as a share; primary metrics.
    pub positions: Vec<Position>,
    /// Each step of each repetition, where the rate rises.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRow>,
    /// What this data cannot support.
    pub limits: Vec<String>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// One repetition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// Target.
    pub target: String,
    /// Block.
    pub block: Option<u64>,
    /// Place in the block, from 1.
    pub slot: Option<u32>,
    /// Why it does not count; empty: it does.
    pub invalid: Vec<String>,
    /// Requests.
    pub requests: Option<u64>,
    /// Failed ones.
    pub errors: Option<u64>,
    /// Latency percentiles in ms of the failed ones, kept apart: p50 and p99.
    pub failed_latency: Option<[f64; 2]>,
    /// By metric name.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// By percentile.
    pub support: BTreeMap<String, PercentileSupport>,
    /// Not settled when measuring began.
    pub warm_up: Option<WarmUp>,
    /// Seconds in which it hung.
    pub stalls: Vec<Stall>,
    /// Median latency by second, in ms.
    pub seconds: Vec<Option<f64>>,
    /// Latency in ms at the probabilities of the quantile plot.
    pub quantiles: Vec<f64>,
}

/// One endpoint of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointRow {
    /// Endpoint.
    pub endpoint: String,
    /// Metric.
    pub metric: String,
    /// Target.
    pub target: String,
    /// Typical run, ms.
    pub estimate: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// Against the baseline; null for the baseline.
    pub ratio: Option<f64>,
    /// Uncorrected.
    pub p: Option<f64>,
    /// False discovery rate over the whole table (Benjamini-Hochberg).
    pub p_bh: Option<f64>,
    /// Worst support of the runs.
    pub support: Option<lab_stats::support::Support>,
}

/// One step of one repetition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Target.
    pub target: String,
    /// Block.
    pub block: u32,
    /// Does its repetition count?
    pub valid: bool,
    /// Its figures.
    pub step: StepFigures,
}

/// Mean residual of one slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Metric.
    pub metric: String,
    /// Place in the block, from 1.
    pub slot: u32,
    /// Mean of log value less block and target medians.
    pub mean_log_residual: f64,
}

/// Where the figures come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// This program and its version.
    pub tool: String,
    /// The run, or the files.
    pub source: String,
    /// Start of the run, UTC.
    pub created_at: Option<String>,
    /// The command that made the data.
    pub command: Vec<String>,
    /// SHA-256 over the names and digests of all raw records.
    pub raw_data_sha256: String,
    /// SHA-256 of lab.toml.
    pub lab_toml_sha256: Option<String>,
    /// Commit of the lab.
    pub revision: Option<String>,
    /// Versions of the programs.
    pub versions: BTreeMap<String, String>,
    /// What was asked for.
    pub asked: Asked,
    /// Which look this is.
    pub look: u32,
}

/// The reader's options, so that a report can be made again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// `--all-pairs`.
    pub all_pairs: bool,
    /// `--strict`.
    pub strict: bool,
    /// `--baseline`.
    pub baseline: Option<String>,
    /// `--margin`.
    pub margin: Option<f64>,
    /// `--metric`.
    pub metrics: Vec<String>,
}

impl Asked {
    /// For lab-verdict.
    pub fn options(&self) -> Options {
        Options {
            all_pairs: self.all_pairs,
            strict: self.strict,
            baseline: self.baseline.clone(),
            margin: self.margin,
            metrics: self.metrics.clone(),
            peeked: false,
        }
    }
}

/// A judged sweep: a document for each value; nothing is compared across values but verdicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepDocument {
    /// 1.
    pub schema_version: u32,
    /// Its plan.
    pub sweep: Sweep,
    /// Where a ranking is shown to turn round.
    pub flips: Vec<Flip>,
    /// By value, rising.
    pub values: Vec<SweepValue>,
}

/// One value of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepValue {
    /// The value.
    pub value: u32,
    /// Its run.
    pub document: Document,
}
