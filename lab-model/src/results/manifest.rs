//! `manifest.json`: everything that was fixed before the first request.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Budget, Profile, ReceiptLimits, Slo};

use super::aa::AaPlan;
use super::sweep::SweepPart;

/// One run: the plan, its order, and what it ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1.
    pub schema_version: u32,
    /// Name of the folder.
    pub run_id: String,
    /// Start of the run, UTC.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// The command line, for a second run.
    pub command: Vec<String>,
    /// Mode of every repetition.
    pub mode: String,
    /// Name of the load.
    pub profile_name: String,
    /// The load as it ran (`--quick` and options applied).
    pub profile: Profile,
    /// The plan of the comparison.
    pub plan: PlanFacts,
    /// Titles by target, in the order of lab.toml.
    pub targets: IndexMap<String, String>,
    /// Seed of the order and of the request sequences.
    pub seed: u64,
    /// For each block, the targets in their order.
    pub order: Vec<Vec<String>>,
    /// Budgets by target.
    pub budgets: BTreeMap<String, Budget>,
    /// Limits of the receipt.
    pub receipt_limits: ReceiptLimits,
    /// lab.toml as it was.
    pub lab_toml: String,
    /// Where it ran.
    pub environment: Environment,
    /// What it ran.
    pub versions: Versions,
    /// What it read.
    pub data: DataFacts,
    /// The sweep that it is one value of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepPart>,
    /// One target under two labels (`bench aa`); absent in other runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aa: Option<AaPlan>,
}

/// The part of `[plan]` that verdicts need, with command-line options applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanFacts {
    /// Planned blocks.
    pub repetitions: u32,
    /// Planned looks.
    pub looks: u32,
    /// Equivalence margin, a share.
    pub margin: f64,
    /// Error rate.
    pub alpha: f64,
    /// Baseline.
    pub baseline: String,
    /// Verdict metrics of the first rank.
    pub primary: Vec<String>,
    /// Verdict metrics of the second rank.
    pub secondary: Vec<String>,
    /// Metrics without verdicts.
    pub descriptive: Vec<String>,
    /// Pause between repetitions, in seconds.
    pub cooldown_s: f64,
    /// "default", "quick", "thorough" or "aa".
    pub kind: String,
    /// What a step must keep to count, where the profile finds the capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
}

/// Results of different environments are never compared unasked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Native, VM or container.
    pub kind: EnvironmentKind,
    /// For a VM: "kvm" or "tcg".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accel: Option<String>,
    /// How limits were enforced: cgroup_v2, cgroup_v1, systemd, affinity, container_engine.
    pub limits: String,
    /// The groups share CPUs: the host has too few for sets of their own.
    pub shared_cpus: bool,
    /// The mode wants more CPUs than the host has.
    pub oversubscribed: bool,
    /// How requests were recorded ("lab": our k6 output).
    pub recording: String,
    /// CPU sets by group; null when shared.
    #[serde(default)]
    pub cpu_sets: BTreeMap<String, Vec<usize>>,
    /// CPU model, count, memory, kernel, governor and the like.
    pub host: serde_json::Value,
}

/// What kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentKind {
    /// On the host itself.
    Native,
    /// In the lab's own VM.
    Vm,
    /// Services in containers.
    Container,
}

/// Versions and digests by program or file name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// What programs say of themselves.
    pub programs: BTreeMap<String, String>,
    /// SHA-256 of programs, scripts, SQL and lab.toml.
    pub sha256: BTreeMap<String, String>,
    /// Commit of the lab, when known; "-dirty" appended when it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// The data that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataFacts {
    /// Rows in `users`.
    pub users: u32,
    /// Seed text.
    pub seed: String,
    /// db/seed/checksum.sql.
    pub checksum: String,
}

/// A verdict was printed (STATISTICS section 8): `looks.json` lists them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Complete blocks at that moment.
    pub repetitions: u32,
}
