//! The command line of `analyze`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::doc::Asked;

/// Intervals and tests over latency percentiles, from repeated runs.
///
/// A bare folder is the same as `analyze report FOLDER`: see `analyze report --help`.
///
/// Exit codes: 0 done, or pass; 1 regression, or something differs; 2 usage or data error; 3 inconclusive.
#[derive(Debug, Parser)]
#[command(
    name = "analyze",
    version,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:\n  analyze results/\n  analyze results/ --format html --out report.html\n  analyze results/20261124T101500Z-single-read-heavy --all-pairs --metric p99 --metric p50"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses a command line in which a bare folder, or an option, stands for `report`.
    pub fn parse_arguments() -> Self {
        let mut arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
        if let Some(first) = arguments.get(1).and_then(|a| a.to_str().or(Some(""))) {
            let command = <Self as clap::CommandFactory>::command();
            let own = ["help", "-h", "--help", "-V", "--version"].contains(&first);
            if !own && command.find_subcommand(first).is_none() {
                arguments.insert(1, "report".into());
            }
        }
        Self::parse_from(arguments)
    }
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a run: verdicts first, then receipt and figures
    #[command(
        after_help = "Examples:\n  analyze report results/ --format markdown --out comment.md\n  analyze report results/RUN --baseline rust-sqlx --metric p99"
    )]
    Report(ReportArgs),
    /// Has NEW become worse than BASE? A gate for CI
    ///
    /// Exit codes: 0 pass; 1 regression; 2 usage or data error; 3 inconclusive.
    #[command(
        after_help = "Examples:\n  analyze compare results/RUN:main results/RUN:branch      two targets of one run: the best evidence\n  analyze compare results/MONDAY results/FRIDAY --control go    two runs that both have an unchanged target\n  analyze compare results/MONDAY results/FRIDAY --target python --on-inconclusive pass"
    )]
    Compare(CompareArgs),
    /// Judge results of k6, oha or wrk2 that were made without this lab; each file is one repetition
    #[command(
        after_help = "Examples:\n  analyze import go-1.csv.gz go-2.csv.gz go-3.csv.gz rust-1.csv.gz rust-2.csv.gz rust-3.csv.gz --paired\n  analyze import --target go --skip-seconds 10 --scenario steady out/*.json.gz\n  analyze import oha-*.json --format html --out report.html"
    )]
    Import(ImportArgs),
    /// Recompute every number of a run, and of a stored JSON report, from the raw records
    ///
    /// Exit codes: 0 all the same; 1 something differs, its name is printed; 2 usage or data error.
    #[command(
        after_help = "Examples:\n  analyze verify results/RUN\n  analyze verify results/RUN --report report.json"
    )]
    Verify(VerifyArgs),
    /// How many repetitions are needed, and how long they take
    #[command(
        after_help = "Examples:\n  analyze plan results/RUN\n  analyze plan results/RUN --margin 2% --metric p99\n  analyze plan --sd 3% --pairs 3 --block-seconds 60"
    )]
    Plan(PlanArgs),
    /// Let the method try out its own error rates by simulation
    ///
    /// Exit codes: 0 every line inside its range; 1 a line is outside; 2 usage.
    #[command(
        after_help = "Examples:\n  analyze calibrate\n  analyze calibrate --experiments 500 --seed 7"
    )]
    Calibrate(CalibrateArgs),
    /// Write shell completions or the man page
    #[command(hide = true)]
    Generate(GenerateArgs),
}

/// `analyze report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// A run, or a folder of runs (its newest run is taken)
    pub results: PathBuf,
    /// What to compare.
    #[command(flatten)]
    pub asked: AskedArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// File to write [default: standard output]
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// What to compare.
#[derive(Debug, Clone, Args)]
pub struct AskedArgs {
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
}

impl AskedArgs {
    /// As the document stores them.
    pub fn asked(&self) -> Asked {
        Asked {
            all_pairs: self.all_pairs,
            strict: self.strict,
            baseline: self.baseline.clone(),
            margin: self.margin,
            metrics: self.metrics.clone(),
        }
    }
}

/// `analyze compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// RUN, or RUN:TARGET
    pub base: String,
    /// RUN, or RUN:TARGET of the same run
    pub new: String,
    /// Unchanged target that both runs contain: takes the difference of the sessions out
    #[arg(long, value_name = "TARGET")]
    pub control: Option<String>,
    /// Only these targets (repeat it) [default: all but the control]
    #[arg(long = "target", short, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Only these metrics (repeat it) [default: the plan's primary ones]
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Smallest change that counts [default: the plan's]
    #[arg(long, value_parser = parse_share)]
    pub margin: Option<f64>,
    /// Standard deviation between sessions, where there is no control: measure it with A/A sessions
    #[arg(long, value_parser = parse_share_or_zero, default_value = "0.02")]
    pub session_sd: f64,
    /// Answer 0 (pass) or 1 (fail) instead of 3 when nothing is shown
    #[arg(long, value_enum)]
    pub on_inconclusive: Option<OnInconclusive>,
    /// Compare results of different machines, limits, loads or tool versions
    #[arg(long)]
    pub across_environments: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "table")]
    pub format: GateFormat,
    /// File to write [default: standard output]
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// `analyze import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// k6 CSV or JSON output or summary, oha JSON, wrk2 text; gzipped or not. Several files NAME-1, NAME-2, … are
    /// repetitions of the target NAME
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Target of all files [default: the file's name without its number]
    #[arg(long)]
    pub target: Option<String>,
    /// The n-th files of the targets were made side by side: compare them pairwise
    #[arg(long)]
    pub paired: bool,
    /// Warm-up to leave out, in seconds after the first request
    #[arg(long, default_value_t = 0.0)]
    pub skip_seconds: f64,
    /// Only this scenario of k6
    #[arg(long)]
    pub scenario: Option<String>,
    /// Put files of different tools into one comparison
    #[arg(long)]
    pub across_environments: bool,
    /// What to compare.
    #[command(flatten)]
    pub asked: AskedArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// File to write [default: standard output]
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// `analyze verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The folder of a run
    pub run: PathBuf,
    /// A report of `analyze --format json`
    #[arg(long)]
    pub report: Option<PathBuf>,
}

/// `analyze plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// A run of 5 blocks or more, as pilot
    pub pilot: Option<PathBuf>,
    /// Standard deviation of paired log ratios, instead of a pilot (3% or 0.03)
    #[arg(long, value_parser = parse_share, conflicts_with = "pilot")]
    pub sd: Option<f64>,
    /// Difference to find or rule out [default: the plan's, or 5%]
    #[arg(long, value_parser = parse_share)]
    pub margin: Option<f64>,
    /// Only these metrics (repeat it)
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Comparisons in the family [default: the pilot's, or 1]
    #[arg(long)]
    pub pairs: Option<usize>,
    /// Seconds that a block takes [default: the pilot's]
    #[arg(long)]
    pub block_seconds: Option<f64>,
}

/// `analyze calibrate`.
#[derive(Debug, Clone, Args)]
pub struct CalibrateArgs {
    /// Experiments a line
    #[arg(long, default_value_t = 4000, value_parser = clap::value_parser!(u32).range(1..))]
    pub experiments: u32,
    /// Seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `analyze generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// bash, zsh, fish, elvish, powershell or man
    pub what: String,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Table,
    /// For programs; schema_version 1
    Json,
    /// For a comment on a pull request
    Markdown,
    /// For spreadsheets
    Csv,
    /// One self-contained file: figures, tables, receipt
    Html,
}

/// Forms of the gate's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GateFormat {
    /// For a terminal
    Table,
    /// For programs; schema_version 1
    Json,
    /// For a comment on a pull request
    Markdown,
}

/// What an inconclusive gate answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnInconclusive {
    /// 0
    Pass,
    /// 1
    Fail,
}

/// Like [`parse_share`], but 0 is allowed.
///
/// # Errors
/// Not a share from 0 to 1.
pub fn parse_share_or_zero(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(0.0) => Ok(0.0),
        _ => parse_share(text),
    }
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
