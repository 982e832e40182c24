//! The rules of the gate and its words.

use super::{Basis, Draft, GateLine, GateReport, GateVerdict};
use crate::{
    judge::estimate::{Estimate, Levels},
    metric::{Better, Metric},
    multiplicity::holm_in_family,
    report::Method,
    text,
};

/// Holm over all drafts, then the verdict of each and of all.
pub(super) fn finish(drafts: Vec<Draft>, levels: &Levels) -> GateReport {
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
