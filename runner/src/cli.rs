//! The command line of `bench`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Fair, interleaved, observed load tests of API services.
///
/// Exit codes: 0 all valid; 1 finished, but some repetitions are invalid or a check found problems; 2 usage,
/// configuration or files; 3 limits cannot be enforced here; 4 a service does not keep the contract;
/// 130 interrupted (`bench resume` goes on).
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// lab.toml to use [default: the one beside the inventory's assets]
    #[arg(long, global = true, value_name = "FILE", env = "BENCH_LAB")]
    pub lab: Option<PathBuf>,
    /// Inventory of programs, as written by ./lab or Nix [default: .lab/inventory.json]
    #[arg(long, global = true, value_name = "FILE", env = "BENCH_INVENTORY")]
    pub inventory: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the plan: interleaved blocks of all targets, then receipt and verdict
    #[command(
        after_help = "Examples:\n  bench run --mode single\n  bench run --mode single --quick -t go -t python\n  bench run --mode multi --profile open --repetitions 12\n  bench run --mode single --list"
    )]
    Run(RunArgs),
    /// Compare a target with itself: how often this host calls a difference where there is none
    #[command(
        after_help = "Examples:\n  bench aa go\n  bench aa go --experiments 40 --repetitions 6 --warmup-s 0.5 --measure-s 1.5\n  bench aa go --slowdown 0%,5%,20% --experiments 5\n  bench aa go --list"
    )]
    Aa(crate::cmd::aa::AaArgs),
    /// The same comparison at several numbers of connections or users: where does the ranking flip?
    #[command(
        after_help = "Examples:\n  bench sweep --mode single --db-connections 5,10,30,60\n  bench sweep --mode single --vus 8,16,32,64 -t go -t python --repetitions 7\n  bench sweep --mode multi --db-connections 8,40 --list"
    )]
    Sweep(SweepArgs),
    /// Go on with an interrupted run or sweep, with the same plan
    Resume(ResumeArgs),
    /// List runs
    List(OutArgs),
    /// Check every file of a run: format, digests, figures recomputed from the raw record
    Validate(ValidateArgs),
    /// What this host can enforce, what would make a run invalid, and the fix for each
    Doctor(DoctorArgs),
    /// Build targets as lab.toml says
    Build(TargetsArgs),
    /// Run the contract suite on targets
    Contract(ContractArgs),
    /// Add a service to lab.toml, and say what it must keep
    #[command(
        after_help = "Example:\n  bench new-target mine --dir ../my-service --build \"npm ci\" --command \"node server.js\""
    )]
    NewTarget(NewTargetArgs),
    /// Start Postgres and targets on their own ports, for playing
    Up(UpArgs),
    /// Stop what `up` started
    Down,
    /// Show the log of a target that `up` started
    Logs(LogsArgs),
    /// Write shell completions or the man page
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// Become a child in its group (internal)
    #[command(name = "__exec", hide = true)]
    Exec(ExecArgs),
    /// Clean up after a killed runner (internal)
    #[command(name = "__guard", hide = true)]
    Guard(GuardArgs),
    /// Delay requests on their way to a service (internal)
    #[command(name = "__proxy", hide = true)]
    Proxy(crate::aa::forward::ProxyArgs),
    /// The background half of `up` (internal)
    #[command(name = "__up", hide = true)]
    UpBackground(UpArgs),
}

/// `bench run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Budget, from [modes] in lab.toml
    #[arg(long, short, default_value = "single")]
    pub mode: String,
    /// Load, from [profiles] in lab.toml [default: plan.profile]
    #[arg(long, short)]
    pub profile: Option<String>,
    /// Only these targets (repeat it) [default: all of lab.toml]
    #[arg(long = "target", short, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Blocks: each target once a block, in random order [default: plan.repetitions]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repetitions: Option<u32>,
    /// A short look: plan.quick of lab.toml
    #[arg(long, conflicts_with = "thorough")]
    pub quick: bool,
    /// A long one: plan.thorough of lab.toml
    #[arg(long)]
    pub thorough: bool,
    /// Measured seconds of a repetition [default: the profile's]
    #[arg(long, value_name = "SECONDS")]
    pub measure: Option<f64>,
    /// Seed of the order and of the requests [default: random, recorded]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Show what would run, and how long it takes
    #[arg(long)]
    pub list: bool,
    /// Folder of results
    #[arg(long, short, default_value = "results")]
    pub out: PathBuf,
    /// Also leave k6's summaries here, as <target>-<UTC time>.json
    #[arg(long, value_name = "FOLDER")]
    pub k6_summary_dir: Option<PathBuf>,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `bench sweep`: everything that a run has, and what is varied.
#[derive(Debug, Clone, Args)]
pub struct SweepArgs {
    /// What is varied.
    #[command(flatten)]
    pub varied: Varied,
    /// The run at each value.
    #[command(flatten)]
    pub run: RunArgs,
}

/// One of these.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Varied {
    /// Connections of the whole service at each value, e.g. 5,10,30,60
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', num_args = 1..)]
    pub db_connections: Vec<u32>,
    /// Users of a closed loop at each value, e.g. 8,16,32,64
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', num_args = 1..)]
    pub vus: Vec<u32>,
}

/// How budgets may be enforced.
#[derive(Debug, Clone, Args)]
pub struct LimitArgs {
    /// Give the service more CPUs than this host has; results are marked
    #[arg(long)]
    pub allow_oversubscribed: bool,
    /// Run without a CPU quota where none can be enforced; results are marked
    #[arg(long)]
    pub allow_affinity_only: bool,
    /// Enforce limits in this way [default: the best that works here]
    #[arg(long, value_enum)]
    pub limits: Option<Backend>,
}

/// Names of the limit backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// The unified hierarchy
    #[value(name = "cgroup_v2")]
    CgroupV2,
    /// A scope that systemd delegates
    Systemd,
    /// One hierarchy a controller
    #[value(name = "cgroup_v1")]
    CgroupV1,
    /// No quota
    Affinity,
}

impl From<Backend> for lab_limits::Kind {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::CgroupV2 => Self::CgroupV2,
            Backend::Systemd => Self::Systemd,
            Backend::CgroupV1 => Self::CgroupV1,
            Backend::Affinity => Self::Affinity,
        }
    }
}

/// `bench resume`.
#[derive(Debug, Clone, Args)]
pub struct ResumeArgs {
    /// Folder of the run
    pub run: PathBuf,
    /// Also leave k6's summaries here
    #[arg(long, value_name = "FOLDER")]
    pub k6_summary_dir: Option<PathBuf>,
}

/// `bench list`.
#[derive(Debug, Clone, Args)]
pub struct OutArgs {
    /// Folder of results
    #[arg(long, short, default_value = "results")]
    pub out: PathBuf,
}

/// `bench validate`.
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// Folder of the run
    pub run: PathBuf,
}

/// `bench doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Only this mode [default: all of lab.toml]
    #[arg(long, short)]
    pub mode: Option<String>,
    /// For programs
    #[arg(long)]
    pub json: bool,
}

/// Some or all targets.
#[derive(Debug, Clone, Args)]
pub struct TargetsArgs {
    /// Targets [default: all]
    pub targets: Vec<String>,
}

/// `bench contract`.
#[derive(Debug, Clone, Args)]
pub struct ContractArgs {
    /// Targets [default: all]
    pub targets: Vec<String>,
    /// Budget to start them with
    #[arg(long, short, default_value = "single")]
    pub mode: String,
    /// Also every one of the users
    #[arg(long)]
    pub thorough: bool,
    /// Also how it behaves when the database goes, hangs or comes back, and at its end
    #[arg(long)]
    pub behaviour: bool,
    /// Seconds that a busy machine may add to every limit of a behaviour
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=120))]
    pub slack: u64,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// For programs
    #[arg(long)]
    pub json: bool,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `bench new-target`.
#[derive(Debug, Clone, Args)]
pub struct NewTargetArgs {
    /// Name of the service: lower-case letters, digits and -
    pub name: String,
    /// For people [default: the name]
    #[arg(long)]
    pub title: Option<String>,
    /// Its folder, relative to lab.toml; commands run there [default: the name]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<String>,
    /// How to build it, words separated by spaces [default: nothing to build]
    #[arg(long, value_name = "COMMAND")]
    pub build: Option<String>,
    /// How to start it [default: a program of its name in its folder]
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// How to ask its version [default: COMMAND --version]
    #[arg(long, value_name = "COMMAND")]
    pub version_command: Option<String>,
    /// What a worker is: threads share a pool, processes have one each
    #[arg(long, value_enum, default_value = "threads")]
    pub workers: Workers,
    /// Port for playing [default: the next one that no target has]
    #[arg(long)]
    pub port: Option<u16>,
    /// Show the table and the checklist, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workers {
    /// One process, one pool
    Threads,
    /// A process each, with a pool of its own
    Processes,
}

/// `bench up`.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// Targets [default: all]
    pub targets: Vec<String>,
    /// Budget to start them with
    #[arg(long, short, default_value = "single")]
    pub mode: String,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `bench logs`.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// Target, or "postgres"
    pub target: String,
    /// Go on as it grows
    #[arg(long, short)]
    pub follow: bool,
}

/// `bench generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// A shell, or "man"
    pub what: String,
}

/// `bench __exec`.
#[derive(Debug, Clone, Args)]
pub struct ExecArgs {
    /// lab_limits::ExecSpec
    #[arg(long)]
    pub spec: String,
    /// Program and arguments
    #[arg(last = true)]
    pub command: Vec<std::ffi::OsString>,
}

/// `bench __guard`.
#[derive(Debug, Clone, Args)]
pub struct GuardArgs {
    /// lab_limits::Session
    pub session: String,
    /// Runtime folder
    pub dir: PathBuf,
}
