//! The figure of one target over its repetitions (section 3).

use crate::{
    hodges_lehmann::hodges_lehmann,
    judge::{bounds::Bounds, data::Data},
    metric::{Metric, Quantity},
    moments::{logs, mean, sd},
    plan::JudgePlan,
    quantile::median,
    report::{Interval, RunValue, TargetReport},
    session::Session,
    support::Support,
    t_test::LogT,
};

/// One entry of `metrics[].targets[]`.
pub fn report(
    plan: &JudgePlan,
    session: &Session,
    data: &Data,
    metric: &Metric,
    target: &str,
) -> TargetReport {
    let runs = data.values(target, metric.name);
    let values: Vec<f64> = runs.iter().map(|(_, value)| *value).collect();
    let mut notes = Vec::new();
    let (estimate, ci) = match metric.quantity {
        Quantity::Errors => error_rate(data, target, &values, plan.alpha, &mut notes),
        _ => typical(&values, plan.alpha, &mut notes),
    };
    match values.len() {
        0 if data.all(target).is_empty() => notes.push("unmeasured: no repetition".to_owned()),
        0 if data.valid(target).next().is_none() => {
            notes.push("unmeasured: no valid repetition".to_owned())
        }
        0 => notes.push(format!("{} missing in every repetition", metric.label())),
        1 => notes.push("1 repetition: no interval".to_owned()),
        _ => {}
    }
    let support = support(data, metric, target);
    if let Some((_, few)) = support.filter(|(_, few)| *few > 0) {
        notes.push(format!(
            "{few} of {} repetitions have too few samples above {}",
            runs.len(),
            metric.label()
        ));
    }
    let dropped: u64 = data
        .valid(target)
        .filter_map(|run| run.dropped_iterations)
        .sum();
    if dropped > 0 && metric.percentile.is_some() {
        notes.push("saturated: tail percentiles are lower bounds".to_owned());
    }
    let bounds = Bounds::of(data, metric, target);
    notes.extend(bounds.note());
    TargetReport {
        bound: bounds.side(),
        target: target.to_owned(),
        estimate,
        ci,
        repetitions: values.len(),
        pooled: session
            .pooled
            .get(target)
            .and_then(|pooled| pooled.get(metric.name))
            .copied()
            .filter(|x| x.is_finite()),
        support: support.map(|(label, _)| label),
        title: plan.titles.get(target).cloned(),
        min: values.iter().copied().reduce(f64::min),
        max: values.iter().copied().reduce(f64::max),
        cv: sd(&values)
            .zip(mean(&values))
            .map(|(sd, mean)| sd / mean.abs())
            .filter(|cv| cv.is_finite()),
        values: runs
            .iter()
            .map(|(run, value)| RunValue {
                block: run.block,
                value: *value,
            })
            .collect(),
        notes,
    }
}

/// Label of a target at a percentile, and how many of its runs alone have too few samples.
///
/// The label is that of the median E over the runs: one stall must not silence ten good runs, and one
/// good run must not speak for nine short ones. Metrics that are not percentiles need no tail.
pub fn support(data: &Data, metric: &Metric, target: &str) -> Option<(Support, usize)> {
    if metric.percentile.is_none() {
        return Some((Support::Ok, 0));
    }
    let runs: Vec<_> = data
        .valid(target)
        .filter_map(|run| run.support.get(metric.name))
        .collect();
    let few = runs
        .iter()
        .filter(|run| run.label == Support::TooFew)
        .count();
    // A run too short for tau counts as none at all.
    let exceedances: Vec<f64> = runs
        .iter()
        .map(|run| {
            if run.tau.is_some() {
                run.exceedances
            } else {
                0.0
            }
        })
        .collect();
    Some((Support::of(median(&exceedances)?), few))
}

/// Hodges-Lehmann on logs, exponentiated; on the values themselves where a log is undefined.
fn typical(values: &[f64], alpha: f64, notes: &mut Vec<String>) -> (Option<f64>, Option<Interval>) {
    match logs(values) {
        Some(logs) => {
            let (estimate, ci) = location(&logs, alpha);
            (estimate.map(f64::exp), ci.map(|ci| ci.map(f64::exp)))
        }
        None => {
            notes.push("a value is 0 or below: no logs, figures on the plain scale".to_owned());
            location(values, alpha)
        }
    }
}

/// Hodges-Lehmann with the signed-rank interval from 6 values on, else (or if there is none) that of t.
fn location(values: &[f64], alpha: f64) -> (Option<f64>, Option<Interval>) {
    let Some(hl) = hodges_lehmann(values, alpha) else {
        return (None, None);
    };
    let exact = hl
        .interval
        .filter(|_| values.len() >= 6)
        .map(|ci| [ci.low, ci.high]);
    let ci = exact.or_else(|| LogT::of_differences(values)?.interval(alpha));
    (Some(hl.estimate), ci)
}

/// Mean of the runs' error rates with its t interval, never below 0.
fn error_rate(
    data: &Data,
    target: &str,
    rates: &[f64],
    alpha: f64,
    notes: &mut Vec<String>,
) -> (Option<f64>, Option<Interval>) {
    let requests: u64 = data.valid(target).filter_map(|run| run.requests).sum();
    if !rates.is_empty() && rates.iter().all(|&rate| rate == 0.0) {
        notes.push(no_errors(requests));
        // The rule of three; an upper bound only if errors came one by one.
        let ci = (requests > 0).then(|| [0.0, (3.0 / requests as f64).min(1.0)]);
        return (Some(0.0), ci);
    }
    let ci = LogT::of_differences(rates).and_then(|t| t.interval(alpha));
    (mean(rates), ci.map(|ci| [ci[0].max(0.0), ci[1].min(1.0)]))
}

/// "no errors in n requests (...)".
pub fn no_errors(requests: u64) -> String {
    if requests == 0 {
        return "no errors".to_owned();
    }
    let bound = crate::text::percent(300.0 / requests as f64);
    format!(
        "no errors in {requests} requests (95% upper bound 3/n = {bound} if errors were independent)"
    )
}
