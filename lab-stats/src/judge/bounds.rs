//! Figures that are only bounds: what may still be said of them.

use crate::{
    capacity::Bound,
    judge::{
        data::Data,
        verdict::{Case, Ruling},
    },
    metric::Metric,
    report::Verdict,
};

/// How many of a target's valid runs are bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    at_least: usize,
    at_most: usize,
    of: usize,
}

impl Bounds {
    /// Counts them.
    pub fn of(data: &Data, metric: &Metric, target: &str) -> Self {
        let mut out = Self::default();
        for (run, _) in data.values(target, metric.name) {
            out.of += 1;
            match run.bounds.get(metric.name) {
                Some(Bound::AtLeast) => out.at_least += 1,
                Some(Bound::AtMost) => out.at_most += 1,
                None => {}
            }
        }
        out
    }

    /// The side on which all of them lie.
    pub fn side(self) -> Option<Bound> {
        match (self.at_least, self.at_most) {
            (1.., 0) => Some(Bound::AtLeast),
            (0, 1..) => Some(Bound::AtMost),
            _ => None,
        }
    }

    /// For people.
    pub fn note(self) -> Option<String> {
        let Self {
            at_least,
            at_most,
            of,
        } = self;
        match (at_least, at_most) {
            (0, 0) => None,
            (n, 0) => Some(format!(
                "at least: in {n} of {of} repetitions the last step was met, or the host or the load generator was the limit"
            )),
            (0, n) => Some(format!(
                "at most: in {n} of {of} repetitions not even the first step was met"
            )),
            (up, down) => Some(format!(
                "bounds on both sides: at least in {up}, at most in {down} of {of} repetitions"
            )),
        }
    }
}

/// A difference stands where every bound can only make it larger; nothing else can be said of bounds.
pub fn rule(data: &Data, case: &Case, ruling: Ruling) -> Ruling {
    let words = &case.words;
    let of = |target| Bounds::of(data, words.metric, target);
    let (a, b) = (of(words.a), of(words.b));
    if [a, b].iter().all(|x| x.at_least + x.at_most == 0) {
        return ruling;
    }
    let label = words.metric.label();
    let passed_all = |x: &Bounds| x.of > 0 && x.at_least == x.of;
    if passed_all(&a) && passed_all(&b) {
        return Ruling::none(format!(
            "{label} of both is above what this run could load: each met the objective up to the lab's own limit"
        ));
    }
    let (winner, loser) = if words.a_is_better() { (a, b) } else { (b, a) };
    let sound = winner.at_most == 0 && loser.at_least == 0;
    match ruling.verdict {
        Verdict::Different if sound => Ruling {
            text: format!("{}; at least so, some values are bounds", ruling.text),
            ..ruling
        },
        Verdict::Different | Verdict::Equivalent => Ruling::none(format!(
            "{label} is only a bound in some repetitions; {}",
            words.ratio()
        )),
        Verdict::CannotTell | Verdict::NoVerdict => ruling,
    }
}
