//! Physics checks of one repetition, own or imported: figures that cannot all be true are not compared.

use serde::{Deserialize, Serialize};

use crate::summary::Latency;

/// Requests in flight may exceed the virtual users by no more than this (clock and window edges).
pub const LITTLE_ABOVE: f64 = 0.02;
/// They may fall short by this: time that a virtual user spends between two requests.
pub const LITTLE_BELOW: f64 = 0.25;
/// Measured time against planned time.
pub const DURATION: f64 = 0.05;
/// Completion times in completion order may step back by this much, in ns: two writers, one clock.
pub const CLOCK_STEP_NS: i64 = 50_000_000;

/// What is known about a repetition; `None` = not known, and that check is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Virtual users, if their number was constant (closed loop).
    pub vus: Option<f64>,
    /// Pause of a virtual user between requests, seconds.
    pub think_time_s: f64,
    /// Requests per second, failed ones included.
    pub rate: Option<f64>,
    /// Mean time in the system of all requests, ms.
    pub mean_ms: Option<f64>,
    /// Latency figures.
    pub latency: Option<Latency>,
    /// Requests counted.
    pub requests: Option<u64>,
    /// Parts that must add up to them (by endpoint, by status, good and failed).
    pub parts: Vec<(String, Vec<u64>)>,
    /// The same count from somewhere else (the load generator's own summary, the database).
    pub other_counts: Vec<(String, u64)>,
    /// Planned length of the measured phase, seconds.
    pub planned_s: Option<f64>,
    /// Measured length, seconds.
    pub seconds: Option<f64>,
    /// Largest step back of completion times in completion order, ns.
    pub clock_step_back_ns: Option<i64>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Name: `littles_law`, `percentiles`, `mean`, `counts`, `clock`, `duration`.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// The figures, in words.
    pub text: String,
}

/// Every check that the data allows.
pub fn check(observed: &Observed) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name: &str, ok: bool, text: String| {
        checks.push(Check {
            name: name.to_owned(),
            ok,
            text,
        })
    };
    if let (Some(vus), Some(rate), Some(mean)) = (observed.vus, observed.rate, observed.mean_ms) {
        let in_flight = rate * (mean / 1000.0 + observed.think_time_s);
        let ok = in_flight <= vus * (1.0 + LITTLE_ABOVE) && in_flight >= vus * (1.0 - LITTLE_BELOW);
        let text = format!(
            "{rate:.1} req/s x {mean:.3} ms in the system = {in_flight:.2} in flight, {vus} virtual users"
        );
        add("littles_law", ok, text);
    }
    if let Some(l) = observed.latency {
        let figures = [l.p50, l.p90, l.p95, l.p99, l.p999, l.max];
        let ok = figures[0] >= 0.0 && figures.windows(2).all(|pair| pair[0] <= pair[1]);
        add("percentiles", ok, format!("p50 to max in ms: {figures:?}"));
        // Rounding of the sum may lift the mean of equal values above them.
        let ok = l.mean <= l.max * (1.0 + 1e-9) && l.p50 <= 2.0 * l.mean * (1.0 + 1e-9);
        add(
            "mean",
            ok,
            format!("mean {} ms, p50 {} ms, max {} ms", l.mean, l.p50, l.max),
        );
    }
    if let Some(requests) = observed.requests {
        for (what, parts) in &observed.parts {
            let sum: u64 = parts.iter().sum();
            add(
                "counts",
                sum == requests,
                format!("{requests} requests, {sum} by {what}"),
            );
        }
        for (who, count) in &observed.other_counts {
            add(
                "counts",
                *count == requests,
                format!("{requests} requests, {count} counted by {who}"),
            );
        }
    }
    if let (Some(planned), Some(seconds)) = (observed.planned_s, observed.seconds) {
        // The last answer may come after the end; a whole longest request is allowed for.
        let tail = observed.latency.map_or(0.0, |l| l.max / 1000.0);
        let ok =
            seconds >= planned * (1.0 - DURATION) && seconds <= planned * (1.0 + DURATION) + tail;
        add(
            "duration",
            ok,
            format!("measured {seconds:.3} s, planned {planned} s"),
        );
    }
    if let Some(step) = observed.clock_step_back_ns {
        add(
            "clock",
            step <= CLOCK_STEP_NS,
            format!(
                "completion times step back by {:.3} ms at most",
                step as f64 / 1e6
            ),
        );
    }
    checks
}

/// Largest step back of completion times (ns) in rows that stand in completion order; 0 if none.
pub fn clock_step_back(started_at: &[i64], duration: &[i64]) -> i64 {
    let mut latest = i64::MIN;
    let mut step = 0;
    for (start, duration) in started_at.iter().zip(duration) {
        let end = start.saturating_add(*duration);
        latest = latest.max(end);
        step = step.max(latest.saturating_sub(end));
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(vus: f64, rate: f64, mean_ms: f64) -> bool {
        let observed = Observed {
            vus: Some(vus),
            rate: Some(rate),
            mean_ms: Some(mean_ms),
            ..Observed::default()
        };
        check(&observed)[0].ok
    }

    #[test]
    fn littles_law() {
        assert!(closed(16.0, 1600.0, 9.8));
        // More in flight than there are users; and users that were mostly somewhere else.
        assert!(!closed(16.0, 1600.0, 10.5));
        assert!(!closed(16.0, 1600.0, 5.0));
    }

    #[test]
    fn order_counts_duration() {
        let latency = Latency {
            n: 10,
            p50: 2.0,
            p90: 3.0,
            p95: 4.0,
            p99: 5.0,
            p999: 5.5,
            mean: 2.2,
            max: 6.0,
        };
        let good = Observed {
            latency: Some(latency),
            requests: Some(10),
            parts: vec![("endpoint".to_owned(), vec![9, 1])],
            other_counts: vec![("k6".to_owned(), 10)],
            planned_s: Some(10.0),
            seconds: Some(10.2),
            ..Observed::default()
        };
        assert!(check(&good).iter().all(|check| check.ok));
        assert_eq!(check(&good).len(), 5);
        let failing = |observed: Observed| {
            check(&observed)
                .into_iter()
                .find(|check| !check.ok)
                .map(|check| check.name)
        };
        assert_eq!(
            failing(Observed {
                requests: Some(11),
                ..good.clone()
            })
            .as_deref(),
            Some("counts")
        );
        assert_eq!(
            failing(Observed {
                seconds: Some(7.0),
                ..good.clone()
            })
            .as_deref(),
            Some("duration")
        );
        let wrong = Latency {
            p95: 2.5,
            ..latency
        };
        assert_eq!(
            failing(Observed {
                latency: Some(wrong),
                ..good.clone()
            })
            .as_deref(),
            Some("percentiles")
        );
        let mean = Latency {
            mean: 7.0,
            ..latency
        };
        assert_eq!(
            failing(Observed {
                latency: Some(mean),
                ..good
            })
            .as_deref(),
            Some("mean")
        );
    }

    #[test]
    fn clocks_that_step_back() {
        assert_eq!(clock_step_back(&[0, 10, 20], &[5, 5, 5]), 0);
        assert_eq!(clock_step_back(&[0, 100, 20], &[5, 5, 5]), 80);
        assert_eq!(clock_step_back(&[], &[]), 0);
    }
}
