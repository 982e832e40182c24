//! `aa.json`: what A/A experiments on a host showed (`bench aa`), and where the newest one of a host lies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::{StoreError, read_stored};
use super::{Environment, EnvironmentKind};
use crate::config::Profile;
use crate::digest;

/// Name of the file in the folder of the session.
pub const FILE: &str = "aa.json";

/// The part of a manifest that `bench aa` adds: experiments are consecutive blocks of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AaPlan {
    /// The target that stands under both labels.
    pub target: String,
    /// Experiments in all.
    pub experiments: u32,
    /// Blocks of each experiment.
    pub repetitions: u32,
    /// Blocks of a usual run here (`plan.repetitions` of lab.toml): for these the smallest difference is told.
    pub usual_repetitions: u32,
    /// Injected delays; null: a plain A/A session.
    pub slowdown: Option<SlowdownPlan>,
}

/// Injected delays of a slowdown series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowdownPlan {
    /// Blocks before the first experiment, without delay: their median p50 is what the shares are of.
    pub pilot_blocks: u32,
    /// For each experiment the delay as a share of p50.
    pub shares: Vec<f64>,
    /// SHA-256 of `sealed.json`, which says which label is slowed and is opened when everything is judged.
    pub sealed_sha256: String,
}

impl AaPlan {
    /// Blocks before the first experiment.
    pub fn pilot_blocks(&self) -> u32 {
        self.slowdown.as_ref().map_or(0, |s| s.pilot_blocks)
    }

    /// All blocks of the session.
    pub fn blocks(&self) -> u32 {
        self.pilot_blocks() + self.experiments * self.repetitions
    }

    /// First and last block of an experiment (counted from 0).
    pub fn span(&self, experiment: u32) -> (u32, u32) {
        let before = self.pilot_blocks() + experiment * self.repetitions;
        (before + 1, before + self.repetitions)
    }

    /// The experiment of a block (from 1), counted from 0; `None` in the pilot.
    pub fn experiment_of(&self, block: u32) -> Option<u32> {
        let after = block.checked_sub(self.pilot_blocks() + 1)?;
        Some(after / self.repetitions.max(1)).filter(|e| *e < self.experiments)
    }
}

/// The two names of one target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// TARGET-a.
    A,
    /// TARGET-b.
    B,
}

impl Label {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The name under which the target runs.
    pub fn of(self, target: &str) -> String {
        match self {
            Self::A => format!("{target}-a"),
            Self::B => format!("{target}-b"),
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// The result of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AaReport {
    /// 1.
    pub schema_version: u32,
    /// The session's folder.
    pub run_id: String,
    /// End of the session, UTC.
    #[schemars(with = "String")]
    pub finished_at: Timestamp,
    /// The host, by [`host_key`].
    pub host_key: String,
    /// Where it ran.
    pub environment: Environment,
    /// Mode.
    pub mode: String,
    /// Name of the load.
    pub profile_name: String,
    /// The load as it ran.
    pub profile: Profile,
    /// Level of each test.
    pub alpha: f64,
    /// What was planned.
    pub plan: AaPlan,
    /// Repetitions stored, and how many of them do not count.
    pub repetitions: u32,
    /// Those that do not count.
    pub invalid: u32,
    /// By metric with a verdict, in the order of the plan. In a slowdown series: of the experiments without delay.
    pub metrics: Vec<AaMetric>,
    /// What each experiment showed.
    pub experiments: Vec<AaExperiment>,
    /// Detection by delay; null in a plain A/A session.
    pub slowdown: Option<Slowdown>,
}

impl AaReport {
    /// The first metric of the first rank.
    pub fn primary(&self) -> Option<&AaMetric> {
        self.metrics.iter().find(|m| m.primary)
    }
}

/// One metric over all experiments without delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AaMetric {
    /// Name.
    pub metric: String,
    /// Of the first rank?
    pub primary: bool,
    /// Experiments that had complete blocks enough for a test.
    pub experiments: u64,
    /// Experiments whose test called the two labels different: p below alpha and 1 outside the interval.
    pub false_alarms: u64,
    /// Of these, how many had a verdict "different"; the others were withheld by another rule (too few tail samples)
    /// or were called equivalent.
    pub shown: u64,
    /// `false_alarms / experiments`.
    pub rate: Option<f64>,
    /// Clopper-Pearson interval of the rate, 95%.
    pub ci: Option<[f64; 2]>,
    /// From so many false alarms on, the promise of 5% is not believable (at most 5% of laboratories that keep it
    /// would show as many).
    pub alarm_from: Option<u64>,
    /// Reached?
    pub alarm: bool,
    /// p-values in the order of the experiments.
    pub p_values: Vec<f64>,
    /// Largest excess of small p-values over a uniform distribution (one-sided Kolmogorov-Smirnov).
    pub uniformity_distance: Option<f64>,
    /// Its p-value.
    pub uniformity_p: Option<f64>,
    /// Standard deviation of the log ratio of a block, pooled over the experiments.
    pub sd_log_ratio: Option<f64>,
    /// Smallest ratio above 1 that `usual_repetitions` blocks find with power 0.80.
    pub minimum_detectable_ratio: Option<f64>,
}

/// One experiment as it was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AaExperiment {
    /// From 1.
    pub experiment: u32,
    /// First block.
    pub first_block: u32,
    /// Last block.
    pub last_block: u32,
    /// By metric.
    pub outcomes: BTreeMap<String, AaOutcome>,
    /// The injected delay; null without. Filled in after the judgement.
    pub delay: Option<AaDelay>,
}

/// One metric of one experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AaOutcome {
    /// Complete pairs.
    pub pairs: u32,
    /// TARGET-b over TARGET-a.
    pub ratio: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// Two-sided p; null: too few complete pairs for a test.
    pub p: Option<f64>,
    /// p below alpha and 1 outside the interval.
    pub rejected: bool,
    /// "different", "equivalent", "cannot_tell" or "no_verdict".
    pub verdict: String,
    /// Standard deviation of the log ratio over the blocks.
    pub sd_log_ratio: Option<f64>,
}

/// The delay of one experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AaDelay {
    /// Which label had it.
    pub slowed: Label,
    /// As planned, a share of p50.
    pub share: f64,
    /// As asked of the proxy, in microseconds.
    pub asked_us: f64,
    /// As the proxy really waited, mean over all requests, in microseconds.
    pub waited_us: Option<f64>,
}

/// A slowdown series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slowdown {
    /// Median p50 of the pilot, through the proxy without delay, in milliseconds.
    pub p50_ms: f64,
    /// By delay, in rising order.
    pub delays: Vec<Detection>,
}

/// One delay at one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// Share of p50.
    pub share: f64,
    /// Metric.
    pub metric: String,
    /// Experiments with a test.
    pub experiments: u64,
    /// How many of them called the labels different, the slowed one being the worse. Without delay there is no right
    /// answer: then every call counts.
    pub detected: u64,
    /// How many called the wrong label worse.
    pub wrong_way: u64,
    /// `detected / experiments`.
    pub rate: Option<f64>,
    /// Clopper-Pearson interval of the rate, 95%.
    pub ci: Option<[f64; 2]>,
    /// Slowed over not slowed, geometric mean over the experiments.
    pub ratio: Option<f64>,
    /// The ratio that the delay alone makes of the other label's typical value; latencies only.
    pub expected_ratio: Option<f64>,
}

/// A short name of a host: 12 hex digits over the kind of machine, CPU model and counts, kernel, memory and governor,
/// as the manifest's `environment.host` has them. Memory counts in whole GiB: the kernel's own share varies.
pub fn host_key(kind: EnvironmentKind, host: &Value) -> String {
    let count = |field: &str| host[field].as_array().map_or(0, Vec::len);
    let gib = host["memory_bytes"].as_u64().unwrap_or(0) >> 30;
    let facts = serde_json::json!([
        kind,
        host["model"],
        count("online"),
        count("allowed"),
        count("cores"),
        host["quota"],
        host["virtual_machine"],
        host["governors"],
        host["kernel"],
        gib,
    ]);
    digest::of_bytes(facts.to_string().as_bytes())[..12].to_owned()
}

/// The folder of all sessions of a host.
pub fn folder(results: &Path, host_key: &str) -> PathBuf {
    results.join("aa").join(host_key)
}

/// The newest plain A/A report of a host that tested something, made under the same kind of limits; `None` when there
/// is none. Unreadable
/// reports are passed over: an old file must not stop a new run's verdict.
pub fn newest(results: &Path, environment: &Environment) -> Option<AaReport> {
    let key = host_key(environment.kind, &environment.host);
    let entries = fs_err::read_dir(folder(results, &key)).ok()?;
    entries
        .flatten()
        .filter_map(|e| read(&e.path()).ok())
        .filter(|r| r.slowdown.is_none() && r.environment.limits == environment.limits)
        .filter(|r| r.primary().is_some_and(|m| m.experiments > 0))
        .max_by_key(|r| r.finished_at)
}

/// The report in a session's folder.
///
/// # Errors
/// IO or form.
pub fn read(session: &Path) -> Result<AaReport, StoreError> {
    read_stored(&session.join(FILE), |r: &AaReport| r.schema_version)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host() -> Value {
        json!({"online": [0, 1], "allowed": [0, 1], "quota": null, "cores": [[0], [1]], "model": "X", "virtual_machine": true,
               "governors": [], "kernel": "6.1", "memory_bytes": 25_276_510_208_u64})
    }

    #[test]
    fn the_key_follows_what_bears_on_figures_and_nothing_else() {
        let key = |host: &Value| host_key(EnvironmentKind::Native, host);
        let same = host();
        assert_eq!(key(&same).len(), 12);
        let mut boot = host();
        boot["memory_bytes"] = json!(25_276_506_112_u64);
        assert_eq!(
            key(&boot),
            key(&same),
            "a kernel that keeps a page more is the same host"
        );
        for (field, other) in [
            ("model", json!("Y")),
            ("allowed", json!([0])),
            ("kernel", json!("6.2")),
            ("memory_bytes", json!(8_u64 << 30)),
            ("governors", json!(["powersave"])),
            ("quota", json!(1.5)),
        ] {
            let mut changed = host();
            changed[field] = other;
            assert_ne!(key(&changed), key(&same), "{field}");
        }
        assert_ne!(host_key(EnvironmentKind::Vm, &same), key(&same));
    }

    #[test]
    fn blocks_belong_to_experiments() {
        let mut plan = AaPlan {
            target: "go".into(),
            experiments: 4,
            repetitions: 6,
            usual_repetitions: 10,
            slowdown: None,
        };
        for pilot in [0, 3] {
            plan.slowdown = (pilot > 0).then(|| SlowdownPlan {
                pilot_blocks: pilot,
                shares: vec![0.0; 4],
                sealed_sha256: String::new(),
            });
            assert_eq!(plan.blocks(), pilot + 24);
            for block in 1..=pilot {
                assert_eq!(plan.experiment_of(block), None);
            }
            for experiment in 0..4 {
                let (first, last) = plan.span(experiment);
                assert_eq!(last - first + 1, 6);
                for block in first..=last {
                    assert_eq!(plan.experiment_of(block), Some(experiment));
                }
            }
            assert_eq!(plan.experiment_of(plan.blocks() + 1), None);
        }
    }
}
