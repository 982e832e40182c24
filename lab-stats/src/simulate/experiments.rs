//! Single simulated experiments: each answers 1 (it happened), 0, or a share.

use rand_chacha::ChaCha8Rng;

use super::scenarios::{S6_PSEUDOMEDIAN, Scenario, differences, session};
use crate::{
    diagnostics,
    equivalence::Tost,
    hodges_lehmann::hodges_lehmann,
    judge::estimate::{Levels, paired},
    multiplicity::holm_in_family,
    outlier::CUT,
    signed_rank::signed_rank,
    t_test::LogT,
};
use Scenario::{S1, S6};

const ALPHA: f64 = 0.05;

/// One experiment.
pub(super) type Experiment = Box<dyn Fn(&mut ChaCha8Rng) -> f64 + Sync>;

pub(super) fn yes(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn levels(family: usize) -> Levels {
    Levels {
        alpha: ALPHA,
        family,
        margin: 1.05_f64.ln(),
    }
}

/// Whether one pair is called different when target 1 is `shift` above target 0.
pub(super) fn difference(s: Scenario, r: usize, shift: f64) -> Experiment {
    Box::new(move |rng| {
        let y = session(s, 2, r, rng);
        let d: Vec<f64> = differences(&y[0], &y[1])
            .iter()
            .map(|d| d + shift)
            .collect();
        yes(paired(&d, &levels(1)).is_some_and(|e| e.differs(e.p, ALPHA)))
    })
}

pub(super) fn coverage(s: Scenario) -> Experiment {
    let truth = if s == S6 { S6_PSEUDOMEDIAN } else { 0.0 };
    Box::new(move |rng| {
        let y = session(s, 2, 10, rng);
        let ci = hodges_lehmann(&differences(&y[0], &y[1]), ALPHA).and_then(|hl| hl.interval);
        yes(ci.is_some_and(|ci| ci.low <= truth && truth <= ci.high))
    })
}

/// Whether any of m equal pairs is called different.
pub(super) fn family_error(s: Scenario, m: usize, r: usize) -> Experiment {
    Box::new(move |rng| {
        let y = session(s, 4, r, rng);
        let pairs: Vec<(usize, usize)> = (0..4)
            .flat_map(|i| (i + 1..4).map(move |j| (i, j)))
            .filter(|(i, _)| m == 6 || *i == 0)
            .collect();
        let estimates: Vec<_> = pairs
            .iter()
            .filter_map(|&(i, j)| paired(&differences(&y[i], &y[j]), &levels(m)))
            .collect();
        let p: Vec<f64> = estimates.iter().map(|e| e.p.unwrap_or(1.0)).collect();
        let adjusted = holm_in_family(&p, m);
        yes(estimates
            .iter()
            .zip(adjusted)
            .any(|(e, p)| e.differs(Some(p), ALPHA)))
    })
}

/// Whether a ratio of exactly the margin is called equivalent.
pub(super) fn equivalence(s: Scenario, by_rank: bool) -> Experiment {
    let margin = 1.05_f64.ln();
    Box::new(move |rng| {
        let y = session(s, 2, 10, rng);
        let d: Vec<f64> = differences(&y[0], &y[1])
            .iter()
            .map(|d| d + margin)
            .collect();
        let tost = if by_rank {
            Tost::by_signed_rank(&d, margin)
        } else {
            LogT::of_differences(&d).and_then(|t| Tost::by_t(&t, margin))
        };
        yes(tost.is_some_and(|tost| tost.p() < ALPHA))
    })
}

/// Share of good runs that are flagged as outliers.
pub(super) fn flag_rate(s: Scenario) -> Experiment {
    Box::new(move |rng| {
        let y = session(s, 4, 10, rng);
        let cells: Vec<_> = y
            .iter()
            .enumerate()
            .flat_map(|(target, row)| {
                row.iter()
                    .enumerate()
                    .map(move |(b, &log)| diagnostics::Cell {
                        target,
                        block: b as u64,
                        log,
                    })
            })
            .collect();
        let r = diagnostics::residuals(&cells);
        let flagged: usize = r
            .chunks(10)
            .map(|own| {
                diagnostics::outlier_scores(own)
                    .iter()
                    .filter(|z| z.abs() > CUT)
                    .count()
            })
            .sum();
        flagged as f64 / cells.len() as f64
    })
}

/// Whether a look after every run from 6 to 30 ever says "different".
pub(super) fn peeking(rng: &mut ChaCha8Rng) -> f64 {
    let y = session(S1, 2, 30, rng);
    let d = differences(&y[0], &y[1]);
    yes((6..=30).any(|r| signed_rank(&d[..r]).is_some_and(|test| test.p < ALPHA)))
}
