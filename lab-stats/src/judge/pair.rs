//! The data of one pair at one metric: which runs belong together, and what is missing.

use std::collections::BTreeMap;

use crate::{
    judge::{
        data::Data,
        estimate::{self, Estimate, Levels},
    },
    metric::Metric,
    moments::{logs, mean, sd},
    report::Interval,
    t_test::LogT,
};

/// Values of one pair, matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Values of a; with blocks, element i of both sides is the same block.
    pub a: Vec<f64>,
    /// Values of b.
    pub b: Vec<f64>,
    /// Block ids in order; `None` if the data has no blocks.
    pub blocks: Option<Vec<u64>>,
    /// Blocks of the session that this pair lost.
    pub lost: usize,
    /// Blocks of the session.
    pub of: usize,
}

impl Pair {
    /// Matches the valid runs of a and b by block id, or takes them unpaired if a run has none.
    pub fn of(data: &Data, metric: &Metric, a: &str, b: &str) -> Self {
        let (runs_a, runs_b) = (data.values(a, metric.name), data.values(b, metric.name));
        let blockless = runs_a
            .iter()
            .chain(&runs_b)
            .any(|(run, _)| run.block.is_none());
        if blockless {
            let values = |runs: &[(_, f64)]| runs.iter().map(|(_, value)| *value).collect();
            return Self {
                a: values(&runs_a),
                b: values(&runs_b),
                blocks: None,
                lost: 0,
                of: 0,
            };
        }
        let by_block: BTreeMap<u64, f64> = runs_b
            .iter()
            .filter_map(|(run, value)| Some((run.block?, *value)))
            .collect();
        let (mut pair_a, mut pair_b, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
        for (run, value) in &runs_a {
            if let Some((block, other)) = run
                .block
                .and_then(|block| Some((block, *by_block.get(&block)?)))
            {
                pair_a.push(*value);
                pair_b.push(other);
                blocks.push(block);
            }
        }
        let of = data.blocks.len();
        Self {
            lost: of - blocks.len(),
            of,
            a: pair_a,
            b: pair_b,
            blocks: Some(blocks),
        }
    }

    /// The pair without some blocks.
    pub fn without(&self, dropped: &[u64]) -> Self {
        let Some(blocks) = &self.blocks else {
            return self.clone();
        };
        let keep: Vec<usize> = (0..blocks.len())
            .filter(|&i| !dropped.contains(&blocks[i]))
            .collect();
        let pick = |values: &[f64]| keep.iter().map(|&i| values[i]).collect();
        Self {
            a: pick(&self.a),
            b: pick(&self.b),
            blocks: Some(keep.iter().map(|&i| blocks[i]).collect()),
            ..*self
        }
    }

    /// Complete pairs, or the smaller group.
    pub fn repetitions(&self) -> usize {
        self.a.len().min(self.b.len())
    }

    /// Paired differences of logs, in block order; `None` without blocks or where a log is undefined.
    pub fn log_differences(&self) -> Option<Vec<f64>> {
        self.blocks.as_ref()?;
        Some(
            logs(&self.a)?
                .iter()
                .zip(logs(&self.b)?)
                .map(|(a, b)| a - b)
                .collect(),
        )
    }

    /// Whether a value is 0 or below, so that no ratio exists.
    pub fn has_no_logs(&self) -> bool {
        self.a.iter().chain(&self.b).any(|&x| x <= 0.0)
    }

    /// The statistics of the ratio a / b; `None` without data or logs.
    pub fn estimate(&self, levels: &Levels) -> Option<Estimate> {
        match &self.blocks {
            Some(_) => estimate::paired(&self.log_differences()?, levels),
            None => estimate::unpaired(&logs(&self.a)?, &logs(&self.b)?, levels, 0.0),
        }
    }

    /// Mean difference a - b in the metric's unit, with its t interval.
    pub fn difference(&self, alpha: f64) -> Option<(f64, Option<Interval>)> {
        if self.blocks.is_some() {
            let t = LogT::of_differences(&self.differences())?;
            return Some((t.difference, t.interval(alpha)));
        }
        // Welch's formula does not care what the values are.
        let t = LogT::welch_of_logs(&self.b, &self.a, 0.0)?;
        Some((t.difference, t.interval(alpha)))
    }

    /// Paired differences a - b.
    pub fn differences(&self) -> Vec<f64> {
        self.a.iter().zip(&self.b).map(|(a, b)| a - b).collect()
    }

    /// Standard deviation of the log ratio, for planning.
    pub fn sd(&self) -> Option<f64> {
        sd(&self.log_differences()?)
    }

    /// Means of both sides.
    pub fn means(&self) -> Option<(f64, f64)> {
        mean(&self.a).zip(mean(&self.b))
    }
}
