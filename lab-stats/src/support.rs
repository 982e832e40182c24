//! Can this run support this percentile? (section 2.1)

use serde::{Deserialize, Serialize};

use crate::moments::mean;

/// Batches in time order for [`PercentileSupport`].
pub const BATCHES: usize = 50;

/// Label of the tail rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// E < 20: the value is shown, no verdict.
    TooFew,
    /// E in 20..50: verdict marked "few tail samples".
    Weak,
    /// E >= 50.
    Ok,
}

impl Support {
    /// The label for E effective samples above the percentile.
    pub fn of(exceedances: f64) -> Self {
        if exceedances >= 50.0 {
            Self::Ok
        } else if exceedances >= 20.0 {
            Self::Weak
        } else {
            Self::TooFew
        }
    }
}

/// Tail support of one percentile of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PercentileSupport {
    /// Variance inflation by dependence between requests; `None` below 50 requests.
    pub tau: Option<f64>,
    /// n / tau.
    pub n_eff: Option<f64>,
    /// E = n_eff (1 - p), effective samples above the percentile (n (1 - p) where tau is unknown).
    pub exceedances: f64,
    /// The label.
    pub label: Support,
}

impl PercentileSupport {
    /// From values in time order and their own quantile `q` at probability `p`.
    pub fn of(in_time_order: &[i64], q: f64, p: f64) -> Self {
        let n = in_time_order.len() as f64;
        // Integers above q are those above its floor: one comparison, no conversion per request.
        let floor = q.floor() as i64;
        let tau = inflation(in_time_order, BATCHES, p, |&x| x > floor);
        let n_eff = tau.map(|tau| n / tau);
        // Without tau the run is too short to judge; n (1 - p) is then the most there can be.
        let exceedances = n_eff.unwrap_or(n) * (1.0 - p);
        let label = if tau.is_some() {
            Support::of(exceedances)
        } else {
            Support::TooFew
        };
        Self {
            tau,
            n_eff,
            exceedances,
            label,
        }
    }
}

/// tau = max(1, s Var(batch means of the exceedance indicator) / (p (1 - p))) over `batches` batches of
/// size s in time order, the last remainder dropped. `None` if a batch would be empty, below two
/// batches, or if p is not strictly between 0 and 1.
pub fn inflation<T>(
    in_time_order: &[T],
    batches: usize,
    p: f64,
    exceeds: impl Fn(&T) -> bool,
) -> Option<f64> {
    let size = in_time_order.len().checked_div(batches)?;
    if size == 0 || batches < 2 || !(p > 0.0 && p < 1.0) {
        return None;
    }
    let means: Vec<f64> = in_time_order
        .chunks_exact(size)
        .take(batches)
        .map(|batch| batch.iter().filter(|x| exceeds(x)).count() as f64 / size as f64)
        .collect();
    let centre = mean(&means)?;
    let variance = means
        .iter()
        .map(|m| (m - centre) * (m - centre))
        .sum::<f64>()
        / (batches - 1) as f64;
    Some((size as f64 * variance / (p * (1.0 - p))).max(1.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        assert_eq!(Support::of(50.0), Support::Ok);
        assert_eq!(Support::of(49.9), Support::Weak);
        assert_eq!(Support::of(20.0), Support::Weak);
        assert_eq!(Support::of(19.9), Support::TooFew);
    }

    #[test]
    fn independent_requests_have_no_inflation_but_a_stall_does() {
        let spread: Vec<i64> = (0..10_000)
            .map(|i| if i % 100 == 0 { 100 } else { 1 })
            .collect();
        let even = PercentileSupport::of(&spread, 50.0, 0.99);
        assert_eq!(even.tau, Some(1.0));
        assert_eq!(even.label, Support::Ok);
        let stalled: Vec<i64> = (0..10_000).map(|i| if i < 100 { 100 } else { 1 }).collect();
        let burst = PercentileSupport::of(&stalled, 50.0, 0.99);
        assert!(burst.tau.unwrap() > 50.0);
        assert_eq!(burst.label, Support::TooFew);
    }

    #[test]
    fn too_short_to_judge() {
        let few = PercentileSupport::of(&[1; 49], 1.0, 0.5);
        assert_eq!((few.tau, few.label), (None, Support::TooFew));
    }
}
