//! Everything that is computed for one pair before any verdict: estimate, intervals, p-values.

use crate::{
    equivalence::Tost,
    hodges_lehmann::Walsh,
    moments::{all_identical, sd},
    planning,
    report::{Estimand, Interval, Method},
    signed_rank::signed_rank,
    t_test::LogT,
};

/// Levels that hold for the whole family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Two-sided level of one comparison.
    pub alpha: f64,
    /// Family size m.
    pub family: usize,
    /// Equivalence margin as a log ratio.
    pub margin: f64,
}

/// Differences without any spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// They vary.
    Some,
    /// All zero.
    AllZero,
    /// All the same, not zero.
    AllSame,
}

/// The statistics of one pair on the log scale (a minus b).
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Method, fixed by (R, m).
    pub method: Method,
    /// What `log_ratio` estimates.
    pub estimand: Estimand,
    /// Complete pairs, or the smaller group.
    pub repetitions: usize,
    /// Point estimate.
    pub log_ratio: f64,
    /// Interval at 1 - alpha.
    pub ci: Option<Interval>,
    /// Interval at 1 - alpha/m.
    pub ci_simultaneous: Option<Interval>,
    /// Interval at 1 - 2 alpha.
    pub ci_equivalence: Option<Interval>,
    /// Confidence of `ci` where it is exact.
    pub achieved: Option<f64>,
    /// Two-sided p.
    pub p: Option<f64>,
    /// Equivalence p.
    pub p_equivalence: Option<f64>,
    /// Standard deviation of the paired differences (unpaired: its equivalent).
    pub sd: Option<f64>,
    /// Whether the differences vary.
    pub spread: Spread,
    /// p by signed-rank and by t, from 6 pairs on (unpaired: by Mann-Whitney and Welch).
    pub both: Option<(f64, f64)>,
}

impl Estimate {
    /// Rule 3: the adjusted p is below the level and the interval excludes 1. Both are needed: with ties
    /// they may disagree.
    pub fn differs(&self, p_adjusted: Option<f64>, alpha: f64) -> bool {
        p_adjusted.is_some_and(|p| p < alpha) && self.excludes_one()
    }

    /// Whether the per-comparison interval excludes a ratio of 1.
    pub fn excludes_one(&self) -> bool {
        self.ci.is_some_and(|ci| ci[0] > 0.0 || ci[1] < 0.0)
    }

    /// Rule 2: the adjusted equivalence p is below the level and its interval lies inside the margin;
    /// gives that interval.
    pub fn equivalent(&self, p_adjusted: Option<f64>, alpha: f64, margin: f64) -> Option<Interval> {
        let inside = |ci: &Interval| ci[0] > -margin && ci[1] < margin;
        self.ci_equivalence
            .filter(inside)
            .filter(|_| p_adjusted.is_some_and(|p| p < alpha))
    }
}

/// Paired differences of logs, in any order. `None` if there are none or one is not finite.
pub fn paired(d: &[f64], levels: &Levels) -> Option<Estimate> {
    let walsh = Walsh::of(d)?;
    let t = LogT::of_differences(d)?;
    let n = d.len();
    let ranks = signed_rank(d)?;
    let method = planning::method(n, levels.family, levels.alpha);
    let spread = match (all_identical(d), d.iter().all(|&d| d == 0.0)) {
        (_, true) => Spread::AllZero,
        (true, false) if n > 1 => Spread::AllSame,
        _ => Spread::Some,
    };
    let mut estimate = Estimate {
        method,
        estimand: Estimand::GeomeanRatio,
        repetitions: n,
        log_ratio: t.difference,
        ci: t.interval(levels.alpha),
        ci_simultaneous: t.interval(levels.alpha / levels.family.max(1) as f64),
        ci_equivalence: t.interval(2.0 * levels.alpha),
        achieved: None,
        p: None,
        p_equivalence: None,
        sd: sd(d),
        spread,
        both: t.p().filter(|_| n >= 6).map(|by_t| (ranks.p, by_t)),
    };
    match method {
        Method::SignedRank => {
            let ends = |alpha| walsh.interval(alpha).map(|ci| [ci.low, ci.high]);
            estimate.estimand = Estimand::PseudomedianRatio;
            estimate.log_ratio = walsh.median();
            estimate.ci = ends(levels.alpha);
            estimate.ci_simultaneous = ends(levels.alpha / levels.family.max(1) as f64);
            estimate.ci_equivalence = ends(2.0 * levels.alpha);
            estimate.achieved = walsh.interval(levels.alpha).map(|ci| ci.achieved);
            estimate.p = Some(ranks.p);
            estimate.p_equivalence = Tost::by_signed_rank(d, levels.margin).map(|tost| tost.p());
        }
        Method::PairedT => {
            estimate.p = t.p();
            estimate.p_equivalence = Tost::by_t(&t, levels.margin).map(|tost| tost.p());
        }
        // Two repetitions keep the t interval for orientation; it carries no p.
        Method::Welch | Method::None => {}
    }
    if spread == Spread::AllZero && n >= 2 {
        // An interval of no width around 1 would claim what nobody measured.
        estimate.p = Some(1.0);
        estimate.p_equivalence = None;
        (
            estimate.ci,
            estimate.ci_simultaneous,
            estimate.ci_equivalence,
        ) = (None, None, None);
        estimate.achieved = None;
    }
    Some(estimate)
}

/// Unpaired logs of a and b; `extra_variance` is that between sessions (0 inside one).
/// `None` if a sample is empty or not finite.
pub fn unpaired(a: &[f64], b: &[f64], levels: &Levels, extra_variance: f64) -> Option<Estimate> {
    let welch = LogT::welch_of_logs(b, a, extra_variance)?;
    let n = a.len().min(b.len());
    let usable = n >= 3;
    let spread = match welch.standard_error {
        None if n > 1 && welch.difference == 0.0 => Spread::AllZero,
        None if n > 1 => Spread::AllSame,
        _ => Spread::Some,
    };
    let p = welch.p().filter(|_| usable);
    let sd = sd(a).zip(sd(b)).map(|(a, b)| a.hypot(b));
    Some(Estimate {
        method: if usable { Method::Welch } else { Method::None },
        estimand: Estimand::GeomeanRatio,
        repetitions: n,
        log_ratio: welch.difference,
        ci: welch.interval(levels.alpha),
        ci_simultaneous: welch.interval(levels.alpha / levels.family.max(1) as f64),
        ci_equivalence: welch.interval(2.0 * levels.alpha),
        achieved: None,
        p: if spread == Spread::AllZero {
            Some(1.0)
        } else {
            p
        },
        p_equivalence: Tost::by_t(&welch, levels.margin)
            .map(|tost| tost.p())
            .filter(|_| usable),
        sd,
        spread,
        both: p
            .zip(crate::mann_whitney::mann_whitney(a, b))
            .map(|(welch, ranks)| (ranks.p, welch)),
    })
}
