//! Findings over the whole session: flagged, never deleted.

use crate::{
    diagnostics,
    judge::{data::Data, gates, is_judged, pair::Pair, target},
    plan::JudgePlan,
    report::Flag,
    session::Session,
    support::Support,
};

/// An outlier repetition.
pub struct Outlier {
    /// Metric name.
    pub metric: &'static str,
    /// Target.
    pub target: String,
    /// Block.
    pub block: u64,
    z: f64,
}

/// Outliers of the metrics that get verdicts.
pub fn outliers(data: &Data, plan: &JudgePlan) -> Vec<Outlier> {
    let mut found = Vec::new();
    for (metric, _) in data
        .metrics
        .iter()
        .filter(|(metric, role)| is_judged(plan, metric, *role))
    {
        for series in residuals(data, metric.name) {
            let scores = diagnostics::outlier_scores(&series.values);
            found.extend(
                series
                    .blocks
                    .iter()
                    .zip(scores)
                    .filter(|(_, z)| z.abs() > crate::outlier::CUT)
                    .map(|(&block, z)| Outlier {
                        metric: metric.name,
                        target: series.target.clone(),
                        block,
                        z,
                    }),
            );
        }
    }
    found
}

/// Residuals of one target.
struct Series {
    target: String,
    blocks: Vec<u64>,
    values: Vec<f64>,
}

/// log value - block median - target median, by target.
fn residuals(data: &Data, metric: &str) -> Vec<Series> {
    let mut cells = Vec::new();
    for (index, target) in data.targets.iter().enumerate() {
        for (run, value) in data.values(target, metric) {
            if let Some(block) = run.block.filter(|_| value > 0.0) {
                cells.push(diagnostics::Cell {
                    target: index,
                    block,
                    log: value.ln(),
                });
            }
        }
    }
    let values = diagnostics::residuals(&cells);
    data.targets
        .iter()
        .enumerate()
        .map(|(index, target)| {
            let own = || {
                cells
                    .iter()
                    .zip(&values)
                    .filter(move |(cell, _)| cell.target == index)
            };
            Series {
                target: target.clone(),
                blocks: own().map(|(cell, _)| cell.block).collect(),
                values: own().map(|(_, value)| *value).collect(),
            }
        })
        .collect()
}

/// All flags of the report.
pub fn all(plan: &JudgePlan, session: &Session, data: &Data, outliers: Vec<Outlier>) -> Vec<Flag> {
    let mut flags = Vec::new();
    runs(session, data, &mut flags);
    targets(plan, data, &mut flags);
    for outlier in outliers {
        flags.push(Flag {
            kind: "outlier".to_owned(),
            text: format!(
                "{} of {} in block {} is far from its other repetitions (robust z {:.1}); kept in the data",
                outlier.metric, outlier.target, outlier.block, outlier.z
            ),
            target: Some(outlier.target),
            block: Some(outlier.block),
            metric: Some(outlier.metric.to_owned()),
        });
    }
    for (metric, _) in data
        .metrics
        .iter()
        .filter(|(metric, role)| is_judged(plan, metric, *role))
    {
        for series in residuals(data, metric.name)
            .into_iter()
            .filter(|series| diagnostics::two_modes(&series.values))
        {
            let text = format!(
                "{} of {}: two modes? look at the dots",
                metric.label(),
                series.target
            );
            flags.push(flag(
                "two_modes",
                Some(&series.target),
                Some(metric.name),
                text,
            ));
        }
        for (a, b) in &data.pairs {
            let Some(d) = Pair::of(data, metric, a, b).log_differences() else {
                continue;
            };
            if let Some(rho) = diagnostics::drift(&d) {
                let text = format!(
                    "{} of {a} against {b} drifts over the blocks (lag-1 autocorrelation {rho:.2})",
                    metric.label()
                );
                flags.push(flag("drift", Some(a), Some(metric.name), text));
            }
        }
    }
    flags
}

fn runs(session: &Session, data: &Data, flags: &mut Vec<Flag>) {
    for run in &session.repetitions {
        let block = run
            .block
            .map_or(String::new(), |block| format!(" in block {block}"));
        if !data.targets.contains(&run.target) {
            let text = format!("{}{block} is not in the plan and was left out", run.target);
            flags.push(Flag {
                block: run.block,
                ..flag("not_planned", Some(&run.target), None, text)
            });
        } else if !run.is_valid() {
            let text = format!(
                "{}{block} does not count: {}",
                run.target,
                run.invalid.join("; ")
            );
            flags.push(Flag {
                block: run.block,
                ..flag("invalid_run", Some(&run.target), None, text)
            });
        }
    }
}

fn targets(plan: &JudgePlan, data: &Data, flags: &mut Vec<Flag>) {
    for target in &data.targets {
        if let Some(text) = gates::unmeasured(data, target) {
            flags.push(flag("unmeasured", Some(target), None, text));
            continue;
        }
        for failure in gates::failures(plan, data, target) {
            flags.push(flag(failure.kind, Some(target), None, failure.text));
        }
        for (metric, _) in data
            .metrics
            .iter()
            .filter(|(metric, role)| is_judged(plan, metric, *role))
        {
            let label = match target::support(data, metric, target) {
                Some((Support::TooFew, _)) => "too few",
                Some((Support::Weak, _)) => "few",
                _ => continue,
            };
            let text = format!("{target} has {label} tail samples for {}", metric.label());
            flags.push(flag(
                "few_tail_samples",
                Some(target),
                Some(metric.name),
                text,
            ));
        }
        if let Some(planned) = plan.repetitions {
            let valid = data.valid(target).count();
            if valid < planned as usize {
                let text = format!("{target} has {valid} valid repetitions of {planned} planned");
                flags.push(flag("missing_runs", Some(target), None, text));
            }
        }
    }
}

fn flag(kind: &str, target: Option<&str>, metric: Option<&str>, text: String) -> Flag {
    Flag {
        kind: kind.to_owned(),
        target: target.map(str::to_owned),
        block: None,
        metric: metric.map(str::to_owned),
        text,
    }
}
