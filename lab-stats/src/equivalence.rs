//! Equivalence by two one-sided tests (Schuirmann 1987).

use crate::{moments::logs, signed_rank::signed_rank, t_test::LogT};

/// The two one-sided p-values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tost {
    /// Of "the difference is at or below -margin".
    pub p_lower: f64,
    /// Of "the difference is at or above +margin".
    pub p_upper: f64,
}

impl Tost {
    /// The larger of the two: small only if both sides are ruled out.
    pub fn p(&self) -> f64 {
        self.p_lower.max(self.p_upper)
    }

    /// By t on the log scale; `margin` is a log ratio. `None` where t is undefined.
    pub fn by_t(statistic: &LogT, margin: f64) -> Option<Self> {
        Some(Self {
            p_lower: statistic.p_above(-margin)?,
            p_upper: statistic.p_below(margin)?,
        })
    }

    /// By the exact signed-rank test on differences of logs. `None` if one is not finite.
    pub fn by_signed_rank(d: &[f64], margin: f64) -> Option<Self> {
        let shifted = |by: f64| d.iter().map(|d| d + by).collect::<Vec<_>>();
        Some(Self {
            p_lower: signed_rank(&shifted(margin))?.p_greater,
            p_upper: signed_rank(&shifted(-margin))?.p_less,
        })
    }

    /// By signed-rank on paired values b / a; `margin_ratio` above 1, such as 1.05.
    pub fn by_signed_rank_of(a: &[f64], b: &[f64], margin_ratio: f64) -> Option<Self> {
        if a.len() != b.len() {
            return None;
        }
        let d: Vec<f64> = logs(b)?.iter().zip(logs(a)?).map(|(b, a)| b - a).collect();
        Self::by_signed_rank(&d, margin_ratio.ln())
    }
}
