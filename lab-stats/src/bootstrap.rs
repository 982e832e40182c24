//! Bootstrap BCa interval of the mean: for display only, never for verdicts.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    dist::{normal_cdf, normal_quantile},
    moments::{all_identical, mean},
    quantile::quantile_sorted,
};

/// Resamples that keep the ends within a few hundredths of a standard error.
pub const RESAMPLES: usize = 100_000;

/// BCa interval of the mean at confidence 1 - `alpha`, from `resamples` drawn by `ChaCha8Rng` with this
/// seed. `None` below two values, without spread, or if a value is not finite.
pub fn bca_mean(values: &[f64], alpha: f64, resamples: usize, seed: u64) -> Option<[f64; 2]> {
    let n = values.len();
    if n < 2 || resamples == 0 || all_identical(values) || values.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let observed = mean(values)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let below = means.partition_point(|m| *m < observed);
    let bias = normal_quantile(below as f64 / resamples as f64)?;
    let acceleration = acceleration(values, observed)?;
    let level = |p: f64| {
        let z = bias + normal_quantile(p)?;
        Some(normal_cdf(bias + z / (1.0 - acceleration * z)))
    };
    Some([
        quantile_sorted(&means, level(alpha / 2.0)?)?,
        quantile_sorted(&means, level(1.0 - alpha / 2.0)?)?,
    ])
}

/// Skewness of the jackknife values of the mean, over 6.
fn acceleration(values: &[f64], observed: f64) -> Option<f64> {
    let n = values.len() as f64;
    // Leaving x out moves the mean by (mean - x) / (n - 1); their own mean is the mean.
    let moves = values.iter().map(|x| (x - observed) / (n - 1.0));
    let (squares, cubes) = moves.fold((0.0, 0.0), |(s, c), m| (s + m * m, c + m * m * m));
    (squares > 0.0).then(|| cubes / (6.0 * squares.powf(1.5)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn repeatable_and_undefined_without_spread() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(
            bca_mean(&values, 0.05, 1000, 7),
            bca_mean(&values, 0.05, 1000, 7)
        );
        assert_eq!(bca_mean(&[3.0; 5], 0.05, 1000, 7), None);
        assert_eq!(bca_mean(&[1.0], 0.05, 1000, 7), None);
    }
}
