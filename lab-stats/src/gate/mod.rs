//! `compare BASE NEW`: is NEW worse? (section 10)

mod rules;
mod types;

use std::collections::BTreeMap;

use crate::{
    error::JudgeError,
    judge::{
        bounds,
        data::Data,
        estimate::{self, Estimate, Levels},
        gates, target,
    },
    metric::{Better, Metric, Quantity},
    plan::{JudgePlan, Pairs, Role},
    session::Session,
    support::Support,
};

pub use rules::verdict;
pub use types::{Basis, GateLine, GatePlan, GateReport, GateVerdict};

/// Logs of one target at one metric, in the bad direction, with block ids where there are some.
type Logs = Vec<(Option<u64>, f64)>;

/// Two sessions: by the control if the plan names one, else with the session variance.
///
/// # Errors
/// As [`crate::judge()`].
pub fn compare(plan: &GatePlan, base: &Session, new: &Session) -> Result<GateReport, JudgeError> {
    let (base, new) = (data(plan, base)?, data(plan, new)?);
    let control = plan.control.as_deref();
    let targets: Vec<&str> = match plan.targets.is_empty() {
        true => base
            .targets
            .iter()
            .map(String::as_str)
            .filter(|target| Some(*target) != control)
            .collect(),
        false => plan.targets.iter().map(String::as_str).collect(),
    };
    let levels = levels(plan, base.metrics.len() * targets.len());
    let mut drafts = Vec::new();
    for &(metric, _) in &base.metrics {
        for &target in &targets {
            let (mut old, mut fresh) = (logs(&base, metric, target), logs(&new, metric, target));
            if let Some(control) = control {
                old = old.and_then(|y| less_control(y, logs(&base, metric, control)?));
                fresh = fresh.and_then(|y| less_control(y, logs(&new, metric, control)?));
            }
            let values =
                |logs: &Option<Logs>| logs.iter().flatten().map(|(_, y)| *y).collect::<Vec<_>>();
            let (old, fresh) = (values(&old), values(&fresh));
            let extra = if control.is_some() {
                0.0
            } else {
                2.0 * plan.session_sd * plan.session_sd
            };
            drafts.push(Draft {
                metric,
                target: target.to_owned(),
                basis: if control.is_some() {
                    Basis::Control
                } else {
                    Basis::DifferentSessions
                },
                repetitions: [old.len(), fresh.len()],
                estimate: estimate::unpaired(&fresh, &old, &levels, extra),
                obstacle: obstacle(plan, &new, metric, target),
            });
        }
    }
    Ok(rules::finish(drafts, &levels))
}

/// BASE and NEW as two targets of one session, run in the same blocks: the best evidence.
///
/// # Errors
/// As [`crate::judge()`].
pub fn compare_same_blocks(
    plan: &GatePlan,
    session: &Session,
    base: &str,
    new: &str,
) -> Result<GateReport, JudgeError> {
    let data = data(plan, session)?;
    let levels = levels(plan, data.metrics.len());
    let mut drafts = Vec::new();
    for &(metric, _) in &data.metrics {
        let d = logs(&data, metric, new)
            .and_then(|fresh| less_control(fresh, logs(&data, metric, base)?));
        let d: Vec<f64> = d.iter().flatten().map(|(_, d)| *d).collect();
        drafts.push(Draft {
            metric,
            target: new.to_owned(),
            basis: Basis::SameBlocks,
            repetitions: [d.len(); 2],
            estimate: estimate::paired(&d, &levels),
            obstacle: obstacle(plan, &data, metric, new),
        });
    }
    Ok(rules::finish(drafts, &levels))
}

struct Draft {
    metric: &'static Metric,
    target: String,
    basis: Basis,
    repetitions: [usize; 2],
    estimate: Option<Estimate>,
    obstacle: Option<String>,
}

fn levels(plan: &GatePlan, family: usize) -> Levels {
    Levels {
        alpha: plan.alpha,
        family,
        margin: plan.margin.ln_1p(),
    }
}

fn judge_plan(plan: &GatePlan) -> JudgePlan {
    let mut judge = JudgePlan::new(Vec::<String>::new(), "");
    judge.pairs = Pairs::All;
    judge.roles = plan
        .metrics
        .iter()
        .map(|metric| (metric.clone(), Role::Primary))
        .collect();
    (judge.alpha, judge.margin, judge.max_error_rate) =
        (plan.alpha, plan.margin, plan.max_error_rate);
    judge
}

fn data<'a>(plan: &GatePlan, session: &'a Session) -> Result<Data<'a>, JudgeError> {
    if !(plan.session_sd >= 0.0 && plan.session_sd.is_finite()) {
        let value = plan.session_sd.to_string();
        return Err(JudgeError::Plan {
            name: "session_sd",
            value,
            must: "0 or more, such as 0.02",
        });
    }
    Data::of(&judge_plan(plan), session)
}

/// Logs turned so that larger is worse; `None` where a value has no log.
fn logs(data: &Data, metric: &Metric, target: &str) -> Option<Logs> {
    let sign = if metric.better() == Better::Lower {
        1.0
    } else {
        -1.0
    };
    let values = data.values(target, metric.name);
    values
        .into_iter()
        .map(|(run, value)| (value > 0.0).then(|| (run.block, sign * value.ln())))
        .collect()
}

/// z[b] = y[target, b] - y[control, b], over the blocks that have both.
fn less_control(target: Logs, control: Logs) -> Option<Logs> {
    let by_block: BTreeMap<u64, f64> = control
        .into_iter()
        .filter_map(|(block, y)| Some((block?, y)))
        .collect();
    Some(
        target
            .into_iter()
            .filter_map(|(block, y)| Some((block, y - by_block.get(&block?)?)))
            .collect(),
    )
}

/// Why NEW cannot pass, whatever its ratio.
fn obstacle(plan: &GatePlan, new: &Data, metric: &Metric, target: &str) -> Option<String> {
    if metric.quantity == Quantity::Errors {
        return Some("error rates are compared by differences, not by this gate".to_owned());
    }
    if let Some(note) = bounds::Bounds::of(new, metric, target).note() {
        return Some(format!(
            "in NEW, {} is only a bound: {note}",
            metric.label()
        ));
    }
    if let Some(reason) = gates::unmeasured(new, target) {
        return Some(format!("in NEW, {reason}"));
    }
    if let Some(failure) = gates::failures(&judge_plan(plan), new, target)
        .into_iter()
        .next()
    {
        return Some(format!("in NEW, {}", failure.text));
    }
    let too_few =
        target::support(new, metric, target).is_some_and(|(label, _)| label == Support::TooFew);
    too_few.then(|| format!("too few tail samples for {}", metric.label()))
}
