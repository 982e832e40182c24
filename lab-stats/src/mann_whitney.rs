//! Mann-Whitney's test with its exact conditional null, and the shift estimate that goes with it.
//!
//! Printed as a check of Welch's t for unpaired data, never as the verdict (section 10).

use crate::{quantile::median, signed_rank::doubled_midranks};

/// Result of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs with x > y, ties counted half.
    pub u_x: f64,
    /// P(|U - mean| >= |observed - mean|) over all splits of the mid-ranks.
    pub p: f64,
    /// Median of all y - x.
    pub shift: f64,
}

/// Two independent samples; `None` if one is empty or holds a value that is not finite.
///
/// Exact for any size; the work grows with the fourth power of the sample size, so keep it to runs.
pub fn mann_whitney(x: &[f64], y: &[f64]) -> Option<MannWhitney> {
    if x.is_empty() || y.is_empty() || x.iter().chain(y).any(|value| !value.is_finite()) {
        return None;
    }
    let mut all: Vec<(f64, bool)> = x
        .iter()
        .map(|&x| (x, true))
        .chain(y.iter().map(|&y| (y, false)))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let values: Vec<f64> = all.iter().map(|(value, _)| *value).collect();
    let ranks = doubled_midranks(&values, |a, b| a == b);
    let rank_sum: usize = all
        .iter()
        .zip(&ranks)
        .filter(|((_, is_x), _)| *is_x)
        .map(|(_, r)| r)
        .sum();
    // Doubled: 2U = 2R - n(n+1); its null mean is n_x n_y.
    let smallest = x.len() * (x.len() + 1);
    let centre = (x.len() * y.len()) as f64;
    let distance = |sum: usize| ((sum - smallest) as f64 - centre).abs();
    let observed = distance(rank_sum);
    let counts = subset_sums(&ranks, x.len());
    let total: f64 = counts.iter().sum();
    let extreme: f64 = counts
        .iter()
        .enumerate()
        .filter(|(sum, count)| **count > 0.0 && distance(*sum) >= observed)
        .map(|(_, count)| count)
        .sum();
    let shifts: Vec<f64> = y
        .iter()
        .flat_map(|y| x.iter().map(move |x| y - x))
        .collect();
    Some(MannWhitney {
        u_x: (rank_sum - smallest) as f64 / 2.0,
        p: (extreme / total).min(1.0),
        shift: median(&shifts)?,
    })
}

/// How many ways there are to choose `size` of the ranks with a given sum (index = sum).
fn subset_sums(ranks: &[usize], size: usize) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; total + 1]; size + 1];
    ways[0][0] = 1.0;
    for (seen, &rank) in ranks.iter().enumerate() {
        for chosen in (1..=size.min(seen + 1)).rev() {
            let (fewer, more) = ways.split_at_mut(chosen);
            for sum in rank..=total {
                more[0][sum] += fewer[chosen - 1][sum - rank];
            }
        }
    }
    ways.swap_remove(size)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn three_against_three_cannot_reach_five_percent() {
        let result = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).unwrap();
        assert_eq!(result.u_x, 0.0);
        assert!((result.p - 0.1).abs() < 1e-12);
        assert_eq!(result.shift, 3.0);
    }

    #[test]
    fn all_tied() {
        assert_eq!(mann_whitney(&[1.0; 4], &[1.0; 5]).unwrap().p, 1.0);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
    }
}
