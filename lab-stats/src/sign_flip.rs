//! Sign-flip test of the mean difference; used for raw differences of error rates.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Most differences for which every sign pattern is enumerated.
pub const EXACT_LIMIT: usize = 20;
/// Random patterns above that.
pub const RANDOM_FLIPS: u32 = 100_000;

/// P(|mean of randomly signed differences| >= |mean|) over all 2^n signs. `None` if there are no
/// differences, more than [`EXACT_LIMIT`], or one is not finite.
pub fn sign_flip_exact(differences: &[f64]) -> Option<f64> {
    if differences.is_empty()
        || differences.len() > EXACT_LIMIT
        || differences.iter().any(|d| !d.is_finite())
    {
        return None;
    }
    let threshold = threshold(differences);
    // The two halves mirror each other: fix the first sign.
    let patterns = 1u32 << (differences.len() - 1);
    let mut extreme = 0u32;
    for pattern in 0..patterns {
        let mut sum = differences[0];
        for (bit, d) in differences[1..].iter().enumerate() {
            sum += if pattern >> bit & 1 == 1 { -d } else { *d };
        }
        extreme += u32::from(sum.abs() >= threshold);
    }
    Some(f64::from(extreme) / f64::from(patterns))
}

/// The same by enumeration up to [`EXACT_LIMIT`] differences, else by [`RANDOM_FLIPS`] patterns from
/// `ChaCha8Rng` with this seed (the observed pattern counted in).
pub fn sign_flip(differences: &[f64], seed: u64) -> Option<f64> {
    if differences.len() <= EXACT_LIMIT {
        return sign_flip_exact(differences);
    }
    if differences.iter().any(|d| !d.is_finite()) {
        return None;
    }
    let threshold = threshold(differences);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut extreme = 1u32;
    for _ in 0..RANDOM_FLIPS {
        extreme += u32::from(random_sum(differences, &mut rng).abs() >= threshold);
    }
    Some(f64::from(extreme) / f64::from(RANDOM_FLIPS + 1))
}

fn random_sum(differences: &[f64], rng: &mut impl Rng) -> f64 {
    let mut sum = 0.0;
    for chunk in differences.chunks(64) {
        let mut bits: u64 = rng.random();
        for d in chunk {
            sum += if bits & 1 == 1 { -d } else { *d };
            bits >>= 1;
        }
    }
    sum
}

/// |sum| less the rounding of another order of summation, so that equal sums count as equal.
fn threshold(differences: &[f64]) -> f64 {
    let scale: f64 = differences.iter().map(|d| d.abs()).sum();
    differences.iter().sum::<f64>().abs() - 1e-12 * scale
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_agree() {
        assert_eq!(sign_flip_exact(&[1.0, 2.0, 3.0, 4.0]), Some(2.0 / 16.0));
        assert_eq!(sign_flip_exact(&[0.0, 0.0]), Some(1.0));
        assert_eq!(sign_flip_exact(&[]), None);
    }

    #[test]
    fn random_flips_are_close_and_repeatable() {
        let d: Vec<f64> = (0..21).map(|i| f64::from((i * 13) % 7) - 2.2).collect();
        let first = sign_flip(&d, 1).unwrap();
        assert_eq!(first, sign_flip(&d, 1).unwrap());
        let exact_of_20 = sign_flip(&d[..20], 1).unwrap();
        assert_eq!(Some(exact_of_20), sign_flip_exact(&d[..20]));
        assert!(first > 0.0 && first <= 1.0);
    }
}
