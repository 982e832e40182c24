//! `lab.toml`: the one source of truth. Types as they stand in the file; [`Lab::load`] also checks them.

mod budget;
mod error;
mod load;
mod validate;

pub use budget::{Budget, Placeholders};
pub use error::ConfigError;
pub use validate::{TARGET_NAME_HINT, is_target_name};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole of `lab.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Version of this file's form; 1.
    pub schema_version: u32,
    /// The database that every target reads.
    pub postgres: Postgres,
    /// Budgets by mode name.
    pub modes: IndexMap<String, Mode>,
    /// The load generator.
    pub generator: Generator,
    /// What services promise beyond their answers.
    pub contract: Contract,
    /// Services by name.
    pub targets: IndexMap<String, Target>,
    /// Loads by name.
    pub profiles: IndexMap<String, Profile>,
    /// What is run, and how it will be judged.
    pub plan: Plan,
    /// Limits of the fairness receipt.
    pub receipt: ReceiptLimits,
}

/// `[postgres]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Major version that must be found.
    pub major: u32,
    /// Rows in `users`.
    pub users: u32,
    /// Text that the rows' contents follow from.
    pub seed: String,
    /// Name of the database.
    pub database: String,
    /// Role of the services: SELECT only.
    pub role: String,
    /// Lines of `postgresql.conf`.
    pub settings: IndexMap<String, Setting>,
}

/// A value in `[postgres.settings]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// A number, written as it is.
    Integer(i64),
    /// A text, written quoted.
    Text(String),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(n) => write!(f, "{n}"),
            Self::Text(s) => f.write_str(s),
        }
    }
}

/// `[generator]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// Memory in MiB up to which k6 collects no garbage: its collections would be measured as latency.
    pub memory_mib: u32,
}

/// `[modes.<name>]`: one budget for every target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// CPU time of the service, in CPUs.
    pub cpus: u32,
    /// Worker threads or processes.
    pub workers: u32,
    /// Connections of the whole service; the pool of one process is derived.
    pub db_connections: u32,
    /// Size of Postgres' CPU set where the host has CPUs enough.
    pub postgres_cpus: u32,
    /// Size of the load generator's CPU set, likewise; also the base of its saturation guard.
    pub load_cpus: u32,
}

/// `[contract]`: limits that every service keeps, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Acquiring a connection plus the queries of one request; past it: 503.
    pub db_timeout_ms: u64,
    /// From start to the first 200 of `/readyz`.
    pub ready_timeout_ms: u64,
    /// From SIGTERM to exit.
    pub drain_timeout_ms: u64,
}

/// `[targets.<name>]`: one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// For people.
    pub title: String,
    /// Folder, relative to `lab.toml`, in which `build` and `command` run.
    pub dir: String,
    /// How to build it; nothing to build when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Vec<String>>,
    /// How to start it; placeholders allowed.
    pub command: Vec<String>,
    /// How to ask its version (first line of standard output is kept).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_command: Option<Vec<String>>,
    /// Port for playing and for containers; a benchmark takes a free one.
    pub port: u16,
    /// What a worker is.
    pub workers: WorkerKind,
    /// Environment; placeholders allowed.
    #[serde(default)]
    pub env: IndexMap<String, String>,
}

/// Whether workers share one connection pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerKind {
    /// One process, one pool.
    Threads,
    /// A process each, with a pool of its own.
    Processes,
}

/// k6 executor of a profile's measured phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Executor {
    /// Closed loop, fixed users.
    ConstantVus,
    /// Closed loop, rising users.
    RampingVus,
    /// Open loop, fixed rate.
    ConstantArrivalRate,
    /// Open loop, rising rate.
    RampingArrivalRate,
}

impl Executor {
    /// In an open loop the rate is set by the load, not by the service.
    pub fn is_open(self) -> bool {
        matches!(self, Self::ConstantArrivalRate | Self::RampingArrivalRate)
    }

    /// The load rises while it is measured: latency is not meant to settle.
    pub fn rises(self) -> bool {
        matches!(self, Self::RampingVus | Self::RampingArrivalRate)
    }

    /// A rate that rises until the service breaks: the question is the capacity, and what happens past it is no fault.
    pub fn finds_capacity(self) -> bool {
        self == Self::RampingArrivalRate
    }
}

/// `[profiles.<name>]`: one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// For people.
    pub title: String,
    /// k6 executor.
    pub executor: Executor,
    /// Discarded seconds before the measured phase.
    pub warmup_s: f64,
    /// Measured seconds.
    pub measure_s: f64,
    /// Users: fixed, at the top of the ramp, or the cap of an open loop.
    pub vus: u32,
    /// Requests per second of an open loop (at the last step of a ramp).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Steps of a rising rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Mean pause of a user after each request; each is drawn evenly between 0 and twice this.
    pub think_time_ms: u64,
    /// Weights of the requests.
    pub mix: Mix,
}

impl Profile {
    /// Steps of a rising profile where lab.toml names none; as loadtest/scripts/lib/plan.js.
    const DEFAULT_STEPS: u32 = 8;

    /// Requests per second of each step of a rising arrival rate, as the load script makes them; empty for other loads.
    pub fn step_rates(&self) -> Vec<u32> {
        let (Some(top), true) = (self.rate, self.executor.finds_capacity()) else {
            return Vec::new();
        };
        let steps = u64::from(self.steps.unwrap_or(Self::DEFAULT_STEPS).max(1));
        (1..=steps)
            .map(|step| {
                let rounded = (2 * u64::from(top) * step + steps) / (2 * steps);
                u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
            })
            .collect()
    }

    /// Length of one step, in seconds.
    pub fn step_s(&self) -> f64 {
        self.measure_s / self.step_rates().len().max(1) as f64
    }
}

/// Weights of the two requests; only their proportion counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// `GET /users/{id}`.
    pub user: u32,
    /// `GET /users?limit=50&offset=…`.
    pub users: u32,
}

/// `[plan]`: fixed before the first request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Default profile.
    pub profile: String,
    /// Blocks: each target once a block, in random order.
    pub repetitions: u32,
    /// Pause between repetitions, in seconds.
    pub cooldown_s: f64,
    /// How often verdicts may be read: 1, 2 or 3 (STATISTICS section 8).
    pub looks: u32,
    /// Equivalence margin as a share: 0.05 means within a factor of 1.05.
    pub margin: f64,
    /// Error rate that is promised.
    pub alpha: f64,
    /// Target that the others are compared with.
    pub baseline: String,
    /// Metrics with verdicts of the first rank.
    pub primary: Vec<String>,
    /// Metrics with verdicts tagged "secondary".
    pub secondary: Vec<String>,
    /// Metrics without verdict words.
    pub descriptive: Vec<String>,
    /// Service-level objective of `capacity`.
    pub slo: Slo,
    /// `--quick`.
    pub quick: QuickPlan,
    /// `--thorough`.
    pub thorough: ThoroughPlan,
}

/// `[plan.slo]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Highest p99, in milliseconds.
    pub p99_ms: f64,
    /// Highest share of failed requests.
    pub error_rate: f64,
}

/// `[plan.quick]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuickPlan {
    /// Profile to use.
    pub profile: String,
    /// Blocks.
    pub repetitions: u32,
}

/// `[plan.thorough]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThoroughPlan {
    /// Blocks.
    pub repetitions: u32,
    /// Measured seconds of each repetition.
    pub measure_s: f64,
}

/// `[receipt]`: what a repetition must show to count. Shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptLimits {
    /// Share by which the service may use more CPU than its quota.
    pub service_cpu_over: f64,
    /// Share of `load_cpus` above which the load generator is the bottleneck.
    pub generator_cpu_share: f64,
    /// Share of all CPU time taken by the hypervisor.
    pub host_steal_share: f64,
    /// Share of all CPU time that must be left idle.
    pub host_idle_share: f64,
    /// Share of all CPU time used by processes that are not the lab's.
    pub foreign_cpu_share: f64,
    /// Share of failed or wrong answers.
    pub error_rate: f64,
    /// Arrivals that k6 could not start.
    pub dropped_iterations: u64,
    /// Allowed difference between requests k6 counted and queries Postgres answered.
    pub query_mismatch_share: f64,
    /// Wall clock against monotonic clock over a repetition.
    pub clock_step_ms: u64,
    /// Longest time that the database or the host may stand still, in milliseconds. Absent: not judged.
    pub stall_ms: Option<u64>,
    /// Share of time in which some process waited for memory. Absent: not judged.
    pub memory_pressure: Option<f64>,
    /// Share of time in which some process waited for a disk. Absent: not judged.
    pub io_pressure: Option<f64>,
}
