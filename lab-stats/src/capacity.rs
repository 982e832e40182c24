//! Capacity: the highest of rising arrival rates at which the objective was met.
//!
//! Every target gets the same steps, fixed before the first request. A request belongs to the step in which it
//! started, so a queue that a step leaves behind is the next step's burden, as it is in service.

use serde::{Deserialize, Serialize};

use crate::quantile::quantiles_by_selection;

const NS_PER_S: f64 = 1e9;
const NS_PER_MS: f64 = 1e6;

/// At the edge of a step, arrivals may start this late (or be noted this early: the clock ticks in ms), in seconds.
pub const EDGE_S: f64 = 0.005;

/// Rates in steps of equal length.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Arrivals per second of each step.
    pub rates: Vec<u32>,
    /// Length of a step, in seconds.
    pub step_s: f64,
}

/// What a step must keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Highest p99 of the good answers, in ms.
    pub p99_ms: f64,
    /// Highest share of failed requests.
    pub error_rate: f64,
}

/// How a step broke the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// p99 too high, or no good answer at all.
    P99,
    /// Too many failed.
    Errors,
    /// Arrivals that could not be started: every user was still waiting.
    Dropped,
}

/// The figures of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Arrivals per second.
    pub rate: u32,
    /// Arrivals that the schedule has.
    pub planned: u64,
    /// Requests that started.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Arrivals that could not be started.
    pub dropped: u64,
    /// p99 (type 7) of the good answers, in ms.
    pub p99_ms: Option<f64>,
    /// Empty: the objective was met.
    pub broke: Vec<Breach>,
}

/// On which side of the figure the capacity lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The last step was met, or the lab and not the service was the limit of the next one.
    AtLeast,
    /// Not even the first step was met.
    AtMost,
}

/// The capacity of one repetition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// The highest step that met the objective, in requests per second; the first step if none did.
    pub rate: u32,
    /// `None`: the next step broke.
    pub bound: Option<Bound>,
}

impl Schedule {
    /// When the schedule began, from the first measured request: k6 starts it one arrival's time after the beginning.
    pub fn origin_ns(&self, first_start_ns: i64) -> i64 {
        let rate = f64::from(self.rates.first().copied().unwrap_or(1).max(1));
        first_start_ns.saturating_sub((NS_PER_S / rate) as i64)
    }

    /// The step in which a request started. One that k6 started late, past the end, belongs to the last.
    pub fn step_of(&self, origin_ns: i64, started_ns: i64) -> usize {
        let since = started_ns.saturating_sub(origin_ns).max(0) as f64;
        let step = (since / (self.step_s * NS_PER_S)) as usize;
        step.min(self.rates.len().saturating_sub(1))
    }

    /// First and last instant of a step, ns.
    pub fn window_ns(&self, origin_ns: i64, step: usize) -> (i64, i64) {
        let at = |n: usize| origin_ns.saturating_add((n as f64 * self.step_s * NS_PER_S) as i64);
        (at(step), at(step + 1))
    }
}

/// The figures of every step: start times and durations in ns, failure marks, in any order; `dropped` is k6's count
/// over all steps.
///
/// k6 does not say when it dropped an arrival. It is where fewer requests started than were planned: if anything was
/// dropped, every step that lacks more than can slip over its edge has dropped what it lacks, and if none lacks that
/// much, the one that lacks most has dropped all of it.
pub fn steps(
    schedule: &Schedule,
    objective: &Objective,
    started_at: &[i64],
    duration: &[i64],
    failed: &[bool],
    dropped: u64,
) -> Vec<Step> {
    let mut good: Vec<Vec<i64>> = vec![Vec::new(); schedule.rates.len()];
    let mut errors = vec![0u64; schedule.rates.len()];
    if let Some(first) = started_at.iter().min() {
        let origin = schedule.origin_ns(*first);
        for ((start, duration), failed) in started_at.iter().zip(duration).zip(failed) {
            let step = schedule.step_of(origin, *start);
            if *failed {
                errors[step] += 1;
            } else {
                good[step].push(*duration);
            }
        }
    }
    let planned: Vec<u64> = schedule
        .rates
        .iter()
        .map(|rate| (f64::from(*rate) * schedule.step_s).round() as u64)
        .collect();
    let started: Vec<u64> = good
        .iter()
        .map(|g| g.len() as u64)
        .zip(&errors)
        .map(|(g, e)| g + e)
        .collect();
    let dropped = dropped_by_step(schedule, &planned, &started, dropped);
    let mut out = Vec::with_capacity(schedule.rates.len());
    for (i, good) in good.iter_mut().enumerate() {
        let p99_ms = quantiles_by_selection(good, &[0.99])
            .first()
            .copied()
            .flatten()
            .map(|ns| ns / NS_PER_MS);
        let mut broke = Vec::new();
        if p99_ms.is_none_or(|p99| p99 > objective.p99_ms) {
            broke.push(Breach::P99);
        }
        if errors[i] as f64 > objective.error_rate * started[i] as f64 {
            broke.push(Breach::Errors);
        }
        if dropped[i] > 0 {
            broke.push(Breach::Dropped);
        }
        out.push(Step {
            rate: schedule.rates[i],
            planned: planned[i],
            requests: started[i],
            errors: errors[i],
            dropped: dropped[i],
            p99_ms,
            broke,
        });
    }
    out
}

fn dropped_by_step(schedule: &Schedule, planned: &[u64], started: &[u64], all: u64) -> Vec<u64> {
    let lacks: Vec<u64> = planned
        .iter()
        .zip(started)
        .map(|(p, s)| p.saturating_sub(*s))
        .collect();
    if all == 0 {
        return vec![0; lacks.len()];
    }
    let edge = |rate: u32| 2.0 + f64::from(rate) * EDGE_S;
    let mut out: Vec<u64> = lacks
        .iter()
        .zip(&schedule.rates)
        .map(|(lack, rate)| if *lack as f64 > edge(*rate) { *lack } else { 0 })
        .collect();
    if out.iter().all(|n| *n == 0)
        && let Some(most) = (0..lacks.len()).max_by_key(|i| lacks[*i])
    {
        out[most] = all;
    }
    out
}

/// The capacity of a repetition: rates of the steps, whether each met the objective, and whether the lab itself (host
/// or load generator) was at its limit in it. `None`: no step was met and the lab was the limit of the first one.
pub fn capacity(steps: &[(u32, bool, bool)]) -> Option<Capacity> {
    let Some(best) = steps.iter().rposition(|(_, met, _)| *met) else {
        let (rate, _, limited) = steps.first()?;
        return (!limited).then_some(Capacity {
            rate: *rate,
            bound: Some(Bound::AtMost),
        });
    };
    let open = steps.get(best + 1).is_none_or(|(_, _, limited)| *limited);
    Some(Capacity {
        rate: steps[best].0,
        bound: open.then_some(Bound::AtLeast),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OBJECTIVE: Objective = Objective {
        p99_ms: 50.0,
        error_rate: 0.001,
    };

    fn schedule(rates: &[u32]) -> Schedule {
        Schedule {
            rates: rates.to_vec(),
            step_s: 2.0,
        }
    }

    /// Start times as k6 makes them, noted in whole ms.
    fn arrivals(schedule: &Schedule, begin_ns: i64) -> Vec<(usize, i64)> {
        let mut out = Vec::new();
        for (step, rate) in schedule.rates.iter().enumerate() {
            let n = (f64::from(*rate) * schedule.step_s).round() as i64;
            let from = begin_ns + (step as f64 * schedule.step_s * NS_PER_S) as i64;
            for k in 1..=n {
                let at = from + (k as f64 / f64::from(*rate) * NS_PER_S) as i64;
                // The last arrival of a step falls on its edge.
                out.push((step, (at - 1) / 1_000_000 * 1_000_000));
            }
        }
        out
    }

    #[test]
    fn every_arrival_belongs_to_the_step_that_planned_it() {
        let schedule = schedule(&[100, 250, 400, 1000]);
        let all = arrivals(&schedule, 1_790_000_000_123_000_000);
        let starts: Vec<i64> = all.iter().map(|(_, at)| *at).collect();
        let found = steps(
            &schedule,
            &OBJECTIVE,
            &starts,
            &vec![1_000_000; starts.len()],
            &vec![false; starts.len()],
            0,
        );
        for step in &found {
            // Ticks of the clock move a few over an edge.
            assert!(step.requests.abs_diff(step.planned) <= 3, "{step:?}");
            assert!(step.broke.is_empty(), "{step:?}");
        }
        let origin = schedule.origin_ns(starts[0]);
        let wrong = all
            .iter()
            .filter(|(step, at)| schedule.step_of(origin, *at) != *step)
            .count();
        assert!(wrong <= 6, "{wrong} of {}", all.len());
    }

    #[test]
    fn a_slow_a_failing_and_a_dropping_step_break() {
        let schedule = schedule(&[100, 200, 300, 400]);
        let (mut starts, mut durations, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut n = 0;
        for (step, at) in arrivals(&schedule, 1_000_000_000) {
            n += 1;
            if step == 3 && n % 10 == 0 {
                continue;
            }
            starts.push(at);
            durations.push(if step == 1 { 51_000_000 } else { 1_000_000 });
            failed.push(step == 2 && n % 100 == 50);
        }
        let found = steps(&schedule, &OBJECTIVE, &starts, &durations, &failed, 80);
        let broke: Vec<&[Breach]> = found.iter().map(|s| s.broke.as_slice()).collect();
        assert_eq!(
            broke,
            [
                &[][..],
                &[Breach::P99],
                &[Breach::Errors],
                &[Breach::Dropped]
            ]
        );
        // One may have slipped over the edge.
        assert!(found[3].dropped.abs_diff(80) <= 1);
        // What k6 did not drop was late, not lost.
        let late = steps(&schedule, &OBJECTIVE, &starts, &durations, &failed, 0);
        assert!(late[3].broke.is_empty());
    }

    #[test]
    fn even_one_dropped_arrival_breaks_a_step() {
        let schedule = schedule(&[100, 200]);
        let all: Vec<i64> = arrivals(&schedule, 0)
            .into_iter()
            .map(|(_, at)| at)
            .collect();
        for few in [1, 6] {
            let starts = [&all[..400], &all[400 + few..]].concat();
            let n = starts.len();
            let found = steps(
                &schedule,
                &OBJECTIVE,
                &starts,
                &vec![1; n],
                &vec![false; n],
                few as u64,
            );
            assert_eq!(found.iter().filter(|s| !s.broke.is_empty()).count(), 1);
            assert!(few == 1 || found[1].dropped > 3, "{found:?}");
        }
    }

    #[test]
    fn nothing_started_meets_nothing() {
        let found = steps(&schedule(&[10, 20]), &OBJECTIVE, &[], &[], &[], 60);
        assert!(found.iter().all(|s| s.broke.contains(&Breach::P99)));
        assert_eq!(found.iter().map(|s| s.dropped).sum::<u64>(), 60);
    }

    #[test]
    fn the_highest_step_that_was_met() {
        let of = |met: &[bool], limited: &[bool]| {
            let steps: Vec<_> = (1..)
                .zip(met.iter().zip(limited))
                .map(|(i, (m, l))| (i * 500, *m, *l))
                .collect();
            capacity(&steps).map(|c| (c.rate, c.bound))
        };
        let no = [false; 4];
        assert_eq!(of(&[true, true, false, false], &no), Some((1000, None)));
        // One disturbed step below does not take away what the service did above it.
        assert_eq!(of(&[true, false, true, false], &no), Some((1500, None)));
        assert_eq!(of(&[true; 4], &no), Some((2000, Some(Bound::AtLeast))));
        assert_eq!(of(&no, &no), Some((500, Some(Bound::AtMost))));
        // The host was full: not the service's fault.
        assert_eq!(
            of(&[true, true, false, false], &[false, false, true, true]),
            Some((1000, Some(Bound::AtLeast)))
        );
        assert_eq!(of(&no, &[true; 4]), None);
        assert_eq!(of(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn no_request_is_lost_or_counted_twice(
            rates in prop::collection::vec(1u32..2000, 1..12),
            step_s in 0.5f64..5.0,
            rows in prop::collection::vec((0i64..60_000_000_000, 0i64..1_000_000_000, any::<bool>()), 0..300),
            dropped in 0u64..50,
        ) {
            let schedule = Schedule { rates, step_s };
            let starts: Vec<i64> = rows.iter().map(|r| r.0).collect();
            let durations: Vec<i64> = rows.iter().map(|r| r.1).collect();
            let failed: Vec<bool> = rows.iter().map(|r| r.2).collect();
            let found = steps(&schedule, &OBJECTIVE, &starts, &durations, &failed, dropped);
            prop_assert_eq!(found.len(), schedule.rates.len());
            prop_assert_eq!(found.iter().map(|s| s.requests).sum::<u64>(), rows.len() as u64);
            prop_assert_eq!(found.iter().map(|s| s.errors).sum::<u64>(), failed.iter().filter(|f| **f).count() as u64);
            // Dropped arrivals always break a step, and never when there were none.
            prop_assert_eq!(found.iter().any(|s| s.broke.contains(&Breach::Dropped)), dropped > 0);
            let marked: Vec<(u32, bool, bool)> = found.iter().map(|s| (s.rate, s.broke.is_empty(), false)).collect();
            let capacity = capacity(&marked).unwrap();
            match capacity.bound {
                Some(Bound::AtMost) => prop_assert!(marked.iter().all(|m| !m.1)),
                _ => {
                    let best = marked.iter().rposition(|m| m.1).unwrap();
                    prop_assert_eq!(marked[best].0, capacity.rate);
                    prop_assert_eq!(capacity.bound.is_some(), best + 1 == marked.len());
                }
            }
        }

        #[test]
        fn later_requests_are_never_in_earlier_steps(
            rates in prop::collection::vec(10u32..2000, 1..12),
            step_s in 0.5f64..5.0,
            mut starts in prop::collection::vec(0i64..60_000_000_000, 2..100),
        ) {
            starts.sort_unstable();
            let schedule = Schedule { rates, step_s };
            let origin = schedule.origin_ns(starts[0]);
            let places: Vec<usize> = starts.iter().map(|s| schedule.step_of(origin, *s)).collect();
            prop_assert!(places.windows(2).all(|w| w[0] <= w[1]));
            prop_assert_eq!(places[0], 0);
        }
    }
}
