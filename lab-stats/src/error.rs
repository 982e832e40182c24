//! Errors: all of them are about the data or the plan (exit code 2).

use thiserror::Error;

/// Why data cannot be judged.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum JudgeError {
    /// NaN or infinity in the data.
    #[error(
        "{place}: {metric} of {target} is {value}, not a finite number; remove or repair this row"
    )]
    NotFinite {
        /// Row or place.
        place: String,
        /// Target.
        target: String,
        /// Metric.
        metric: String,
        /// The value as text.
        value: String,
    },
    /// The same target twice in one block.
    #[error(
        "{place}: target {target} occurs twice in block {block}; each target runs once a block, so one of the two rows is a copy or a wrong block id"
    )]
    Duplicate {
        /// Row or place.
        place: String,
        /// Target.
        target: String,
        /// Block id.
        block: u64,
    },
    /// A metric in the plan that does not exist.
    #[error(
        "the plan names the metric {0:?}, which does not exist; known are p50, p90, p95, p99, p999, mean, max, throughput, cpu_per_request, error_rate"
    )]
    UnknownMetric(String),
    /// A baseline that is not a target.
    #[error(
        "the baseline {baseline:?} is not among the targets ({targets}); choose one of them or compare all pairs"
    )]
    UnknownBaseline {
        /// Baseline asked for.
        baseline: String,
        /// Targets there are.
        targets: String,
    },
    /// An impossible number in the plan.
    #[error("the plan has {name} = {value}; it must be {must}")]
    Plan {
        /// Field.
        name: &'static str,
        /// Its value as text.
        value: String,
        /// What is allowed.
        must: &'static str,
    },
}

/// Why the raw samples of a run cannot be summarised.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SampleError {
    /// Columns of different lengths.
    #[error(
        "columns of different lengths: {started_at} start times, {duration} durations, {failed} failure marks"
    )]
    Lengths {
        /// Rows of `started_at`.
        started_at: usize,
        /// Rows of `duration`.
        duration: usize,
        /// Rows of `failed`.
        failed: usize,
    },
    /// A negative duration.
    #[error(
        "row {row}: duration {duration} ns is negative; the clock of the load generator went backwards or the file is damaged"
    )]
    NegativeDuration {
        /// Row, counted from 1.
        row: usize,
        /// Its duration.
        duration: i64,
    },
    /// Start and end of the run are too far apart to be one run.
    #[error(
        "the requests reach over {seconds} s, more than a week: two runs in one file, or a damaged time"
    )]
    TooLong {
        /// From the first start to the last end.
        seconds: i64,
    },
}
