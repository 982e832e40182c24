//! What goes wrong when requests are taken for repetitions: the common methods beside ours, on the
//! same simulated A/A sessions. Shown in docs/METHODOLOGY.md; used for nothing else.

use rand::Rng;
use rand_distr::{Beta, Distribution};

use super::{in_parallel, requests::Process, rng, scenarios};
use crate::{
    dist::normal_cdf,
    judge::estimate::{Levels, paired},
    moments::{mean, sd},
    quantile::quantile_sorted,
};

/// False "different" rates of one setting, as fractions.
#[derive(Debug, Clone, PartialEq)]
pub struct NaiveRow {
    /// Runs per target.
    pub repetitions: usize,
    /// Run-to-run standard deviation of the log.
    pub run_sd: f64,
    /// Experiments.
    pub experiments: usize,
    /// Mann-Whitney on all requests.
    pub pooled_mann_whitney: f64,
    /// Bootstrap interval of the ratio of p99 over all requests.
    pub pooled_bootstrap_p99: f64,
    /// Mean +- t of all requests, on logs.
    pub pooled_t: f64,
    /// The method of this crate: one p99 per run, paired by block.
    pub ours: f64,
}

/// A/A experiments with 20,000 requests a run and a block standard deviation of 5%.
pub fn row(repetitions: usize, run_sd: f64, experiments: usize, seed: u64) -> NaiveRow {
    let hits = in_parallel(experiments, |i| {
        experiment(repetitions, run_sd, &mut rng(seed, 1000, i as u64))
    });
    let rate = |method: usize| {
        hits.iter().filter(|hit| hit[method]).count() as f64 / experiments.max(1) as f64
    };
    NaiveRow {
        repetitions,
        run_sd,
        experiments,
        pooled_mann_whitney: rate(0),
        pooled_bootstrap_p99: rate(1),
        pooled_t: rate(2),
        ours: rate(3),
    }
}

/// Monte-Carlo standard error of a rate.
pub fn standard_error(rate: f64, experiments: usize) -> f64 {
    (rate * (1.0 - rate) / experiments.max(1) as f64).sqrt()
}

/// One A/A experiment: does Mann-Whitney on all requests call equal targets different?
pub fn pooled_requests_differ(repetitions: usize, run_sd: f64, rng: &mut impl Rng) -> bool {
    let process = Process::standard(20_000);
    let mut pooled = [Vec::new(), Vec::new()];
    for block in scenarios::autoregressive(repetitions, 0.7, 0.05, rng) {
        for target in &mut pooled {
            target.extend(process.run(block + run_sd * scenarios::normal(rng), rng));
        }
    }
    pooled
        .iter_mut()
        .for_each(|all| all.sort_unstable_by(f64::total_cmp));
    pooled_mann_whitney(&pooled[0], &pooled[1]) < 0.05
}

fn experiment(repetitions: usize, run_sd: f64, rng: &mut impl Rng) -> [bool; 4] {
    let process = Process::standard(20_000);
    let beta = scenarios::autoregressive(repetitions, 0.7, 0.05, rng);
    let mut pooled = [Vec::new(), Vec::new()];
    let mut logs = [Vec::new(), Vec::new()];
    for block in beta {
        for target in 0..2 {
            let mut run = process.run(block + run_sd * scenarios::normal(rng), rng);
            pooled[target].extend_from_slice(&run);
            run.sort_unstable_by(f64::total_cmp);
            logs[target].push(quantile_sorted(&run, 0.99).unwrap_or(f64::NAN).ln());
        }
    }
    let ours = paired(
        &scenarios::differences(&logs[0], &logs[1]),
        &Levels {
            alpha: 0.05,
            family: 1,
            margin: 0.05,
        },
    );
    let [mut x, mut y] = pooled;
    let t = pooled_t(&x, &y);
    x.sort_unstable_by(f64::total_cmp);
    y.sort_unstable_by(f64::total_cmp);
    [
        pooled_mann_whitney(&x, &y) < 0.05,
        bootstrap_excludes_one(&x, &y, rng),
        t < 0.05,
        ours.is_some_and(|estimate| estimate.differs(estimate.p, 0.05)),
    ]
}

/// p by the normal approximation, for sorted samples without ties.
pub fn pooled_mann_whitney(x: &[f64], y: &[f64]) -> f64 {
    let mut below = 0;
    let mut u = 0.0;
    for value in x {
        while below < y.len() && y[below] < *value {
            below += 1;
        }
        u += below as f64;
    }
    let (n, m) = (x.len() as f64, y.len() as f64);
    let z = (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    2.0 * normal_cdf(-z.abs())
}

/// Percentile bootstrap (1,000 resamples) of the log ratio of p99, for sorted samples.
fn bootstrap_excludes_one(x: &[f64], y: &[f64], rng: &mut impl Rng) -> bool {
    let mut ratios: Vec<f64> = (0..1000)
        .map(|_| resampled_p99(y, rng).ln() - resampled_p99(x, rng).ln())
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let end = |p| quantile_sorted(&ratios, p).unwrap_or(0.0);
    end(0.025) > 0.0 || end(0.975) < 0.0
}

/// The p99 of one resample of n out of n. An order statistic of a resample is the sample's value at an
/// order statistic of n uniforms, which is a Beta variable: no resample has to be drawn.
fn resampled_p99(sorted: &[f64], rng: &mut impl Rng) -> f64 {
    let n = sorted.len();
    let k = (0.99 * (n - 1) as f64).round() + 1.0;
    let place = Beta::new(k, n as f64 + 1.0 - k).map_or(0.99, |beta| beta.sample(rng));
    sorted[((place * n as f64) as usize).min(n - 1)]
}

/// p of the two-sample t test on the logs of all requests.
fn pooled_t(x: &[f64], y: &[f64]) -> f64 {
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<_>>();
    let (x, y) = (logs(x), logs(y));
    let part = |values: &[f64]| {
        let sd = sd(values).unwrap_or(f64::NAN);
        (
            mean(values).unwrap_or(f64::NAN),
            sd * sd / values.len() as f64,
        )
    };
    let ((mean_x, var_x), (mean_y, var_y)) = (part(&x), part(&y));
    2.0 * normal_cdf(-((mean_x - mean_y) / (var_x + var_y).sqrt()).abs())
}
