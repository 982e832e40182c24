//! From the statistics of a pair to its verdict; the first rule that matches wins (section 6).

use crate::{
    judge::{estimate::Spread, pair::Pair, wording::Words},
    metric::Quantity,
    planning::{self, Goal, Needed},
    report::{Method, Verdict},
    support::Support,
    text,
};

/// What is known about a pair when it is judged.
pub struct Case<'a> {
    /// Words, with the estimate in them.
    pub words: Words<'a>,
    /// Its data.
    pub pair: &'a Pair,
    /// Holm-adjusted p.
    pub p_adjusted: Option<f64>,
    /// Holm-adjusted equivalence p.
    pub p_equivalence_adjusted: Option<f64>,
    /// Why a may not be called better.
    pub gates_a: &'a [String],
    /// Why b may not be called better.
    pub gates_b: &'a [String],
    /// The poorer tail support of the two.
    pub support: Option<Support>,
}

/// A verdict with its text and the repetitions still needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// Its text.
    pub text: String,
    /// More repetitions, for "can't tell yet".
    pub more: Option<u32>,
}

impl Ruling {
    /// `no verdict: <reason>`.
    pub fn none(reason: impl std::fmt::Display) -> Self {
        Self {
            verdict: Verdict::NoVerdict,
            text: format!("no verdict: {reason}"),
            more: None,
        }
    }
}

/// Judges one pair of a verdict metric.
pub fn rule(case: &Case) -> Ruling {
    if let Some(reason) = obstacle(case) {
        return Ruling::none(reason);
    }
    let Case { words, .. } = case;
    let (estimate, levels) = (words.estimate, words.levels);
    let different = estimate.differs(case.p_adjusted, levels.alpha);
    let failing = case.gates_a.iter().chain(case.gates_b).next();
    if let Some(ci) = estimate.equivalent(case.p_equivalence_adjusted, levels.alpha, levels.margin)
    {
        if let Some(reason) = failing {
            return Ruling::none(reason);
        }
        let text = tagged(case, words.equivalent(ci, different));
        return Ruling {
            verdict: Verdict::Equivalent,
            text,
            more: None,
        };
    }
    if let (true, Some(p), Some(ci)) = (different, case.p_adjusted, estimate.ci) {
        let gates = if words.a_is_better() {
            case.gates_a
        } else {
            case.gates_b
        };
        if let Some(reason) = gates.first() {
            return Ruling::none(format!("{} is ahead, but {reason}", words.better()));
        }
        return Ruling {
            verdict: Verdict::Different,
            text: tagged(case, words.different(p, ci)),
            more: None,
        };
    }
    let goal = Goal {
        effect: levels.margin,
        margin: levels.margin,
        alpha: levels.alpha,
        family: levels.family,
    };
    let needed = estimate
        .sd
        .and_then(|sd| planning::needed(sd, Some(estimate.repetitions), &goal));
    let more = match needed {
        Some(Needed::Repetitions(n)) => Some(n.saturating_sub(estimate.repetitions).max(1) as u32),
        _ => None,
    };
    let below = |p: Option<f64>| p.is_some_and(|p| p < levels.alpha);
    let uncorrected_only = below(estimate.p) && estimate.excludes_one() && !below(case.p_adjusted);
    let text = tagged(case, words.cannot_tell(needed, uncorrected_only));
    Ruling {
        verdict: Verdict::CannotTell,
        text,
        more,
    }
}

/// Rule 1: why there can be no verdict.
fn obstacle(case: &Case) -> Option<String> {
    let Case { words, pair, .. } = case;
    let (estimate, levels) = (words.estimate, words.levels);
    let line = planning::rank_line(levels.family, levels.alpha);
    match estimate.repetitions {
        1 => return Some(format!("1 repetition: no interval; {}", words.ratio())),
        2 => return Some(format!("2 repetitions: estimate only; {}", words.ratio())),
        _ => {}
    }
    let in_steps = words.metric.quantity == Quantity::Capacity;
    if estimate.spread == Spread::AllZero && in_steps {
        return Some(
            "the same step in every repetition: only finer steps would tell more".to_owned(),
        );
    }
    if estimate.spread == Spread::AllZero {
        return Some("identical values: check clock resolution or duplicated results".to_owned());
    }
    if estimate.p.is_none() {
        return Some(match estimate.spread {
            Spread::AllSame => format!(
                "all paired differences are identical, t is undefined; {}",
                words.ratio()
            ),
            _ => "no test is possible".to_owned(),
        });
    }
    if unbalanced(pair) && estimate.repetitions < line {
        return Some(format!(
            "unbalanced: {} of {} blocks lost ({} complete pairs, {line} would do)",
            pair.lost, pair.of, estimate.repetitions
        ));
    }
    if case.support == Some(Support::TooFew) {
        return Some(format!(
            "too few tail samples for {}; {}",
            words.metric.label(),
            words.ratio()
        ));
    }
    None
}

/// More than a fifth of the blocks lost.
pub fn unbalanced(pair: &Pair) -> bool {
    5 * pair.lost > pair.of
}

fn tagged(case: &Case, text: String) -> String {
    if case.support == Some(Support::Weak) {
        format!("{text}; few tail samples")
    } else {
        text
    }
}

/// Remarks beside the verdict.
pub fn notes(case: &Case) -> Vec<String> {
    let Case { words, pair, .. } = case;
    let (estimate, levels) = (words.estimate, words.levels);
    let mut notes = Vec::new();
    match estimate.method {
        Method::PairedT => notes.push("small R: t interval, assumes near-normal logs".to_owned()),
        Method::Welch => notes.push("unpaired".to_owned()),
        Method::None if pair.blocks.is_none() => notes.push("unpaired".to_owned()),
        Method::SignedRank | Method::None => {}
    }
    if estimate.repetitions == 2 {
        notes.push("2 repetitions: the interval (t, 1 degree of freedom) is advisory".to_owned());
    }
    if pair.lost > 0 {
        notes.push(format!(
            "{} complete pairs, {} of {} blocks lost",
            estimate.repetitions, pair.lost, pair.of
        ));
    }
    if unbalanced(pair) {
        notes.push("unbalanced".to_owned());
    }
    if let Some((ranks, t)) = estimate.both {
        let disagree = (ranks < levels.alpha) != (t < levels.alpha);
        let (ranks, t) = (
            text::p_value(ranks, levels.alpha),
            text::p_value(t, levels.alpha),
        );
        if estimate.method == Method::Welch {
            notes.push(format!("check by Mann-Whitney: {ranks}"));
        } else if disagree {
            notes.push(format!(
                "methods disagree (signed-rank {ranks}, t {t}): look at the repetitions"
            ));
        }
    }
    let in_steps = words.metric.quantity == Quantity::Capacity;
    if estimate.spread == Spread::AllSame && estimate.p.is_some() && !in_steps {
        notes.push("all paired differences are identical: check for duplicated results".to_owned());
    }
    notes.extend(case.gates_a.iter().chain(case.gates_b).cloned());
    notes
}
