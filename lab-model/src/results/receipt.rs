//! The fairness receipt: what was promised, what was seen, and whether the two agree.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was observed during one repetition, from start to end of the load unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// CPU by group in the measured phase: "service", "postgres", "k6".
    pub cpu: BTreeMap<String, CpuUse>,
    /// Connections of the service's role.
    pub connections: Option<Connections>,
    /// Processes of the service.
    pub processes: Option<Processes>,
    /// Requests that k6 recorded by endpoint, both phases and set-up.
    pub recorded_by_endpoint: BTreeMap<String, u64>,
    /// SQL that Postgres ran for the service's role, both phases.
    pub statements: Vec<Statement>,
    /// Transactions in the database and statements run in them, by anybody, from the reset before the load to the end
    /// of the service's last connection.
    pub traffic: Option<Traffic>,
    /// Did the answers follow a change of the database, after the load?
    pub freshness: Option<Freshness>,
    /// The host in the measured phase.
    pub host: Option<HostUse>,
    /// Limits as read back from the system after they were set.
    pub limits_in_force: BTreeMap<String, serde_json::Value>,
    /// From start of the process to the first 200 of /readyz, in milliseconds.
    pub ready_ms: Option<f64>,
    /// Requests of the pre-check that the contract suite sent and found right.
    pub contract_cases: u32,
}

/// CPU of one group in the measured phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CpuUse {
    /// Length of the phase, in seconds.
    pub wall_s: f64,
    /// CPU time used, in seconds; null where the system cannot tell.
    pub used_s: Option<f64>,
    /// `used_s / wall_s`, in CPUs.
    pub cpus: Option<f64>,
    /// Quota, in CPUs; null: none.
    pub quota_cpus: Option<f64>,
    /// Time that the group wanted to run and was throttled, in seconds.
    pub throttled_s: Option<f64>,
    /// Accounting periods.
    pub periods: Option<u64>,
    /// Periods in which it was throttled.
    pub throttled_periods: Option<u64>,
    /// Highest memory use, in bytes.
    pub memory_peak_bytes: Option<u64>,
}

/// Connections of the service's role in `pg_stat_activity`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// Looks taken.
    pub samples: u64,
    /// Highest number.
    pub peak: u32,
    /// Lowest number during the load.
    pub low: u32,
    /// Highest number that were running a query.
    pub busy_peak: u32,
    /// Mean number running a query.
    pub busy_mean: f64,
    /// Looks at which every connection was running a query: requests were waiting for the pool.
    pub all_busy_samples: u64,
    /// Connections made to the database in the measured phase, by anybody but the lab; null: not counted.
    pub opened: Option<u64>,
}

/// Processes of the service in the measured phase.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Processes {
    /// Processes of the group.
    pub seen: u32,
    /// Those that used a share of its CPU time worth the name: a supervisor that only waits is none of them.
    pub working: u32,
    /// Ids of processes that were outside of the group at any look, where its limits do not hold.
    pub strays: Vec<u32>,
}

/// What went between the database and everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Transactions committed or rolled back. Every round trip outside of an explicit transaction is one.
    pub transactions: u64,
    /// Statements that were run.
    pub statements: u64,
}

/// Answers before and after a change of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// Requests asked after the change.
    pub asked: u32,
    /// The first of them that was answered as if nothing had changed, or otherwise wrong.
    pub stale: Option<String>,
}

/// One row of `pg_stat_statements`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Postgres' query id, as text (64 bits).
    pub query_id: String,
    /// Normalised text.
    pub query: String,
    /// File in db/queries, without ".sql"; null: SQL that is not the lab's.
    pub name: Option<String>,
    /// Executions.
    pub calls: u64,
    /// Rows returned.
    pub rows: u64,
    /// Mean time in Postgres, in milliseconds.
    pub mean_ms: f64,
}

/// The host in the measured phase; shares of all CPU time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostUse {
    /// Taken by the hypervisor.
    pub steal_share: Option<f64>,
    /// Idle.
    pub idle_share: Option<f64>,
    /// Used by processes that are not the lab's.
    pub foreign_share: Option<f64>,
    /// Load average over one minute at the end.
    pub load_1m: Option<f64>,
    /// Pressure stall (some, share of time) by resource.
    pub psi_some: BTreeMap<String, f64>,
    /// Mean frequency in MHz, where readable.
    pub mhz: Option<f64>,
    /// Wall clock minus monotonic clock over the repetition, in milliseconds.
    pub clock_step_ms: f64,
    /// Longest time between two looks at the database and the host, in milliseconds: both stood still no longer.
    pub longest_gap_ms: Option<f64>,
}

/// One line of the receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptLine {
    /// For programs, e.g. "connections_peak".
    pub code: String,
    /// For people.
    pub label: String,
    /// What was promised, with its unit.
    pub promised: String,
    /// What was seen, with its unit.
    pub seen: String,
    /// Null: could not be observed here; the line says why in `seen`.
    pub ok: Option<bool>,
}

/// The lines that do not balance.
pub fn unbalanced(lines: &[ReceiptLine]) -> impl Iterator<Item = &ReceiptLine> {
    lines.iter().filter(|l| l.ok == Some(false))
}
