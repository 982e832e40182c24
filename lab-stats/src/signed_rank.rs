//! Wilcoxon's signed-rank test with its exact conditional null distribution.

/// Result of the test on paired differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Differences that are not zero.
    pub n: usize,
    /// Sum of the (mid-)ranks of the positive differences.
    pub w_plus: f64,
    /// Two-sided p; 1 if there is nothing to rank.
    pub p: f64,
    /// P(W >= w_plus): small if the differences are above zero.
    pub p_greater: f64,
    /// P(W <= w_plus): small if the differences are below zero.
    pub p_less: f64,
}

/// Test of "the differences are symmetric about 0". Zeros are dropped (Wilcoxon's policy), tied
/// absolute values get mid-ranks, and the null distribution is that of the ranks at hand.
/// `None` if a difference is not finite.
pub fn signed_rank(differences: &[f64]) -> Option<SignedRank> {
    if differences.iter().any(|d| !d.is_finite()) {
        return None;
    }
    let mut nonzero: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    nonzero.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = doubled_midranks(&nonzero, |a, b| a.abs() == b.abs());
    let positive: usize = nonzero
        .iter()
        .zip(&ranks)
        .filter(|(d, _)| **d > 0.0)
        .map(|(_, r)| r)
        .sum();
    let null = null_distribution(&ranks);
    let p_less: f64 = null[..=positive].iter().sum::<f64>().min(1.0);
    let p_greater: f64 = null[positive..].iter().sum::<f64>().min(1.0);
    Some(SignedRank {
        n: nonzero.len(),
        w_plus: positive as f64 / 2.0,
        // The null is symmetric, so the smaller tail is P(W <= min(W+, T - W+)).
        p: (2.0 * p_less.min(p_greater)).min(1.0),
        p_greater,
        p_less,
    })
}

/// P(2W = s) for s = 0..=sum of the doubled ranks, over all equally likely signs.
///
/// Works on probabilities, not counts: halving is exact and nothing overflows.
pub fn null_distribution(doubled_ranks: &[usize]) -> Vec<f64> {
    let total: usize = doubled_ranks.iter().sum();
    let mut mass = vec![0.0; total + 1];
    mass[0] = 1.0;
    let mut reached = 0;
    for &rank in doubled_ranks {
        reached += rank;
        for s in (0..=reached).rev() {
            let with = if s >= rank { mass[s - rank] } else { 0.0 };
            mass[s] = 0.5 * (mass[s] + with);
        }
    }
    mass
}

/// The tie-free critical value: the largest k with 2 P(W <= k) <= alpha and that P(W <= k).
/// `None` if even k = 0 is too likely.
pub fn critical_value(n: usize, alpha: f64) -> Option<(usize, f64)> {
    let ranks: Vec<usize> = (1..=n).collect();
    let mut below = 0.0;
    let mut found = None;
    for (k, mass) in null_distribution(&ranks).into_iter().enumerate() {
        below += mass;
        if 2.0 * below > alpha {
            break;
        }
        found = Some((k, below));
    }
    found
}

/// Twice the mid-ranks (integers) of sorted values; `same` says which neighbours are tied.
pub(crate) fn doubled_midranks(sorted: &[f64], same: impl Fn(f64, f64) -> bool) -> Vec<usize> {
    let mut ranks = vec![0; sorted.len()];
    let mut start = 0;
    while start < sorted.len() {
        let mut end = start + 1;
        while end < sorted.len() && same(sorted[start], sorted[end]) {
            end += 1;
        }
        // Ranks start+1 ..= end: twice their mean.
        ranks[start..end].fill(start + 1 + end);
        start = end;
    }
    ranks
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn smallest_p_is_two_to_the_one_minus_n() {
        for n in 1..=50 {
            let d: Vec<f64> = (1..=n).map(f64::from).collect();
            assert_eq!(signed_rank(&d).unwrap().p, f64::powi(2.0, 1 - n));
        }
    }

    #[test]
    fn ten_pairs_have_k_of_eight() {
        let (k, below) = critical_value(10, 0.05).unwrap();
        assert_eq!(k, 8);
        assert!((1.0 - 2.0 * below - 0.951171875).abs() < 1e-15);
        assert_eq!(critical_value(5, 0.05), None);
        assert_eq!(critical_value(6, 0.05).unwrap().0, 0);
    }

    #[test]
    fn nothing_but_zeros_says_nothing() {
        let all_zero = signed_rank(&[0.0, -0.0]).unwrap();
        assert_eq!((all_zero.n, all_zero.p), (0, 1.0));
        assert_eq!(signed_rank(&[f64::NAN]), None);
    }
}
