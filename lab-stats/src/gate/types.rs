//! What the gate is asked and what it answers.

use serde::{Deserialize, Serialize};

use crate::report::{Interval, Method};

/// What is gated, and how strictly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatePlan {
    /// Metrics that are gated; only these are compared.
    pub metrics: Vec<String>,
    /// Targets that are gated; empty = every target of BASE but the control.
    pub targets: Vec<String>,
    /// Unchanged target that both sessions contain.
    pub control: Option<String>,
    /// Standard deviation of the log of a metric between sessions, where there is no control.
    pub session_sd: f64,
    /// Two-sided level.
    pub alpha: f64,
    /// Smallest change that counts, as a fraction.
    pub margin: f64,
    /// Highest error rate at which NEW may pass.
    pub max_error_rate: f64,
}

impl Default for GatePlan {
    fn default() -> Self {
        Self {
            metrics: vec!["p99".to_owned()],
            targets: Vec::new(),
            control: None,
            session_sd: 0.02,
            alpha: 0.05,
            margin: 0.05,
            max_error_rate: 0.001,
        }
    }
}

/// The verdict on one metric of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Worse by the margin or more.
    Regression,
    /// Not worse by the margin, or better.
    Pass,
    /// Worse, by less than the margin; passes with a note.
    SmallChange,
    /// Neither is shown.
    Inconclusive,
}

/// What the comparison rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// BASE and NEW ran in the same blocks.
    SameBlocks,
    /// Both sessions contain the unchanged control.
    Control,
    /// Different sessions: not a controlled comparison.
    DifferentSessions,
}

/// One gated metric of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateLine {
    /// Metric.
    pub metric: String,
    /// Target.
    pub target: String,
    /// NEW against BASE in the bad direction: above 1 is worse.
    pub ratio: Option<f64>,
    /// Its interval at 1 - alpha.
    pub ci: Option<Interval>,
    /// Upper end of the interval at 1 - 2 alpha.
    pub upper_one_sided: Option<f64>,
    /// Two-sided p.
    pub p: Option<f64>,
    /// Holm over gated metrics x targets.
    pub p_adjusted: Option<f64>,
    /// Method.
    pub method: Method,
    /// What it rests on.
    pub basis: Basis,
    /// Runs in BASE and in NEW.
    pub repetitions: [usize; 2],
    /// The verdict.
    pub verdict: GateVerdict,
    /// The verdict in words.
    pub text: String,
}

/// The result of the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Version of this JSON.
    pub schema_version: u32,
    /// One line per gated metric and target.
    pub lines: Vec<GateLine>,
    /// The worst of the lines.
    pub verdict: GateVerdict,
}

impl GateReport {
    /// Exit code: 0 pass, 1 regression, 3 inconclusive (or what the caller wants it to be).
    pub fn exit_code(&self, on_inconclusive: u8) -> u8 {
        match self.verdict {
            GateVerdict::Regression => 1,
            GateVerdict::Inconclusive => on_inconclusive,
            GateVerdict::Pass | GateVerdict::SmallChange => 0,
        }
    }
}
