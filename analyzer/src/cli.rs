//! The command line of `analyze`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Intervals and tests over latency percentiles, from repeated runs.
///
/// A bare folder is the same as `analyze report FOLDER`.
///
/// Exit codes: 0 done, or pass; 1 regression, or something differs; 2 usage or data error; 3 inconclusive.
#[derive(Debug, Parser)]
#[command(
    name = "analyze",
    version,
    propagate_version = true,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  analyze results/\n  analyze results/ --format html --out report.html\n  analyze results/20261124T101500Z-single-read-heavy --all-pairs --metric p99 --metric p50"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Without a subcommand: a report.
    #[command(flatten)]
    pub report: Option<ReportArgs>,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a run: verdicts first, then receipt and figures
    Report(ReportArgs),
}

/// `analyze report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// A run, or a folder of runs (its newest run is taken)
    pub results: PathBuf,
    /// Target that the others are compared with [default: the plan's]
    #[arg(long)]
    pub baseline: Option<String>,
    /// Compare every pair
    #[arg(long)]
    pub all_pairs: bool,
    /// Only these metrics (repeat it) [default: the plan's]
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Equivalence margin, e.g. 5% or 0.05 [default: the plan's]
    #[arg(long, value_parser = parse_share)]
    pub margin: Option<f64>,
    /// One family over all pairs and all verdict metrics
    #[arg(long)]
    pub strict: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// File to write [default: standard output]
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Table,
    /// For programs; schema_version 1
    Json,
}

/// "5%" or "0.05".
///
/// # Errors
/// Not a share between 0 and 1.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |n| (n, 100.0));
    let value: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is neither a share nor a percentage"))?;
    let share = value / scale;
    if share > 0.0 && share < 1.0 {
        Ok(share)
    } else {
        Err(format!("{text} must be between 0 and 1 (or 0% and 100%)"))
    }
}
