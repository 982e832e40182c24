//! From drafts (statistics of one pair) to finished comparisons.

use super::{
    Draft, adjusted, bounds,
    data::Data,
    errors,
    estimate::Levels,
    flags, gates, target,
    verdict::{self, Case, Ruling},
    wording::Words,
};
use crate::{
    metric::Quantity,
    plan::{JudgePlan, Role},
    planning,
    report::{Comparison, Interval, Method, Verdict},
};

/// What all comparisons share.
pub(super) struct Scene<'a> {
    pub plan: &'a JudgePlan,
    pub data: &'a Data<'a>,
    pub levels: &'a Levels,
    /// Whether this look still has an error level.
    pub further_look: bool,
}

impl Scene<'_> {
    /// The finished comparison.
    pub fn comparison(&self, draft: &Draft) -> Comparison {
        let errors = draft.metric.quantity == Quantity::Errors;
        let p = match &draft.estimate {
            _ if errors => errors::p(&draft.pair),
            Some(estimate) => estimate.p.filter(|_| draft.judged),
            None => None,
        };
        let (mut ruling, mut notes) = self.ruling(draft, p);
        if draft.role == Role::Secondary && draft.judged {
            notes.push("secondary".to_owned());
            if ruling.verdict != Verdict::NoVerdict {
                ruling.text.push_str(" [secondary]");
            }
        }
        let exp = |ci: Option<Interval>| {
            ci.map(|ci| ci.map(f64::exp))
                .filter(|ci| ci.iter().all(|x| x.is_finite()))
        };
        let estimate = draft.estimate.as_ref();
        let no_ratio = draft.pair.has_no_logs() || errors;
        let difference = draft
            .pair
            .difference(self.levels.alpha)
            .filter(|_| no_ratio);
        let alpha_each = self.levels.alpha / self.levels.family.max(1) as f64;
        Comparison {
            a: draft.a.to_owned(),
            b: draft.b.to_owned(),
            ratio: estimate
                .map(|e| e.log_ratio.exp())
                .filter(|ratio| ratio.is_finite()),
            ci: exp(estimate.and_then(|e| e.ci)),
            ci_simultaneous: exp(estimate.and_then(|e| e.ci_simultaneous)),
            p,
            p_adjusted: draft.holm[0],
            p_equivalence: estimate
                .and_then(|e| e.p_equivalence)
                .filter(|_| draft.judged),
            method: estimate.map_or(Method::None, |e| e.method),
            estimand: estimate.map(|e| e.estimand),
            verdict: ruling.verdict,
            repetitions: draft.pair.repetitions(),
            more_repetitions: ruling.more,
            text: ruling.text,
            advisory: estimate.is_some_and(|e| e.method == Method::None && e.ci.is_some()),
            notes,
            p_equivalence_adjusted: draft.holm[1],
            ci_equivalence: exp(estimate.and_then(|e| e.ci_equivalence)).filter(|_| draft.judged),
            achieved_level: estimate.and_then(|e| e.achieved),
            family: self.levels.family,
            sd_log_ratio: estimate.and_then(|e| e.sd),
            minimum_detectable_ratio: estimate
                .filter(|e| e.repetitions >= 3)
                .and_then(|e| planning::minimum_detectable_ratio(e.sd?, e.repetitions, alpha_each)),
            difference: difference.map(|(difference, _)| difference),
            difference_ci: difference.and_then(|(_, ci)| ci),
        }
    }

    /// Verdict and remarks of one pair; `p` is that of the error rates.
    fn ruling(&self, draft: &Draft, p: Option<f64>) -> (Ruling, Vec<String>) {
        let nothing = |reason: String| (Ruling::none(reason), Vec::new());
        if let Some(reason) = [draft.a, draft.b]
            .into_iter()
            .find_map(|t| gates::unmeasured(self.data, t))
        {
            return nothing(reason);
        }
        if draft.metric.quantity == Quantity::Errors {
            let ruling = errors::rule(self.data, draft.a, draft.b, &draft.pair, p);
            return (ruling, Vec::new());
        }
        if draft.pair.repetitions() == 0 {
            return nothing("no complete pair of repetitions".to_owned());
        }
        let Some(estimate) = draft.estimate.as_ref() else {
            return nothing(self.difference_only(draft));
        };
        let gates = |target: &str| -> Vec<String> {
            let failures = gates::failures(self.plan, self.data, target);
            failures.into_iter().map(|failure| failure.text).collect()
        };
        let (gates_a, gates_b) = (gates(draft.a), gates(draft.b));
        let support = |t: &str| target::support(self.data, draft.metric, t).map(|(label, _)| label);
        let case = Case {
            words: Words {
                a: draft.a,
                b: draft.b,
                metric: draft.metric,
                levels: self.levels,
                estimate,
            },
            pair: &draft.pair,
            p_adjusted: draft.holm[0],
            p_equivalence_adjusted: draft.holm[1],
            gates_a: &gates_a,
            gates_b: &gates_b,
            support: support(draft.a).into_iter().chain(support(draft.b)).min(),
        };
        let mut notes = verdict::notes(&case);
        if draft.metric.percentile.is_some() && case.support.is_none() {
            notes.push("tail samples not checked: no raw samples".to_owned());
        }
        if draft.metric.quantity == Quantity::Rate && !self.plan.open_loop {
            notes.push(
                "closed loop: throughput follows from the mean latency, not second evidence"
                    .to_owned(),
            );
        }
        if !draft.judged {
            return (self.descriptive(draft, &case.words), notes);
        }
        if !self.further_look {
            return (
                Ruling::none("looked too often: no error level is left"),
                notes,
            );
        }
        (bounds::rule(self.data, &case, verdict::rule(&case)), notes)
    }

    /// Text of metrics without verdicts.
    fn descriptive(&self, draft: &Draft, words: &Words) -> Ruling {
        if draft.role != Role::Descriptive {
            return Ruling::none(format!("fixed by the load; {}", words.ratio()));
        }
        Ruling {
            verdict: Verdict::NoVerdict,
            text: format!("descriptive: {}", words.ratio()),
            more: None,
        }
    }

    /// A value of 0 or below: the difference is all there is.
    fn difference_only(&self, draft: &Draft) -> String {
        let label = draft.metric.label();
        let Some((difference, ci)) = draft.pair.difference(self.levels.alpha) else {
            return format!("{label} has a value of 0 or below, so it has no ratio");
        };
        let unit = draft.metric.unit;
        let number = crate::text::number;
        let interval = ci.map_or(String::new(), |ci| {
            let level = crate::text::level(1.0 - self.levels.alpha);
            format!(" ({level} CI {} to {})", number(ci[0]), number(ci[1]))
        });
        format!(
            "{label} has a value of 0 or below, so it has no ratio; difference {} {unit}{interval}",
            number(difference)
        )
    }

    /// The verdict without flagged blocks, to be printed beside the real one.
    pub fn sensitivity(
        &self,
        drafts: &[Draft],
        at: usize,
        full: &Comparison,
        outliers: &[flags::Outlier],
    ) -> Option<String> {
        let draft = &drafts[at];
        if !draft.judged || full.verdict == Verdict::NoVerdict {
            return None;
        }
        let mut blocks: Vec<u64> = outliers
            .iter()
            .filter(|o| {
                o.metric == draft.metric.name && (o.target == draft.a || o.target == draft.b)
            })
            .map(|o| o.block)
            .filter(|block| {
                draft
                    .pair
                    .blocks
                    .as_ref()
                    .is_some_and(|blocks| blocks.contains(block))
            })
            .collect();
        blocks.sort_unstable();
        blocks.dedup();
        if blocks.is_empty() {
            return None;
        }
        let pair = draft.pair.without(&blocks);
        let estimate = pair.estimate(self.levels)?;
        let own = [estimate.p, estimate.p_equivalence];
        let holm = adjusted(drafts, at, own, self.plan.strict, self.levels.family);
        let trimmed = Draft {
            pair,
            estimate: Some(estimate),
            holm,
            ..*draft
        };
        let (ruling, _) = self.ruling(&trimmed, None);
        let list = blocks
            .iter()
            .map(u64::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let noun = if blocks.len() == 1 { "block" } else { "blocks" };
        Some(format!(
            "sensitivity, without flagged {noun} {list}: {}",
            ruling.text
        ))
    }
}
