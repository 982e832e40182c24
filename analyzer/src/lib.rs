//! `analyze`: intervals and tests over latency percentiles, from raw samples.
//!
//! `cmd/` has a file for each subcommand. Figures come from the raw record by polars and lab-stats, verdicts from
//! lab-verdict, so that `bench` and `analyze` say the same of the same run.

pub mod cli;
pub mod cmd;
pub mod doc;
pub mod exit;
pub mod figures;
pub mod import;
pub mod judge;
pub mod plot;
pub mod recompute;
pub mod render;
pub mod run;
pub mod samples;
pub mod ui;
