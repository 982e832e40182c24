//! From a session to its report: the one entry that both programs use.

pub(crate) mod bounds;
pub mod data;
mod errors;
pub mod estimate;
mod flags;
pub(crate) mod gates;
pub mod pair;
mod scene;
pub(crate) mod target;
mod verdict;
mod wording;

use crate::{
    error::JudgeError,
    looks,
    metric::{Metric, Quantity},
    multiplicity::holm_in_family,
    plan::{JudgePlan, Role},
    report::{MetricReport, Report},
    session::Session,
};
use data::Data;
use estimate::{Estimate, Levels};
use pair::Pair;
use scene::Scene;

/// Judges a session by a plan.
///
/// # Errors
/// Impossible numbers or unknown names in the plan; NaN or infinite values and duplicate
/// (target, block) in the data. All of them are "usage or data" errors (exit code 2).
pub fn judge(plan: &JudgePlan, session: &Session) -> Result<Report, JudgeError> {
    let data = Data::of(plan, session)?;
    let level = looks::level(plan.alpha, &plan.looks);
    let verdict_metrics = data
        .metrics
        .iter()
        .filter(|(metric, role)| is_judged(plan, metric, *role))
        .count();
    let family = data.pairs.len() * if plan.strict { verdict_metrics } else { 1 };
    let levels = Levels {
        alpha: level.alpha.unwrap_or(plan.alpha),
        family,
        margin: plan.margin.ln_1p(),
    };

    let mut drafts: Vec<Draft> = Vec::new();
    for (index, (metric, role)) in data.metrics.iter().enumerate() {
        for (a, b) in &data.pairs {
            let pair = Pair::of(&data, metric, a, b);
            let estimate = if metric.quantity == Quantity::Errors {
                None
            } else {
                pair.estimate(&levels)
            };
            let judged = is_judged(plan, metric, *role);
            drafts.push(Draft {
                metric,
                role: *role,
                index,
                a,
                b,
                pair,
                estimate,
                judged,
                holm: [None, None],
            });
        }
    }
    let holm: Vec<_> = (0..drafts.len())
        .map(|i| adjusted(&drafts, i, drafts[i].p(), plan.strict, family))
        .collect();
    for (draft, holm) in drafts.iter_mut().zip(holm) {
        draft.holm = holm;
    }

    let scene = Scene {
        plan,
        data: &data,
        levels: &levels,
        further_look: level.alpha.is_some(),
    };
    let outliers = flags::outliers(&data, plan);
    let mut metrics: Vec<MetricReport> = data
        .metrics
        .iter()
        .map(|(metric, role)| MetricReport {
            metric: metric.name.to_owned(),
            unit: metric.unit.to_owned(),
            role: *role,
            targets: data
                .targets
                .iter()
                .map(|t| target::report(plan, session, &data, metric, t))
                .collect(),
            comparisons: Vec::new(),
        })
        .collect();
    for (i, draft) in drafts.iter().enumerate() {
        let mut comparison = scene.comparison(draft);
        if let Some(note) = scene.sensitivity(&drafts, i, &comparison, &outliers) {
            comparison.notes.push(note);
        }
        metrics[draft.index].comparisons.push(comparison);
    }
    let mut notes = plan.remarks.clone();
    notes.extend(level.note);
    if plan.looks.peeked {
        notes.push("peeked: ratios or p-values were shown while the run was going on".to_owned());
    }
    Ok(Report {
        schema_version: 1,
        metrics,
        flags: flags::all(plan, session, &data, outliers),
        environment: session.environment.clone(),
        notes,
        alpha: levels.alpha,
        margin: plan.margin,
    })
}

/// Whether a metric gets verdicts, and so belongs to a strict family.
fn is_judged(plan: &JudgePlan, metric: &Metric, role: Role) -> bool {
    let set_by_the_load = plan.open_loop && metric.quantity == Quantity::Rate;
    role != Role::Descriptive && metric.quantity != Quantity::Errors && !set_by_the_load
}

/// One pair at one metric before its verdict.
struct Draft<'a> {
    metric: &'static Metric,
    role: Role,
    index: usize,
    a: &'a str,
    b: &'a str,
    pair: Pair,
    estimate: Option<Estimate>,
    judged: bool,
    /// Adjusted p and equivalence p.
    holm: [Option<f64>; 2],
}

impl Draft<'_> {
    /// p and equivalence p, not adjusted.
    fn p(&self) -> [Option<f64>; 2] {
        self.estimate.as_ref().map_or([None, None], |estimate| {
            [estimate.p, estimate.p_equivalence]
        })
    }
}

/// Holm-adjusted p and equivalence p of one draft inside its family (one per metric, or one over all if
/// strict), if its own were `own`.
fn adjusted(
    drafts: &[Draft],
    at: usize,
    own: [Option<f64>; 2],
    strict: bool,
    family: usize,
) -> [Option<f64>; 2] {
    let related = |(i, other): &(usize, &Draft)| {
        *i != at && other.judged && (strict || other.index == drafts[at].index)
    };
    [0, 1].map(|kind| {
        let others = drafts
            .iter()
            .enumerate()
            .filter(related)
            .filter_map(|(_, other)| other.p()[kind]);
        let p: Vec<f64> = own[kind]
            .filter(|_| drafts[at].judged)
            .into_iter()
            .chain(others)
            .collect();
        own[kind]
            .filter(|_| drafts[at].judged)
            .and_then(|_| holm_in_family(&p, family).first().copied())
    })
}
