//! `compare BASE NEW`: is NEW worse? (section 10)

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::JudgeError,
    judge::{
        data::Data,
        estimate::{self, Estimate, Levels},
        gates, target,
    },
    metric::{Better, Metric, Quantity},
    multiplicity::holm_in_family,
    plan::{JudgePlan, Pairs, Role},
    report::{Interval, Method},
    session::Session,
    support::Support,
    text,
};

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
                obstacle: obstacle(plan, &new, metric, target, target),
            });
        }
    }
    Ok(finish(drafts, &levels))
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
            obstacle: obstacle(plan, &data, metric, new, new),
        });
    }
    Ok(finish(drafts, &levels))
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
fn obstacle(
    plan: &GatePlan,
    new: &Data,
    metric: &Metric,
    target: &str,
    name: &str,
) -> Option<String> {
    if metric.quantity == Quantity::Errors {
        return Some("error rates are compared by differences, not by this gate".to_owned());
    }
    if let Some(reason) = gates::unmeasured(new, target) {
        return Some(format!("in NEW, {reason}"));
    }
    if let Some(reason) = gates::failures(&judge_plan(plan), new, name)
        .into_iter()
        .next()
    {
        return Some(format!("in NEW, {reason}"));
    }
    let too_few =
        target::support(new, metric, target).is_some_and(|(label, _)| label == Support::TooFew);
    too_few.then(|| format!("too few tail samples for {}", metric.label()))
}

fn finish(drafts: Vec<Draft>, levels: &Levels) -> GateReport {
    let known: Vec<(usize, f64)> = drafts
        .iter()
        .enumerate()
        .filter_map(|(i, draft)| Some((i, draft.estimate.as_ref()?.p?)))
        .collect();
    let adjusted = holm_in_family(
        &known.iter().map(|(_, p)| *p).collect::<Vec<_>>(),
        levels.family,
    );
    let mut holm = vec![None; drafts.len()];
    for ((i, _), p) in known.iter().zip(adjusted) {
        holm[*i] = Some(p);
    }
    let lines: Vec<GateLine> = drafts
        .into_iter()
        .zip(holm)
        .map(|(draft, p)| line(draft, p, levels))
        .collect();
    let has = |verdict| lines.iter().any(|line| line.verdict == verdict);
    let verdict = if has(GateVerdict::Regression) {
        GateVerdict::Regression
    } else if lines.is_empty() || has(GateVerdict::Inconclusive) {
        GateVerdict::Inconclusive
    } else if has(GateVerdict::SmallChange) {
        GateVerdict::SmallChange
    } else {
        GateVerdict::Pass
    };
    GateReport {
        schema_version: 1,
        lines,
        verdict,
    }
}

/// The rules of the gate on logs, larger is worse.
pub fn verdict(
    estimate: &Estimate,
    p_adjusted: Option<f64>,
    alpha: f64,
    margin: f64,
) -> GateVerdict {
    let significant = p_adjusted.is_some_and(|p| p < alpha);
    let worse = estimate.ci.is_some_and(|ci| ci[0] > 0.0);
    let bounded = p_adjusted.is_some() && estimate.ci_equivalence.is_some_and(|ci| ci[1] < margin);
    if significant && worse && estimate.log_ratio >= margin {
        GateVerdict::Regression
    } else if bounded || significant && estimate.log_ratio < 0.0 {
        GateVerdict::Pass
    } else if significant && estimate.log_ratio < margin {
        GateVerdict::SmallChange
    } else {
        GateVerdict::Inconclusive
    }
}

fn line(draft: Draft, p_adjusted: Option<f64>, levels: &Levels) -> GateLine {
    let estimate = draft
        .estimate
        .as_ref()
        .filter(|estimate| estimate.log_ratio.is_finite());
    let mut ruling = estimate.map_or(GateVerdict::Inconclusive, |e| {
        verdict(e, p_adjusted, levels.alpha, levels.margin)
    });
    // A regression stays one; but who fails a gate cannot pass.
    let blocked = draft
        .obstacle
        .as_deref()
        .filter(|_| ruling != GateVerdict::Regression);
    if blocked.is_some() {
        ruling = GateVerdict::Inconclusive;
    }
    let mut words = match ruling {
        GateVerdict::Regression => "regression",
        GateVerdict::Pass => "pass",
        GateVerdict::SmallChange => "small change (passes)",
        GateVerdict::Inconclusive => "inconclusive",
    }
    .to_owned();
    if let Some(estimate) = estimate {
        words.push_str(&format!(
            ": {}",
            change(estimate, draft.metric, p_adjusted, levels)
        ));
    }
    if let Some(reason) = blocked {
        words.push_str(&format!("; {reason}"));
    } else if estimate.is_none_or(|estimate| estimate.p.is_none()) {
        let [old, new] = draft.repetitions;
        words.push_str(&format!(
            "; not enough repetitions to judge ({old} in BASE, {new} in NEW, 3 are needed)"
        ));
    }
    if draft.basis == Basis::DifferentSessions {
        words.push_str("; different sessions: not a controlled comparison");
    }
    GateLine {
        metric: draft.metric.name.to_owned(),
        ratio: estimate.map(|e| e.log_ratio.exp()),
        ci: estimate.and_then(|e| e.ci).map(|ci| ci.map(f64::exp)),
        upper_one_sided: estimate
            .and_then(|e| e.ci_equivalence)
            .map(|ci| ci[1].exp()),
        p: estimate.and_then(|e| e.p),
        p_adjusted,
        method: estimate.map_or(Method::None, |e| e.method),
        basis: draft.basis,
        repetitions: draft.repetitions,
        verdict: ruling,
        text: words,
        target: draft.target,
    }
}

/// "p99 is 1.12x of BASE, worse (95% CI 1.08-1.16, p=0.002 Holm of 3)".
fn change(estimate: &Estimate, metric: &Metric, p: Option<f64>, levels: &Levels) -> String {
    let ci = estimate.ci.unwrap_or([estimate.log_ratio; 2]);
    let shown = text::ratios(
        &[ci[0].exp(), estimate.log_ratio.exp(), ci[1].exp()],
        &[1.0],
    );
    let direction = match metric.better() {
        Better::Lower => "NEW/BASE",
        Better::Higher => "BASE/NEW",
    };
    let interval = match (estimate.ci, p) {
        (Some(_), Some(p)) => {
            let holm = if levels.family > 1 {
                format!(" Holm of {}", levels.family)
            } else {
                String::new()
            };
            let (level, p) = (
                text::level(1.0 - levels.alpha),
                text::p_value(p, levels.alpha),
            );
            format!(" ({level} CI {}-{}, {p}{holm})", shown[0], shown[2])
        }
        _ => String::new(),
    };
    format!(
        "{} {direction} {}{interval}; above 1 is worse",
        metric.label(),
        shown[1]
    )
}
