//! The statistical method of the lab: from repetitions to verdicts.
//!
//! Pure functions: no files, no clock, no global state. `bench` (at the end of a run) and `analyze`
//! both call [`judge()`], so the same run always gets the same verdict. The method is that of
//! docs/METHODOLOGY.md; section numbers in the comments are those of the specification (STATISTICS).
//!
//! # The three entries
//!
//! ```text
//! raw requests of one repetition --RunSummary::of--> figures of that repetition
//! all repetitions of a session   --judge(&plan, &session)--> Report (the public JSON)
//! two results                    --gate::compare(...)--> regression | pass | small change | inconclusive
//! ```
//!
//! 1. [`summary::RunSummary::of`]: slices of `started_at` (ns), `duration` (ns) and `failed` of the
//!    measured phase, in time order; gives n, percentiles (type 7, ms), mean, max, throughput,
//!    error rate and, per percentile, whether its tail has samples enough ([`support::Support`]).
//!    `RunSummary::metrics()` is the map that a [`session::Repetition`] wants.
//! 2. [`judge()`]: `judge(&JudgePlan, &Session) -> Result<Report, JudgeError>`.
//!    A [`session::Repetition`] is `{target, block, slot, invalid: [reasons], dropped_iterations,
//!    requests, errors, metrics: {name: value}, support: {percentile: PercentileSupport}}`.
//!    [`report::Report`] serialises to the public JSON (`schema_version` 1). What is missing is
//!    `null`, never 0 or NaN. NaN, infinities and duplicate (target, block) are errors: exit code 2.
//! 3. [`gate::compare`] (two sessions) and [`gate::compare_same_blocks`] (two targets of one session):
//!    `(&GatePlan, ...) -> Result<GateReport, JudgeError>`; `GateReport::exit_code`.
//! 4. [`report::Comparison::sentence`] is the line to show a person; `Comparison::text` is the bare
//!    verdict text of the JSON.
//!
//! Beside them: [`capacity::steps`] (the highest of rising rates that met the objective), [`sweep::flips`] (where a
//! ranking turns round), [`seconds::Seconds`] (warm-up and stalls of one run), [`physics::check`] (figures that cannot
//! all be true), [`planning::needed`] (how many repetitions), [`quality::false_alarms`] (A/A experiments),
//! [`diagnostics`] (residuals, position effect), [`simulate::calibrate::calibrate`] (the method proves its own
//! error rates) and [`simulate::naive::row`] (what happens when requests are taken for repetitions).
//!
//! Metric names, units and directions: [`metric::Metric`]. Latencies are in ms, `throughput` in
//! requests per second, `cpu_per_request` in microseconds of CPU time, `error_rate` is a fraction.
//!
//! ```
//! use lab_stats::{judge, plan::JudgePlan, session::{Repetition, Session}};
//! let mut session = Session::default();
//! for block in 0..10 {
//!     for (target, p99) in [("go", 8.0), ("rust-sqlx", 4.0)] {
//!         let mut run = Repetition::new(target, block);
//!         let wobble = 1.0 + 0.01 * ((block * 7 + 3) % 5) as f64;
//!         run.metrics.insert("p99".into(), Some(p99 * if target == "go" { wobble } else { 1.0 }));
//!         session.repetitions.push(run);
//!     }
//! }
//! let plan = JudgePlan::new(["go", "rust-sqlx"], "go");
//! let report = judge(&plan, &session)?;
//! let p99 = report.metric("p99").expect("a planned metric");
//! assert!(p99.comparisons[0].text.starts_with("rust-sqlx is 2"));
//! # Ok::<(), lab_stats::JudgeError>(())
//! ```

pub mod bootstrap;
pub mod capacity;
pub mod diagnostics;
pub mod dist;
pub mod equivalence;
pub mod error;
pub mod gate;
pub mod hodges_lehmann;
pub mod judge;
pub mod looks;
pub mod mann_whitney;
pub mod metric;
pub mod moments;
pub mod multiplicity;
pub mod noncentral_t;
pub mod outlier;
pub mod physics;
pub mod plan;
pub mod planning;
pub mod quality;
pub mod quantile;
pub mod report;
pub mod seconds;
pub mod series;
pub mod session;
pub mod sign_flip;
pub mod signed_rank;
pub mod simulate;
pub mod sorted;
pub mod summary;
pub mod support;
pub mod sweep;
pub mod t_test;
pub mod text;
pub mod uniformity;

pub use error::{JudgeError, SampleError};
pub use judge::judge;
