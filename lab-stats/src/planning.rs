//! How many repetitions (section 7), and which method they allow (section 4).

use crate::{
    dist::{chi2_quantile, t_critical, t_quantile},
    noncentral_t::{least_n, paired_t_power, tost_power},
    report::Method,
};

/// Power that plans aim at.
pub const POWER: f64 = 0.80;
/// Above this many repetitions the advice is to reduce the noise.
pub const MOST_REPETITIONS: usize = 50;
/// Efficiency of the rank test against t for normal data, 3/pi.
const RANK_EFFICIENCY: f64 = 0.955;

/// The method for R complete pairs and a family of m, from these two numbers alone.
pub fn method(repetitions: usize, family: usize, alpha: f64) -> Method {
    if repetitions <= 2 {
        Method::None
    } else if repetitions >= rank_line(family, alpha) {
        Method::SignedRank
    } else {
        Method::PairedT
    }
}

/// Least R with m 2^(1-R) <= alpha/2: from here on the signed-rank test is used.
pub fn rank_line(family: usize, alpha: f64) -> usize {
    let enough = |r: i32| family.max(1) as f64 * f64::powi(2.0, 1 - r) <= alpha / 2.0;
    (3..)
        .find(|&r| enough(r))
        .map_or(usize::MAX, |r| r as usize)
}

/// Upper 80% limit of a pilot's standard deviation (Browne 1995). `None` below two blocks.
pub fn upper_sd(sd: f64, pilot: usize) -> Option<f64> {
    let df = pilot.checked_sub(1)? as f64;
    Some(sd * (df / chi2_quantile(0.20, df)?).sqrt())
}

/// What a plan should find.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Smallest true log ratio to be found.
    pub effect: f64,
    /// Equivalence margin as a log ratio.
    pub margin: f64,
    /// Two-sided level.
    pub alpha: f64,
    /// Family size m.
    pub family: usize,
}

impl Goal {
    /// To find, or to rule out, a ratio of 1 + `margin`.
    pub fn resolve(margin: f64, alpha: f64, family: usize) -> Self {
        let log = margin.ln_1p();
        Self {
            effect: log,
            margin: log,
            alpha,
            family,
        }
    }
}

/// Repetitions in total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// This many.
    Repetitions(usize),
    /// More than [`MOST_REPETITIONS`]: reduce the noise first.
    TooMany,
}

/// Repetitions needed if the paired log ratios have standard deviation `sd`, estimated from `pilot`
/// blocks (`None`: the sd is known). `None` if sd is not positive.
pub fn needed(sd: f64, pilot: Option<usize>, goal: &Goal) -> Option<Needed> {
    let sd = match pilot {
        Some(blocks) => upper_sd(sd, blocks)?,
        None => sd,
    };
    if !(sd > 0.0 && sd.is_finite()) {
        return None;
    }
    let alpha = goal.alpha / goal.family.max(1) as f64;
    // Beyond this the answer is TooMany anyway.
    let limit = MOST_REPETITIONS + 1;
    let different = least_n(limit, POWER, |n| paired_t_power(n, goal.effect, sd, alpha));
    let equivalent = least_n(limit, POWER, |n| tost_power(n, goal.margin, sd, alpha));
    let (Some(n1), Some(n2)) = (different, equivalent) else {
        return Some(Needed::TooMany);
    };
    let n = (n1.max(n2) as f64 / RANK_EFFICIENCY).ceil() as usize;
    let n = n.max(rank_line(goal.family, goal.alpha));
    Some(if n > MOST_REPETITIONS {
        Needed::TooMany
    } else {
        Needed::Repetitions(n)
    })
}

/// The smallest ratio (above 1) that R repetitions find with power 0.80; `None` below two.
pub fn minimum_detectable_ratio(sd: f64, repetitions: usize, alpha: f64) -> Option<f64> {
    let df = repetitions.checked_sub(1)? as f64;
    let t = t_critical(alpha, df)? + t_quantile(POWER, df)?;
    Some((t * sd / (repetitions as f64).sqrt()).exp()).filter(|ratio| ratio.is_finite())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_section_4() {
        let line = |m| rank_line(m, 0.05);
        assert_eq!(line(1), 7);
        assert!((2..=3).all(|m| line(m) == 8));
        assert!((4..=6).all(|m| line(m) == 9));
        assert!((7..=12).all(|m| line(m) == 10));
        assert!((13..=25).all(|m| line(m) == 11));
        assert_eq!(method(2, 1, 0.05), Method::None);
        assert_eq!(method(6, 1, 0.05), Method::PairedT);
        assert_eq!(method(7, 1, 0.05), Method::SignedRank);
    }

    #[test]
    fn factors_of_browne() {
        for (pilot, factor) in [(5, 1.56), (10, 1.29), (20, 1.18)] {
            assert!((upper_sd(1.0, pilot).unwrap() - factor).abs() < 0.005);
        }
    }

    #[test]
    fn noisier_hosts_need_more() {
        let goal = Goal::resolve(0.05, 0.05, 1);
        assert_eq!(needed(0.001, Some(5), &goal), Some(Needed::Repetitions(7)));
        assert_eq!(needed(0.5, Some(5), &goal), Some(Needed::TooMany));
        assert_eq!(needed(0.0, Some(5), &goal), None);
        let Some(Needed::Repetitions(n)) = needed(0.05, None, &goal) else {
            panic!("a number")
        };
        assert!((11..=20).contains(&n), "{n}");
    }
}
