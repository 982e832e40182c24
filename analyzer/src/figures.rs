//! The figures of one repetition, from its raw requests.

use std::collections::BTreeMap;

use lab_stats::error::SampleError;
use lab_stats::seconds::Seconds;
use lab_stats::summary::RunSummary;

use crate::samples::Measured;

/// Probabilities of the quantile plot: evenly spaced in nines, from the median's left to p99.99.
pub const CURVE: [f64; 17] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 0.684, 0.8, 0.9, 0.937, 0.96, 0.975, 0.984, 0.99, 0.9937, 0.9975,
    0.999, 0.9997,
];

/// What is kept of the raw requests of one repetition.
#[derive(Debug, Clone)]
pub struct Figures {
    /// All endpoints together.
    pub summary: RunSummary,
    /// By endpoint.
    pub endpoints: BTreeMap<String, RunSummary>,
    /// Second by second.
    pub seconds: Seconds,
    /// Latency in ms at the probabilities of [`CURVE`]; empty without good answers.
    pub curve: Vec<f64>,
}

impl Figures {
    /// Computes them; the sorted durations are for what needs several repetitions.
    ///
    /// # Errors
    /// A negative duration.
    pub fn of(measured: &Measured) -> Result<(Self, Sorted), SampleError> {
        let summary = RunSummary::of(&measured.started_at, &measured.duration, &measured.failed)?;
        let mut endpoints = BTreeMap::new();
        for (id, name) in (0..).zip(&measured.endpoints) {
            let own = measured.of_endpoint(id);
            endpoints.insert(
                name.clone(),
                RunSummary::of(&own.started_at, &own.duration, &own.failed)?,
            );
        }
        let seconds = Seconds::of(&measured.started_at, &measured.duration, &measured.failed);
        let sorted = Sorted::of(measured.good());
        let curve = CURVE.iter().filter_map(|p| sorted.quantile(*p));
        Ok((
            Self {
                summary,
                endpoints,
                seconds,
                curve: curve.map(|ns| ns / 1e6).collect(),
            },
            sorted,
        ))
    }
}

/// Good durations of one repetition in ns, sorted.
#[derive(Debug, Clone, Default)]
pub struct Sorted(Vec<i64>);

impl Sorted {
    /// Sorts.
    pub fn of(mut durations: Vec<i64>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// Type 7.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        type_7(self.0.len(), p, |i| self.0[i])
    }

    fn up_to(&self, value: i64) -> usize {
        self.0.partition_point(|d| *d <= value)
    }
}

/// Percentiles over all requests of several repetitions: descriptive, without an interval. The repetitions are not put
/// together: the k-th value of all is found by counting in each.
pub fn pooled(repetitions: &[Sorted]) -> BTreeMap<String, f64> {
    let n = repetitions.iter().map(|r| r.0.len()).sum();
    let least = repetitions.iter().filter_map(|r| r.0.first()).min();
    let most = repetitions.iter().filter_map(|r| r.0.last()).max();
    let (Some(least), Some(most)) = (least, most) else {
        return BTreeMap::new();
    };
    let at = |k: usize| {
        let (mut low, mut high) = (*least, *most);
        while low < high {
            let middle = low + (high - low) / 2;
            let counted: usize = repetitions.iter().map(|r| r.up_to(middle)).sum();
            if counted > k {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    };
    lab_stats::summary::PERCENTILES
        .iter()
        .filter_map(|(name, p)| Some(((*name).to_owned(), type_7(n, *p, at)? / 1e6)))
        .collect()
}

/// Type 7 of n sorted values of which `at` gives the i-th, as lab-stats computes it.
fn type_7(n: usize, p: f64, at: impl Fn(usize) -> i64) -> Option<f64> {
    let h = p * n.checked_sub(1)? as f64;
    let (low, high) = (h.floor(), h.ceil());
    let (a, b) = (at(low as usize) as f64, at(high as usize) as f64);
    Some(a + (b - a) * (h - low))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_lab_stats() {
        let runs: Vec<Vec<i64>> = (1..6)
            .map(|r| {
                (0..r * 97)
                    .map(|i| (i * 7919 + r) % 1009 * 1000 + i % 3)
                    .collect()
            })
            .collect();
        let mut all: Vec<f64> = runs.iter().flatten().map(|d| *d as f64).collect();
        all.sort_unstable_by(f64::total_cmp);
        let sorted: Vec<Sorted> = runs.into_iter().map(Sorted::of).collect();
        let found = pooled(&sorted);
        for (name, p) in lab_stats::summary::PERCENTILES {
            let want = lab_stats::quantile::quantile_sorted(&all, p).unwrap() / 1e6;
            assert!((found[name] - want).abs() < 1e-12, "{name}");
        }
        assert!(pooled(&[]).is_empty() && pooled(&[Sorted::default()]).is_empty());
        assert_eq!(Sorted::of(vec![3]).quantile(0.99), Some(3.0));
    }
}
