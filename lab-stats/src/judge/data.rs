//! The session, checked and indexed: every later step can trust it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    error::JudgeError,
    metric::Metric,
    plan::{JudgePlan, Pairs, Role},
    session::{Repetition, Session},
};

/// Checked data.
#[derive(Debug)]
pub struct Data<'a> {
    /// Targets in the order of the plan, or of their first appearance where the plan names none.
    pub targets: Vec<String>,
    /// All repetitions by target, in block order (those without a block in the order given).
    pub runs: BTreeMap<&'a str, Vec<&'a Repetition>>,
    /// Every block id of a judged target, valid or not.
    pub blocks: BTreeSet<u64>,
    /// Planned metrics with their roles.
    pub metrics: Vec<(&'static Metric, Role)>,
    /// Pairs (a, b) in the order of the report.
    pub pairs: Vec<(String, String)>,
}

impl<'a> Data<'a> {
    /// Checks the plan and the session.
    pub fn of(plan: &JudgePlan, session: &'a Session) -> Result<Self, JudgeError> {
        check_plan(plan)?;
        let mut seen = BTreeSet::new();
        for (row, run) in session.repetitions.iter().enumerate() {
            check_run(row, run, &mut seen)?;
        }
        let mut targets = plan.targets.clone();
        if targets.is_empty() {
            for run in &session.repetitions {
                if !targets.contains(&run.target) {
                    targets.push(run.target.clone());
                }
            }
        }
        let mut runs: BTreeMap<&str, Vec<&Repetition>> = BTreeMap::new();
        for run in session
            .repetitions
            .iter()
            .filter(|run| targets.contains(&run.target))
        {
            runs.entry(&run.target).or_default().push(run);
        }
        for list in runs.values_mut() {
            list.sort_by_key(|run| run.block);
        }
        let blocks = runs
            .values()
            .flatten()
            .filter_map(|run| run.block)
            .collect();
        let metrics = plan
            .roles
            .iter()
            .map(|(name, role)| {
                let metric =
                    Metric::find(name).ok_or_else(|| JudgeError::UnknownMetric(name.clone()))?;
                Ok((metric, *role))
            })
            .collect::<Result<_, JudgeError>>()?;
        let pairs = pairs(&plan.pairs, &targets)?;
        Ok(Self {
            targets,
            runs,
            blocks,
            metrics,
            pairs,
        })
    }

    /// Valid runs of a target.
    pub fn valid(&self, target: &str) -> impl Iterator<Item = &'a Repetition> + '_ {
        self.all(target)
            .iter()
            .copied()
            .filter(|run| run.is_valid())
    }

    /// All runs of a target, failed ones included.
    pub fn all(&self, target: &str) -> &[&'a Repetition] {
        self.runs.get(target).map_or(&[], Vec::as_slice)
    }

    /// Valid runs of a target that have this metric, with its value.
    pub fn values(&self, target: &str, metric: &str) -> Vec<(&'a Repetition, f64)> {
        self.valid(target)
            .filter_map(|run| Some((run, run.value(metric)?)))
            .collect()
    }
}

fn check_plan(plan: &JudgePlan) -> Result<(), JudgeError> {
    let refuse = |name, value: f64, must| {
        Err(JudgeError::Plan {
            name,
            value: value.to_string(),
            must,
        })
    };
    if !(plan.alpha > 0.0 && plan.alpha < 0.5) {
        return refuse("alpha", plan.alpha, "between 0 and 0.5");
    }
    if !(plan.margin > 0.0 && plan.margin.is_finite()) {
        return refuse("margin", plan.margin, "a fraction above 0, such as 0.05");
    }
    if !(plan.max_error_rate >= 0.0 && plan.max_error_rate <= 1.0) {
        return refuse("max_error_rate", plan.max_error_rate, "between 0 and 1");
    }
    if !(1..=3).contains(&plan.looks.planned) {
        return refuse("looks", f64::from(plan.looks.planned), "1, 2 or 3");
    }
    if plan.looks.number == 0 {
        return refuse("look number", 0.0, "1 or more");
    }
    Ok(())
}

fn check_run<'a>(
    row: usize,
    run: &'a Repetition,
    seen: &mut BTreeSet<(&'a str, u64)>,
) -> Result<(), JudgeError> {
    let place = || {
        run.place
            .clone()
            .unwrap_or_else(|| format!("row {}", row + 1))
    };
    for (metric, value) in &run.metrics {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(JudgeError::NotFinite {
                place: place(),
                target: run.target.clone(),
                metric: metric.clone(),
                value: value.to_string(),
            });
        }
    }
    match run.block {
        Some(block) if !seen.insert((&run.target, block)) => Err(JudgeError::Duplicate {
            place: place(),
            target: run.target.clone(),
            block,
        }),
        _ => Ok(()),
    }
}

fn pairs(wanted: &Pairs, targets: &[String]) -> Result<Vec<(String, String)>, JudgeError> {
    let pair = |a: &String, b: &String| (a.clone(), b.clone());
    if targets.len() < 2 {
        return Ok(Vec::new());
    }
    match wanted {
        Pairs::Baseline(baseline) => {
            if !targets.contains(baseline) {
                return Err(JudgeError::UnknownBaseline {
                    baseline: baseline.clone(),
                    targets: targets.join(", "),
                });
            }
            Ok(targets
                .iter()
                .filter(|target| *target != baseline)
                .map(|target| pair(target, baseline))
                .collect())
        }
        // The first of the plan is the reference of every pair it is in, as with a baseline.
        Pairs::All => Ok(targets
            .iter()
            .enumerate()
            .flat_map(|(i, b)| targets[i + 1..].iter().map(move |a| pair(a, b)))
            .collect()),
    }
}
