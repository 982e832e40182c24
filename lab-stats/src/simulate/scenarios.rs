//! Sessions S1 to S7 on the log scale.

use rand::{Rng, RngExt, seq::SliceRandom};
use rand_distr::{Exp1, StandardNormal};

/// A kind of host noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Calm.
    S1,
    /// Drift between blocks.
    S2,
    /// One run in twenty is contaminated.
    S3,
    /// Two modes.
    S4,
    /// Skewed.
    S5,
    /// Targets with differently shaped noise.
    S6,
    /// Drift from slot to slot.
    S7,
}

/// Noise of the log of p99 inside a run.
pub const P99_NOISE: f64 = 0.015;
/// True pseudomedian of the paired difference in S6 when the means are equal.
pub const S6_PSEUDOMEDIAN: f64 = -0.0073;

/// Logs of one session, `[target][block]`; target 0 is A. All targets are equal in the mean.
pub fn session(
    scenario: Scenario,
    targets: usize,
    blocks: usize,
    rng: &mut impl Rng,
) -> Vec<Vec<f64>> {
    let block_sd = match scenario {
        Scenario::S1 => 0.01,
        Scenario::S2 => 0.10,
        Scenario::S7 => 0.0,
        _ => 0.03,
    };
    let beta = autoregressive(blocks, 0.7, block_sd, rng);
    let slots = autoregressive(blocks * targets, 0.8, 0.04, rng);
    let mut logs = vec![vec![0.0; blocks]; targets];
    let mut order: Vec<usize> = (0..targets).collect();
    for block in 0..blocks {
        order.shuffle(rng);
        for (slot, &target) in order.iter().enumerate() {
            let mut y = beta[block] + error(scenario, target, rng) + P99_NOISE * normal(rng);
            if scenario == Scenario::S7 {
                y += slots[block * targets + slot];
            }
            logs[target][block] = y;
        }
    }
    logs
}

/// The difference of two targets' logs, block by block: `b` minus `a`.
pub fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| b - a).collect()
}

fn error(scenario: Scenario, target: usize, rng: &mut impl Rng) -> f64 {
    match scenario {
        Scenario::S1 => 0.02 * normal(rng),
        Scenario::S2 => 0.03 * normal(rng),
        Scenario::S3 => {
            let bad = if rng.random_bool(0.05) {
                rng.random_range(0.2..0.7)
            } else {
                0.0
            };
            0.02 * normal(rng) + bad
        }
        Scenario::S4 => 0.015 * normal(rng) + if rng.random_bool(0.5) { 0.08 } else { 0.0 },
        Scenario::S5 => 0.03 * (exponential(rng) - 1.0),
        Scenario::S6 if target == 0 => 0.02 * normal(rng),
        Scenario::S6 => 0.06 * (exponential(rng) - 1.0),
        Scenario::S7 => 0.01 * normal(rng),
    }
}

/// A stationary AR(1) series with this standard deviation.
pub fn autoregressive(n: usize, phi: f64, sd: f64, rng: &mut impl Rng) -> Vec<f64> {
    let step = sd * (1.0_f64 - phi * phi).sqrt();
    let mut x = sd * normal(rng);
    (0..n)
        .map(|_| {
            let now = x;
            x = phi * x + step * normal(rng);
            now
        })
        .collect()
}

pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

pub(crate) fn exponential(rng: &mut impl Rng) -> f64 {
    rng.sample(Exp1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{moments::sd, simulate::rng};

    #[test]
    fn same_seed_same_session() {
        let draw = |seed| session(Scenario::S7, 3, 10, &mut rng(seed, 0, 0));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn series_have_the_spread_they_should() {
        let series = autoregressive(20_000, 0.7, 0.1, &mut rng(1, 1, 1));
        assert!((sd(&series).unwrap_or(0.0) - 0.1).abs() < 0.01);
    }
}
