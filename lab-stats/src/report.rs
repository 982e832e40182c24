//! The public result: what the JSON, the terminal and the HTML report are made of.
//!
//! The first fields of each struct are the names that the JSON interface promises
//! (`schema_version` 1); the ones after "more" are additions. Missing is `null`.

use serde::{Deserialize, Serialize};

use crate::{capacity::Bound, metric::Metric, plan::Role, support::Support};

/// An interval, low end first.
pub type Interval = [f64; 2];

/// The whole result of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this JSON.
    pub schema_version: u32,
    /// One entry per planned metric, in the order of the plan.
    pub metrics: Vec<MetricReport>,
    /// What deserves a look; nothing is ever deleted from the data.
    pub flags: Vec<Flag>,
    /// Where the data comes from; passed through.
    pub environment: serde_json::Value,
    // more
    /// Remarks on the whole judgement: looks, peeking, invalid runs.
    pub notes: Vec<String>,
    /// Error level of one comparison at this look.
    pub alpha: f64,
    /// Equivalence margin as a fraction.
    pub margin: f64,
}

impl Report {
    /// The metric of this name.
    pub fn metric(&self, name: &str) -> Option<&MetricReport> {
        self.metrics.iter().find(|metric| metric.metric == name)
    }
}

/// One metric: figures per target, then comparisons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricReport {
    /// Metric name.
    pub metric: String,
    /// Unit of the estimates.
    pub unit: String,
    /// Its role in the plan.
    pub role: Role,
    /// One entry per planned target.
    pub targets: Vec<TargetReport>,
    /// The family of pairs.
    pub comparisons: Vec<Comparison>,
}

/// The figure of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    /// Target name.
    pub target: String,
    /// Typical value of one run in this session (Hodges-Lehmann over runs), in the metric's unit.
    pub estimate: Option<f64>,
    /// Its 95% interval (1 - plan alpha).
    pub ci: Option<Interval>,
    /// Valid runs with a value.
    pub repetitions: usize,
    /// Pooled percentile: descriptive, no interval.
    pub pooled: Option<f64>,
    /// Whether the runs can support this percentile; `null` = not known.
    pub support: Option<Support>,
    // more
    /// Human name, if the plan has one.
    pub title: Option<String>,
    /// Smallest run.
    pub min: Option<f64>,
    /// Largest run.
    pub max: Option<f64>,
    /// Coefficient of variation over runs (fraction).
    pub cv: Option<f64>,
    /// Every run's value in the order of the blocks, for dots.
    pub values: Vec<RunValue>,
    /// Some values are only bounds, all on this side: so is the estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// The value of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunValue {
    /// Block id.
    pub block: Option<u64>,
    /// Value in the metric's unit.
    pub value: f64,
}

/// How a comparison was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Exact Wilcoxon signed-rank test with the Hodges-Lehmann interval.
    SignedRank,
    /// Paired t on logs.
    PairedT,
    /// Welch t on logs; unpaired data.
    Welch,
    /// Estimate only.
    None,
}

/// What the ratio estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimand {
    /// The typical ratio between two runs made side by side.
    PseudomedianRatio,
    /// The ratio of geometric means.
    GeomeanRatio,
}

/// The kind of verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One is better.
    Different,
    /// Within the margin.
    Equivalent,
    /// Neither is shown yet.
    CannotTell,
    /// Not judged; the text says why.
    NoVerdict,
}

/// One pair at one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First target.
    pub a: String,
    /// Second target (the baseline, where there is one).
    pub b: String,
    /// a / b of the metric as measured.
    pub ratio: Option<f64>,
    /// Per-comparison interval of the ratio.
    pub ci: Option<Interval>,
    /// Interval at level 1 - alpha/m; `null` if the exact method has none.
    pub ci_simultaneous: Option<Interval>,
    /// Two-sided p-value, uncorrected.
    pub p: Option<f64>,
    /// Holm-adjusted inside the family.
    pub p_adjusted: Option<f64>,
    /// Equivalence p-value: the larger of the two one-sided tests, uncorrected.
    pub p_equivalence: Option<f64>,
    /// Method, fixed by (R, m) alone.
    pub method: Method,
    /// What `ratio` estimates; `null` where there is no ratio.
    pub estimand: Option<Estimand>,
    /// The verdict.
    pub verdict: Verdict,
    /// Complete pairs R (unpaired: the smaller group).
    pub repetitions: usize,
    /// Additional repetitions needed to resolve the margin; `null` if none or beyond planning.
    pub more_repetitions: Option<u32>,
    /// The verdict text.
    pub text: String,
    // more
    /// The interval is shown for orientation only (two repetitions).
    pub advisory: bool,
    /// Remarks: robustness, small R, secondary, sensitivity, gates.
    pub notes: Vec<String>,
    /// Holm-adjusted equivalence p-value.
    pub p_equivalence_adjusted: Option<f64>,
    /// The interval at level 1 - 2 alpha that goes with equivalence.
    pub ci_equivalence: Option<Interval>,
    /// Confidence that the exact interval really has, where it is exact.
    pub achieved_level: Option<f64>,
    /// Family size m.
    pub family: usize,
    /// Standard deviation of the paired log ratios.
    pub sd_log_ratio: Option<f64>,
    /// Smallest ratio (above 1) that this many repetitions would find with power 0.80.
    pub minimum_detectable_ratio: Option<f64>,
    /// a - b in the metric's unit, where a ratio is undefined.
    pub difference: Option<f64>,
    /// Interval of the difference.
    pub difference_ci: Option<Interval>,
}

impl Comparison {
    /// The verdict as a line for people, with the names in front where the text does not have them.
    pub fn sentence(&self, metric: &str) -> String {
        if self.verdict == Verdict::Different {
            return self.text.clone();
        }
        let label = Metric::find(metric).map_or(metric, |metric| metric.label());
        format!("{} vs {}, {}: {}", self.a, self.b, label, self.text)
    }
}

/// A finding of the diagnostics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Machine name: `invalid_run`, `unmeasured`, `missing_runs`, `not_planned`, `outlier`, `two_modes`, `drift`, `position`,
    /// `saturated`, `errors`, `few_tail_samples`, `warming_up`, `no_steady_state`, `stall`, `physics`.
    pub kind: String,
    /// Target concerned, if one.
    pub target: Option<String>,
    /// Block concerned, if one.
    pub block: Option<u64>,
    /// Metric concerned, if one.
    pub metric: Option<String>,
    /// For people.
    pub text: String,
}
