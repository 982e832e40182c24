//! One run second by second: warm-up that has not ended, stalls (section 11).

use serde::{Deserialize, Serialize};

use crate::{
    error::SampleError, moments::mean, quantile::quantiles_by_selection, series::mser5,
    sorted::Sorted,
};

/// A median above this many run medians is a stall.
pub const STALL_FACTOR: f64 = 5.0;
/// A change of level below this share is no warm-up (a judgement, not calibrated).
pub const WARMUP_CHANGE: f64 = 0.02;

/// Longer ones are no runs: a second takes memory even where nothing happened in it. A week.
pub const MOST_SECONDS: i64 = 7 * 24 * 3600;
const SECOND: i64 = 1_000_000_000;

/// One second of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Good answers completed in it.
    pub completed: u64,
    /// Their median latency in ms; `None` if there were none.
    pub median_ms: Option<f64>,
    /// How many of them were above the run's p99.
    pub over_p99: u64,
}

/// The measured phase cut into whole seconds after its first start, by time of completion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Second by second; a last part of a second is left out.
    pub seconds: Vec<Second>,
    /// Median latency of the run, ms.
    pub median_ms: Option<f64>,
    /// Good answers above the run's p99.
    pub over_p99: u64,
}

impl Seconds {
    /// From columns as in [`crate::summary::RunSummary::of`], and the good durations in order; failed requests are left
    /// out.
    ///
    /// # Errors
    /// More than [`MOST_SECONDS`] from the first start to the last end.
    pub fn of(
        started_at: &[i64],
        duration: &[i64],
        failed: &[bool],
        sorted: &Sorted,
    ) -> Result<Self, SampleError> {
        let Some(&first) = started_at.iter().min() else {
            return Ok(Self::default());
        };
        let rows = || {
            started_at
                .iter()
                .zip(duration)
                .zip(failed)
                .filter(|(_, failed)| !**failed)
                .map(|(row, _)| row)
        };
        let (Some(median), Some(p99)) = (sorted.quantile(0.5), sorted.quantile(0.99)) else {
            return Ok(Self::default());
        };
        let end = |start: &i64, duration: &i64| start.saturating_add(*duration);
        let last = rows().map(|(s, d)| end(s, d)).max().unwrap_or(first);
        let whole = last.saturating_sub(first) / SECOND;
        if whole > MOST_SECONDS {
            return Err(SampleError::TooLong { seconds: whole });
        }
        let mut buckets: Vec<Vec<i64>> = vec![Vec::new(); whole as usize];
        for (start, duration) in rows() {
            let second = end(start, duration).saturating_sub(first) / SECOND;
            // The last part of a second is left out; nothing ends before the first start.
            if let Some(bucket) = buckets.get_mut(second as usize) {
                bucket.push(*duration);
            }
        }
        let over = |durations: &[i64]| durations.iter().filter(|&&d| d as f64 > p99).count() as u64;
        let seconds = buckets
            .iter_mut()
            .map(|bucket| Second {
                completed: bucket.len() as u64,
                over_p99: over(bucket),
                median_ms: quantiles_by_selection(bucket, &[0.5])[0].map(|ns| ns / 1e6),
            })
            .collect();
        Ok(Self {
            seconds,
            median_ms: Some(median / 1e6),
            over_p99: sorted.above(p99) as u64,
        })
    }

    /// Runs of stalled seconds: no completed request, or a median above 5 times that of the run.
    pub fn stalls(&self) -> Vec<Stall> {
        let limit = self
            .median_ms
            .map_or(f64::INFINITY, |median| STALL_FACTOR * median);
        let mut stalls: Vec<Stall> = Vec::new();
        for (at, second) in self.seconds.iter().enumerate() {
            if second.median_ms.is_some_and(|median| median <= limit) {
                continue;
            }
            let share = if self.over_p99 > 0 {
                second.over_p99 as f64 / self.over_p99 as f64
            } else {
                0.0
            };
            match stalls.last_mut() {
                Some(stall) if stall.at_s + stall.length_s == at => {
                    stall.length_s += 1;
                    stall.share_of_tail += share;
                }
                _ => stalls.push(Stall {
                    at_s: at,
                    length_s: 1,
                    share_of_tail: share,
                }),
            }
        }
        stalls
    }

    /// Whether the run had settled, by MSER-5 on the medians of the seconds; `None` = it had, or the run
    /// is too short to say.
    pub fn warm_up(&self) -> Option<WarmUp> {
        // A second without answers is a stall, not a level.
        let medians: Vec<f64> = self
            .seconds
            .iter()
            .filter_map(|second| second.median_ms)
            .collect();
        warm_up(&medians)
    }
}

/// Consecutive stalled seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Seconds after the first start.
    pub at_s: usize,
    /// How many seconds.
    pub length_s: usize,
    /// Share of all requests above the run's p99 that ended in it (fraction).
    pub share_of_tail: f64,
}

/// A run that had not settled when measuring began. It does not change the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Where MSER-5 would cut, in seconds.
    pub cut_s: usize,
    /// ln(mean before / mean after).
    pub log_change: f64,
    /// The cut is at its limit: no steady state was seen.
    pub no_steady_state: bool,
}

/// The rule on per-second medians.
pub fn warm_up(medians: &[f64]) -> Option<WarmUp> {
    let mser = mser5(medians)?;
    let cut_s = mser.cut_values();
    if cut_s == 0 {
        return None;
    }
    let log_change = (mean(&medians[..cut_s])? / mean(&medians[cut_s..])?).ln();
    (log_change.abs() > WARMUP_CHANGE).then_some(WarmUp {
        cut_s,
        log_change,
        no_steady_state: mser.at_limit,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_listed_with_its_share_of_the_tail() {
        // 20 s at 100 req/s; second 7 answers nothing, second 8 answers slowly.
        let (mut started, mut duration) = (Vec::new(), Vec::new());
        for i in 0..2000_i64 {
            let end = i * 10_000_000;
            let second = end / 1_000_000_000;
            if second == 7 {
                continue;
            }
            let took = if second == 8 {
                50_000_000
            } else {
                2_000_000 + i % 10
            };
            started.push(end - took + 60_000_000);
            duration.push(took);
        }
        let failed = vec![false; started.len()];
        let seconds =
            Seconds::of(&started, &duration, &failed, &Sorted::of(duration.clone())).unwrap();
        let stalls = seconds.stalls();
        assert_eq!(stalls.len(), 1);
        assert_eq!((stalls[0].at_s, stalls[0].length_s), (7, 2));
        assert!(seconds.warm_up().is_none() || seconds.warm_up().unwrap().log_change > 0.0);
    }

    #[test]
    fn a_run_of_years_is_refused() {
        let (started, duration) = ([0, 1_790_000_000 * SECOND], [5, 5]);
        let error = Seconds::of(
            &started,
            &duration,
            &[false; 2],
            &Sorted::of(duration.to_vec()),
        );
        assert_eq!(
            error,
            Err(SampleError::TooLong {
                seconds: 1_790_000_000
            })
        );
    }

    #[test]
    fn warm_up_needs_a_real_change() {
        let falling: Vec<f64> = (0..60)
            .map(|s| {
                if s < 15 {
                    7.0
                } else {
                    5.0 + 0.01 * f64::from(s % 7)
                }
            })
            .collect();
        let found = warm_up(&falling).unwrap();
        assert!(found.log_change > WARMUP_CHANGE && !found.no_steady_state);
        let endless: Vec<f64> = (0..60).map(|s| 6.0 - 0.02 * f64::from(s)).collect();
        assert!(warm_up(&endless).unwrap().no_steady_state);
        assert_eq!(warm_up(&[5.0; 60]), None);
        let tiny: Vec<f64> = (0..60).map(|s| if s < 10 { 5.01 } else { 5.0 }).collect();
        assert_eq!(warm_up(&tiny), None);
        assert_eq!(warm_up(&[1.0; 3]), None);
    }

    #[test]
    fn nothing_to_see() {
        assert_eq!(
            Seconds::of(&[], &[], &[], &Sorted::default()).unwrap(),
            Seconds::default()
        );
        assert!(Seconds::default().stalls().is_empty());
    }
}
