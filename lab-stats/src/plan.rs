//! What is fixed before the first run: levels, family, roles, looks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which pairs are shown for each metric; their number is the family size m.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairs {
    /// Every other target against this one: m = K - 1.
    Baseline(String),
    /// Every pair: m = K (K - 1) / 2.
    All,
}

/// The part a metric plays; fixed in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The question of the run.
    Primary,
    /// Judged too, tagged "secondary".
    Secondary,
    /// Estimate and interval, no verdict.
    Descriptive,
}

/// How often verdicts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// Looks that the plan file names (1, 2 or 3).
    pub planned: u32,
    /// Which look this is, counted from 1. Above `planned` it is an unplanned extension.
    pub number: u32,
    /// Ratios or p-values were shown while the run was going on (`--peek`).
    pub peeked: bool,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            planned: 1,
            number: 1,
            peeked: false,
        }
    }
}

/// Everything [`crate::judge()`] needs beyond the data. Build it with [`JudgePlan::new`] and set
/// the fields that differ from the defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgePlan {
    /// Targets in the order of the plan. A planned target without a valid run is "unmeasured" and
    /// still counts in the family.
    pub targets: Vec<String>,
    /// Human names, by target; may be empty.
    pub titles: BTreeMap<String, String>,
    /// Baseline or all pairs.
    pub pairs: Pairs,
    /// Metrics and their roles, in the order of the report.
    pub roles: Vec<(String, Role)>,
    /// Two-sided error of one comparison before correction; default 0.05.
    pub alpha: f64,
    /// Equivalence margin as a fraction: 0.05 means a ratio within 1/1.05 to 1.05.
    pub margin: f64,
    /// One family over all pairs and all verdict metrics.
    pub strict: bool,
    /// Repetitions (blocks) that the plan file names; `None` if there was no plan.
    pub repetitions: Option<u32>,
    /// Looks planned and taken.
    pub looks: Looks,
    /// Gate G2: highest error rate (fraction) at which a target may be called faster.
    pub max_error_rate: f64,
    /// The load had a fixed arrival rate: throughput is set by the load and gets no verdict.
    pub open_loop: bool,
    /// What every reader of the report must know; passed through to its notes.
    #[serde(default)]
    pub remarks: Vec<String>,
}

impl JudgePlan {
    /// The defaults of the specification: alpha 0.05, margin 5%, p99 primary, one look.
    pub fn new<T: Into<String>>(targets: impl IntoIterator<Item = T>, baseline: &str) -> Self {
        Self {
            targets: targets.into_iter().map(Into::into).collect(),
            titles: BTreeMap::new(),
            pairs: Pairs::Baseline(baseline.to_owned()),
            roles: default_roles(),
            alpha: 0.05,
            margin: 0.05,
            strict: false,
            repetitions: None,
            looks: Looks::default(),
            max_error_rate: 0.001,
            open_loop: false,
            remarks: Vec::new(),
        }
    }

    /// Roles from the three lists of `lab.toml`.
    pub fn with_roles(
        mut self,
        primary: &[String],
        secondary: &[String],
        descriptive: &[String],
    ) -> Self {
        let role = |names: &[String], role| {
            names
                .iter()
                .map(move |name| (name.clone(), role))
                .collect::<Vec<_>>()
        };
        self.roles = role(primary, Role::Primary);
        self.roles.extend(role(secondary, Role::Secondary));
        self.roles.extend(role(descriptive, Role::Descriptive));
        self
    }
}

/// The roles of section 5.
pub fn default_roles() -> Vec<(String, Role)> {
    use Role::{Descriptive, Primary, Secondary};
    [
        ("p99", Primary),
        ("p50", Secondary),
        ("p95", Secondary),
        ("throughput", Secondary),
        ("cpu_per_request", Secondary),
        ("p90", Descriptive),
        ("p999", Descriptive),
        ("mean", Descriptive),
        ("max", Descriptive),
        ("error_rate", Descriptive),
    ]
    .into_iter()
    .map(|(name, role)| (name.to_owned(), role))
    .collect()
}
