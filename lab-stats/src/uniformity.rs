//! Are p-values what they promise when nothing differs? (section 12)

use serde::{Deserialize, Serialize};

/// One-sided Kolmogorov-Smirnov test: are there more small p-values than a uniform distribution has?
///
/// One-sided, because the p-values of exact rank tests are discrete: there are fewer small ones than in a uniform
/// distribution, rightly, and never more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Uniformity {
    /// Largest excess of the empirical over the uniform distribution function, 0 to 1.
    pub distance: f64,
    /// Its p-value, with the correction of Stephens (1970), good from 5 values on; too large for discrete values.
    pub p: f64,
}

/// Tests p-values; `None` below 5 of them or if one is outside 0 to 1.
pub fn excess_of_small(p_values: &[f64]) -> Option<Uniformity> {
    if p_values.len() < 5 || p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted
        .iter()
        .zip(1..)
        .map(|(p, i)| f64::from(i) / n - p)
        .fold(0.0, f64::max);
    let scaled = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    Some(Uniformity {
        distance,
        p: (-2.0 * scaled * scaled).exp(),
    })
}

/// How many values fall into each of `bins` equal parts of 0 to 1; 1 belongs to the last part.
pub fn histogram(values: &[f64], bins: usize) -> Vec<usize> {
    let mut counts = vec![0; bins];
    for value in values.iter().filter(|v| (0.0..=1.0).contains(*v)) {
        let bin = ((value * bins as f64) as usize).min(bins.saturating_sub(1));
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn even_and_large_values_pass_and_many_small_ones_do_not() {
        let even: Vec<f64> = (0..40).map(|i| (f64::from(i) + 0.5) / 40.0).collect();
        assert!(excess_of_small(&even).unwrap().p > 0.9);
        let large: Vec<f64> = even.iter().map(|p| p.sqrt()).collect();
        assert!(excess_of_small(&large).unwrap().p > 0.99);
        let small: Vec<f64> = even.iter().map(|p| p * p * p).collect();
        assert!(excess_of_small(&small).unwrap().p < 0.001);
        assert_eq!(excess_of_small(&[0.5; 4]), None);
        assert_eq!(excess_of_small(&[0.5, 0.5, 0.5, 0.5, 1.5]), None);
    }

    #[test]
    fn exact_p_values_of_a_rank_test_pass_in_any_number() {
        // All sign patterns of 7 pairs, each once: what the test gives when nothing differs.
        let all: Vec<f64> = (0..128_u32)
            .map(|signs| {
                let d: Vec<f64> = (0..7)
                    .map(|i| f64::from(i + 1) * if signs >> i & 1 == 1 { 1.0 } else { -1.0 })
                    .collect();
                crate::signed_rank::signed_rank(&d).unwrap().p
            })
            .collect();
        let many = all.repeat(20);
        assert!(excess_of_small(&many).unwrap().distance < 1e-12);
    }

    proptest! {
        #[test]
        fn larger_p_values_are_never_more_suspect(values in proptest::collection::vec(0.0..=1.0_f64, 5..60), up in 0.0..1.0_f64) {
            let found = excess_of_small(&values).unwrap();
            prop_assert!((0.0..=1.0).contains(&found.distance) && (0.0..=1.0).contains(&found.p));
            let raised: Vec<f64> = values.iter().map(|p| p + (1.0 - p) * up).collect();
            prop_assert!(excess_of_small(&raised).unwrap().p >= found.p);
        }

        #[test]
        fn every_value_has_one_bin(values in proptest::collection::vec(0.0..=1.0_f64, 0..60), bins in 1..20_usize) {
            let counts = histogram(&values, bins);
            prop_assert_eq!(counts.len(), bins);
            prop_assert_eq!(counts.iter().sum::<usize>(), values.len());
        }
    }
}
