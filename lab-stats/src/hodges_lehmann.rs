//! Hodges-Lehmann estimate of the pseudomedian with the interval that inverts the signed-rank test.

use crate::{quantile::quantile_sorted, signed_rank::critical_value};

/// Estimate and exact interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HodgesLehmann {
    /// Median of the Walsh averages.
    pub estimate: f64,
    /// Interval, if one exists at this level and n.
    pub interval: Option<ExactInterval>,
    /// Number of Walsh averages, n (n + 1) / 2.
    pub walsh: usize,
}

/// An interval between two order statistics of the Walsh averages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The critical value: the ends are w_(k+1) and w_(M-k).
    pub k: usize,
    /// Confidence it really has (at least what was asked for).
    pub achieved: f64,
}

/// Estimate of the pseudomedian and its interval at confidence 1 - `alpha`; zeros are kept.
/// `None` if there are no values or one is not finite.
pub fn hodges_lehmann(values: &[f64], alpha: f64) -> Option<HodgesLehmann> {
    let walsh = Walsh::of(values)?;
    Some(HodgesLehmann {
        estimate: walsh.median(),
        interval: walsh.interval(alpha),
        walsh: walsh.sorted.len(),
    })
}

/// The sorted Walsh averages of a sample: one sort serves every level.
#[derive(Debug, Clone)]
pub struct Walsh {
    n: usize,
    sorted: Vec<f64>,
}

impl Walsh {
    /// All (x_i + x_j) / 2 with i <= j. `None` if there are no values or one is not finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let n = values.len();
        let mut sorted = Vec::with_capacity(n * (n + 1) / 2);
        for (i, &x) in values.iter().enumerate() {
            // Half before sum: two large values must not overflow.
            sorted.extend(values[i..].iter().map(|&y| 0.5 * x + 0.5 * y));
        }
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Self { n, sorted })
    }

    /// The pseudomedian.
    pub fn median(&self) -> f64 {
        quantile_sorted(&self.sorted, 0.5).unwrap_or(f64::NAN)
    }

    /// Interval at confidence 1 - `alpha`, from the tie-free null; `None` if there is none.
    pub fn interval(&self, alpha: f64) -> Option<ExactInterval> {
        let (k, below) = critical_value(self.n, alpha)?;
        let m = self.sorted.len();
        Some(ExactInterval {
            low: *self.sorted.get(k)?,
            high: *self.sorted.get((m - 1).checked_sub(k)?)?,
            k,
            achieved: 1.0 - 2.0 * below,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn five_values_have_no_95_percent_interval() {
        let hl = hodges_lehmann(&[1.0, 2.0, 3.0, 4.0, 9.0], 0.05).unwrap();
        assert_eq!(hl.interval, None);
        assert_eq!(hl.walsh, 15);
        assert_eq!(hl.estimate, 3.0);
    }

    #[test]
    fn no_values_no_estimate() {
        assert_eq!(hodges_lehmann(&[], 0.05), None);
        assert_eq!(hodges_lehmann(&[f64::INFINITY], 0.05), None);
    }
}
