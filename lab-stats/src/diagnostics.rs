//! Diagnostics over repetitions and over the seconds of one run: they flag, they never delete.

use std::collections::BTreeMap;

use crate::{
    outlier::{MAD_SCALE, SCALE_FLOOR, mad_scores},
    quantile::median,
    series::acf,
};

/// One repetition on the log scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Index of the target.
    pub target: usize,
    /// Block id.
    pub block: u64,
    /// Log of the value.
    pub log: f64,
}

/// r = y - block median - target median, in the order given.
///
/// The block median is taken of values already centred by target: taken of raw values, it would jump from
/// one target's level to another's whenever a repetition changes their order. A single target has no block
/// effect to take out.
pub fn residuals(cells: &[Cell]) -> Vec<f64> {
    let raw: Vec<f64> = cells.iter().map(|cell| cell.log).collect();
    let centred = without_medians(&raw, cells, |cell| cell.target);
    if cells.iter().all(|cell| cell.target == cells[0].target) {
        return centred;
    }
    let without_blocks = without_medians(&centred, cells, |cell| cell.block);
    without_medians(&without_blocks, cells, |cell| cell.target)
}

fn without_medians<K: Ord>(values: &[f64], cells: &[Cell], group: impl Fn(&Cell) -> K) -> Vec<f64> {
    let medians = medians(
        cells
            .iter()
            .zip(values)
            .map(|(cell, &value)| (group(cell), value)),
    );
    cells
        .iter()
        .zip(values)
        .map(|(cell, value)| value - medians[&group(cell)])
        .collect()
}

fn medians<K: Ord>(values: impl Iterator<Item = (K, f64)>) -> BTreeMap<K, f64> {
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for (key, value) in values {
        groups.entry(key).or_default().push(value);
    }
    groups
        .into_iter()
        .filter_map(|(key, group)| Some((key, median(&group)?)))
        .collect()
}

/// Robust z of one target's residuals; empty if there are none.
pub fn outlier_scores(residuals: &[f64]) -> Vec<f64> {
    mad_scores(residuals, MAD_SCALE, SCALE_FLOOR).map_or_else(Vec::new, |scores| scores.z)
}

/// "Two modes?": the largest gap between sorted residuals is above 3 times the median gap, with at least
/// three runs on each side. A heuristic, not calibrated.
pub fn two_modes(residuals: &[f64]) -> bool {
    let mut sorted = residuals.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let gaps: Vec<f64> = sorted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let Some(usual) = median(&gaps) else {
        return false;
    };
    let Some((place, largest)) = gaps
        .iter()
        .copied()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
    else {
        return false;
    };
    largest > 3.0 * usual && place >= 2 && sorted.len() - place >= 4
}

/// Lag-1 autocorrelation of paired differences in block order, if it is beyond 2/sqrt(R).
pub fn drift(differences: &[f64]) -> Option<f64> {
    let rho = acf(differences, 1)[1]?;
    (rho.abs() > 2.0 / (differences.len() as f64).sqrt()).then_some(rho)
}

/// Mean residual by slot, in slot order: does the position inside a block matter?
pub fn position_effect(slots: &[u32], residuals: &[f64]) -> Vec<(u32, f64)> {
    let mut groups: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
    for (&slot, r) in slots.iter().zip(residuals) {
        let group = groups.entry(slot).or_default();
        group.0 += r;
        group.1 += 1;
    }
    groups
        .into_iter()
        .map(|(slot, (sum, n))| (slot, sum / n as f64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(rows: &[&[f64]]) -> Vec<Cell> {
        rows.iter()
            .enumerate()
            .flat_map(|(target, row)| {
                row.iter().enumerate().map(move |(b, &log)| Cell {
                    target,
                    block: b as u64,
                    log,
                })
            })
            .collect()
    }

    #[test]
    fn block_and_target_effects_are_taken_out() {
        // Three targets, five blocks: additive effects, one odd repetition.
        let block = [0.0, 0.3, -0.2, 0.1, 0.5];
        let row = |target: f64| block.map(|b| b + target);
        let (a, b, mut c) = (row(1.0), row(2.0), row(3.0));
        c[3] += 0.4;
        let r = residuals(&cells(&[&a, &b, &c]));
        let odd: Vec<usize> = (0..15).filter(|&i| r[i].abs() > 1e-9).collect();
        assert_eq!(odd, [13]);
        assert!((r[13] - 0.4).abs() < 1e-12);
        assert!(outlier_scores(&r[10..])[3] > 5.0);
    }

    #[test]
    fn one_target_keeps_its_own_spread() {
        let r = residuals(&cells(&[&[1.0, 2.0, 4.0]]));
        assert_eq!(r, [-1.0, 0.0, 2.0]);
    }

    #[test]
    fn modes_need_three_runs_on_each_side() {
        assert!(two_modes(&[0.0, 0.01, 0.02, 0.5, 0.51, 0.52]));
        assert!(!two_modes(&[0.0, 0.01, 0.02, 0.03, 0.5, 0.51]));
        assert!(!two_modes(&[]));
    }

    #[test]
    fn trends_drift() {
        let trend: Vec<f64> = (0..12).map(f64::from).collect();
        assert!(drift(&trend).is_some());
        assert_eq!(drift(&[0.1, -0.1, 0.1]), None);
    }

    #[test]
    fn slots_are_averaged() {
        assert_eq!(
            position_effect(&[1, 0, 1], &[0.2, -0.1, 0.4]),
            vec![(0, -0.1), (1, 0.30000000000000004)]
        );
    }
}
