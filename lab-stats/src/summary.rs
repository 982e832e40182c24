//! From the raw requests of one repetition to its figures.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{error::SampleError, sorted::Sorted, support::PercentileSupport};

/// Name and probability of the percentiles of every summary.
pub const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
];

const NS_PER_MS: f64 = 1e6;
const NS_PER_S: f64 = 1e9;

/// Figures of the measured phase of one repetition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Requests, failed ones included.
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// `errors / requests`; `None` without requests.
    pub error_rate: Option<f64>,
    /// From the first start to the last completion, in seconds.
    pub seconds: f64,
    /// Good answers per second over that time; `None` if it is empty.
    pub throughput: Option<f64>,
    /// Latency of the good answers; `None` if there are none.
    pub latency: Option<Latency>,
    /// Latency of the failed requests, kept apart.
    pub failed_latency: Option<Latency>,
    /// Tail support of the percentiles of `latency`, by percentile name.
    pub support: BTreeMap<String, PercentileSupport>,
}

/// Latency figures, in ms; percentiles are of type 7.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Requests.
    pub n: u64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Longest.
    pub max: f64,
}

impl RunSummary {
    /// Summarises the measured phase: start times (ns), durations (ns) and failure marks, in time order.
    ///
    /// # Errors
    /// Columns of different lengths; a negative duration (with its row, counted from 1).
    pub fn of(started_at: &[i64], duration: &[i64], failed: &[bool]) -> Result<Self, SampleError> {
        Self::with_sorted(started_at, duration, failed).map(|(summary, _)| summary)
    }

    /// The same, and the durations of the good answers in order, for whatever else needs them.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with_sorted(
        started_at: &[i64],
        duration: &[i64],
        failed: &[bool],
    ) -> Result<(Self, Sorted), SampleError> {
        if started_at.len() != duration.len() || duration.len() != failed.len() {
            return Err(SampleError::Lengths {
                started_at: started_at.len(),
                duration: duration.len(),
                failed: failed.len(),
            });
        }
        if let Some(row) = duration.iter().position(|&d| d < 0) {
            return Err(SampleError::NegativeDuration {
                row: row + 1,
                duration: duration[row],
            });
        }
        let of = |wanted: bool| -> Vec<i64> {
            let rows = duration.iter().zip(failed);
            rows.filter(|(_, failed)| **failed == wanted)
                .map(|(duration, _)| *duration)
                .collect()
        };
        let bad = of(true);
        let good = if bad.is_empty() {
            Cow::Borrowed(duration)
        } else {
            Cow::Owned(of(false))
        };
        let first = started_at.iter().min().copied().unwrap_or(0);
        let last = started_at
            .iter()
            .zip(duration)
            .map(|(s, d)| s.saturating_add(*d))
            .max()
            .unwrap_or(0);
        let seconds = last.saturating_sub(first) as f64 / NS_PER_S;
        let requests = duration.len() as u64;
        let errors = bad.len() as u64;
        let sorted = Sorted::of(good.to_vec());
        let latency = Latency::of(&sorted);
        let summary = Self {
            requests,
            errors,
            error_rate: (requests > 0).then(|| errors as f64 / requests as f64),
            seconds,
            throughput: (seconds > 0.0).then(|| good.len() as f64 / seconds),
            latency,
            failed_latency: Latency::of(&Sorted::of(bad)),
            support: support(&sorted, &good),
        };
        Ok((summary, sorted))
    }

    /// The metrics of a [`crate::session::Repetition`]: percentiles, mean and max in ms, throughput in
    /// requests per second, error rate as a fraction. CPU per request comes from the receipt.
    pub fn metrics(&self) -> BTreeMap<String, Option<f64>> {
        let latency = |figure: fn(&Latency) -> f64| self.latency.as_ref().map(figure);
        [
            ("p50", latency(|l| l.p50)),
            ("p90", latency(|l| l.p90)),
            ("p95", latency(|l| l.p95)),
            ("p99", latency(|l| l.p99)),
            ("p999", latency(|l| l.p999)),
            ("mean", latency(|l| l.mean)),
            ("max", latency(|l| l.max)),
            ("throughput", self.throughput),
            ("error_rate", self.error_rate),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

impl Latency {
    fn of(sorted: &Sorted) -> Option<Self> {
        let ms = |p: f64| Some(sorted.quantile(p)? / NS_PER_MS);
        let durations = sorted.values();
        let longest = durations.last().copied().unwrap_or(0);
        // The sum of many long durations may pass 2^63 ns.
        let sum: i128 = if longest < i64::MAX / (durations.len() as i64).max(1) {
            i128::from(durations.iter().sum::<i64>())
        } else {
            durations.iter().map(|&d| i128::from(d)).sum()
        };
        let [p50, p90, p95, p99, p999] = PERCENTILES.map(|(_, p)| ms(p));
        Some(Self {
            n: durations.len() as u64,
            p50: p50?,
            p90: p90?,
            p95: p95?,
            p99: p99?,
            p999: p999?,
            mean: sum as f64 / durations.len() as f64 / NS_PER_MS,
            max: longest as f64 / NS_PER_MS,
        })
    }
}

/// Of the same durations in order and in time order.
fn support(sorted: &Sorted, in_time_order: &[i64]) -> BTreeMap<String, PercentileSupport> {
    let one = |(name, p): &(&str, f64)| {
        let q = sorted.quantile(*p)?;
        Some((
            (*name).to_owned(),
            PercentileSupport::of(in_time_order, q, *p),
        ))
    };
    PERCENTILES.iter().filter_map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::quantile::quantile;

    #[test]
    fn figures_of_a_small_run() {
        let started: Vec<i64> = (0..1000).map(|i| 1_000_000_000 + i * 1_000_000).collect();
        let duration: Vec<i64> = (0..1000)
            .map(|i| 1_000_000 + (i * 37 % 1000) * 1000)
            .collect();
        let mut failed = vec![false; 1000];
        failed[5] = true;
        let summary = RunSummary::of(&started, &duration, &failed).unwrap();
        assert_eq!((summary.requests, summary.errors), (1000, 1));
        assert_eq!(summary.error_rate, Some(0.001));
        let good: Vec<f64> = duration
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != 5)
            .map(|(_, d)| *d as f64 / 1e6)
            .collect();
        let latency = summary.latency.unwrap();
        assert_eq!(latency.n, 999);
        assert!((latency.p99 - quantile(&good, 0.99).unwrap()).abs() < 1e-12);
        assert!((latency.p999 - quantile(&good, 0.999).unwrap()).abs() < 1e-12);
        assert!((latency.mean - good.iter().sum::<f64>() / 999.0).abs() < 1e-9);
        assert_eq!(summary.failed_latency.unwrap().n, 1);
        assert!((summary.throughput.unwrap() - 999.0 / summary.seconds).abs() < 1e-9);
        assert_eq!(summary.support.len(), 5);
    }

    #[test]
    fn nothing_measured_is_missing() {
        let empty = RunSummary::of(&[], &[], &[]).unwrap();
        assert_eq!(
            (
                empty.requests,
                empty.latency,
                empty.throughput,
                empty.error_rate
            ),
            (0, None, None, None)
        );
        assert!(empty.metrics().values().all(Option::is_none));
    }

    #[test]
    fn damaged_rows_are_refused_with_their_number() {
        let error = RunSummary::of(&[0, 1], &[5, -3], &[false; 2]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("row 2: duration -3 ns is negative")
        );
        assert!(RunSummary::of(&[0], &[], &[]).is_err());
    }
}
