//! Requests inside one run: dependent, heavy-tailed, with stalls.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Poisson};

use super::scenarios::{exponential, normal};

/// The process of section 13.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Process {
    /// Requests.
    pub n: usize,
    /// Autocorrelation of neighbouring requests.
    pub phi: f64,
    /// Expected stalls.
    pub stalls: f64,
}

impl Process {
    /// Autocorrelation 0.9 and two stalls per 20,000 requests.
    pub fn standard(n: usize) -> Self {
        Self {
            n,
            phi: 0.9,
            stalls: 2.0 * n as f64 / 20_000.0,
        }
    }

    /// Latencies of one run in time order, times exp(`shift`).
    pub fn run(&self, shift: f64, rng: &mut impl Rng) -> Vec<f64> {
        let scale = shift.exp();
        let step = (1.0 - self.phi * self.phi).sqrt();
        let mut z = normal(rng);
        let mut x: Vec<f64> = (0..self.n)
            .map(|_| {
                let mut latency = (0.5 * z).exp();
                z = self.phi * z + step * normal(rng);
                if rng.random_bool(0.03) {
                    // Gamma(2, 1) is the sum of two exponentials.
                    latency += exponential(rng) + exponential(rng);
                }
                latency
            })
            .collect();
        for _ in 0..self.stall_count(rng) {
            let (at, height) = (rng.random_range(0..self.n.max(1)), 10.0 * exponential(rng));
            for (i, latency) in x[at..].iter_mut().take(50).enumerate() {
                *latency += height * (1.0 - i as f64 / 49.0);
            }
        }
        x.iter_mut().for_each(|latency| *latency *= scale);
        x
    }

    fn stall_count(&self, rng: &mut impl Rng) -> u64 {
        // No stalls, or a rate that the distribution refuses: none.
        Poisson::new(self.stalls).map_or(0, |poisson| poisson.sample(rng) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::rng;

    #[test]
    fn stalls_make_the_tail_longer() {
        let tail = |stalls| {
            let process = Process {
                n: 20_000,
                phi: 0.9,
                stalls,
            };
            let mut x = process.run(0.0, &mut rng(3, 0, 0));
            x.sort_unstable_by(f64::total_cmp);
            x[19_990]
        };
        assert!(tail(20.0) > tail(0.0));
        assert!(
            Process {
                n: 0,
                phi: 0.9,
                stalls: 0.0
            }
            .run(0.0, &mut rng(3, 0, 0))
            .is_empty()
        );
    }
}
