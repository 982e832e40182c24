//! The calibration checks of section 13.1: the method proves its own error rates.

use serde::{Deserialize, Serialize};

use super::{
    experiments::{
        Experiment, coverage, difference, equivalence, family_error, flag_rate, peeking, yes,
    },
    in_parallel, naive, rng,
    scenarios::Scenario,
};
use Scenario::{S1, S2, S3, S4, S5, S6, S7};

/// From here on the ranges hold as they stand; below, they are widened by the Monte-Carlo error.
pub const FULL: usize = 4000;

/// One line of the calibration: a rate (fraction) and where it must lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckLine {
    /// What was tried.
    pub name: String,
    /// The rate found.
    pub value: f64,
    /// Its Monte-Carlo standard error.
    pub mcse: f64,
    /// Lowest rate allowed (widened if the form is short).
    pub low: f64,
    /// Highest rate allowed.
    pub high: f64,
    /// Whether it lies there.
    pub ok: bool,
    /// Experiments made.
    pub experiments: usize,
}

/// A check: one experiment gives yes or no (or a share of yes).
struct Check {
    name: String,
    range: [f64; 2],
    /// Share of the experiments asked for: some are slow.
    share: f64,
    experiment: Experiment,
}

/// Runs every check with this many experiments each, over all processors. The result depends on the
/// seed alone, not on the number of threads.
pub fn calibrate(experiments: usize, seed: u64) -> Vec<CheckLine> {
    checks()
        .into_iter()
        .enumerate()
        .map(|(line, check)| {
            let n = ((experiments as f64 * check.share) as usize).max(10);
            let rates = in_parallel(n, |i| {
                (check.experiment)(&mut rng(seed, line as u64, i as u64))
            });
            finish(check, &rates, experiments < FULL)
        })
        .collect()
}

fn finish(check: Check, rates: &[f64], short: bool) -> CheckLine {
    let n = rates.len();
    let value = rates.iter().sum::<f64>() / n as f64;
    // Three standard errors at the bound itself: a right method fails a short line once in 700 times.
    let slack = |bound: f64| {
        if short {
            3.0 * naive::standard_error(bound.clamp(0.002, 0.998), n)
        } else {
            0.0
        }
    };
    let [low, high] = check.range;
    let (low, high) = ((low - slack(low)).max(0.0), (high + slack(high)).min(1.0));
    let ok = (low..=high).contains(&value);
    CheckLine {
        name: check.name,
        value,
        mcse: naive::standard_error(value, n),
        low,
        high,
        ok,
        experiments: n,
    }
}

fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name: String, range: [f64; 2], experiment: Experiment| {
        checks.push(Check {
            name,
            range,
            share: 1.0,
            experiment,
        });
    };
    let fair = [S1, S2, S3, S4, S5, S7];
    for (r, range) in [
        (7, [0.035, 0.065]),
        (8, [0.028, 0.052]),
        (9, [0.028, 0.052]),
        (10, [0.035, 0.065]),
        (20, [0.035, 0.065]),
    ] {
        for s in fair {
            add(
                format!("signed-rank type I, m=1, R={r}, {s:?}"),
                range,
                difference(s, r, 0.0),
            );
        }
    }
    for s in [S1, S2, S3, S4, S5, S6, S7] {
        add(
            format!("95% CI coverage of the pseudomedian, R=10, {s:?}"),
            [0.935, 0.965],
            coverage(s),
        );
    }
    for r in [3, 5] {
        for s in [S1, S2, S4, S7, S3, S5] {
            let range = if matches!(s, S3 | S5) {
                [0.02, 0.06]
            } else {
                [0.035, 0.065]
            };
            add(
                format!("t fallback type I, m=1, R={r}, {s:?}"),
                range,
                difference(s, r, 0.0),
            );
        }
    }
    for m in [3, 6] {
        for r in [5, 10, 20] {
            for s in fair {
                add(
                    format!("Holm family error, K=4, m={m}, R={r}, {s:?}"),
                    [0.0, 0.065],
                    family_error(s, m, r),
                );
            }
        }
    }
    for (s, power) in [(S1, 0.96), (S2, 0.81), (S3, 0.60), (S4, 0.53), (S5, 0.82)] {
        let range = [power - 0.03, power + 0.03];
        add(
            format!("power at ratio 1.05, m=1, R=10, {s:?}"),
            range,
            difference(s, 10, 1.05_f64.ln()),
        );
    }
    for s in [S1, S2, S3, S4, S5] {
        add(
            format!("equivalence at the margin by t, R=10, {s:?}"),
            [0.0, 0.065],
            equivalence(s, false),
        );
        add(
            format!("equivalence at the margin by signed-rank, R=10, {s:?}"),
            [0.0, 0.065],
            equivalence(s, true),
        );
    }
    add(
        "known limit: mean-zero null in S6, R=10".to_owned(),
        [0.055, 0.09],
        difference(S6, 10, 0.0),
    );
    for (s, range) in [
        (S1, [0.003, 0.012]),
        (S2, [0.005, 0.015]),
        (S3, [0.05, 0.066]),
        (S4, [0.003, 0.012]),
        (S5, [0.014, 0.024]),
    ] {
        add(
            format!("outlier flags per run, K=4, R=10, {s:?}"),
            range,
            flag_rate(s),
        );
    }
    add(
        "negative control: peeking with signed-rank, R=6..30".to_owned(),
        [0.16, 0.22],
        Box::new(peeking),
    );
    checks.push(Check {
        name: "negative control: Mann-Whitney on pooled requests, A/A, R=10, run sd 3%".to_owned(),
        range: [0.55, 1.0],
        share: 0.05,
        experiment: Box::new(|rng| yes(naive::pooled_requests_differ(10, 0.03, rng))),
    });
    checks
}
