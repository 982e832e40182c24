//! The text that wrk2 prints with `--latency`.

use lab_stats::physics::Observed;
use lab_stats::session::Repetition;

use super::error::Problem;
use super::k6_summary::ordered;
use super::{Imported, Kind, summarised};

/// Reads it.
///
/// # Errors
/// Not what wrk2 prints, with the row.
pub fn read(text: &str) -> Result<Imported, Problem> {
    let mut percentiles = [None; 5];
    let (mut mean, mut max, mut requests, mut seconds, mut rate) = (None, None, None, None, None);
    let mut errors = 0u64;
    for (row, line) in (1u64..).zip(text.lines()) {
        let line = line.trim();
        let words: Vec<&str> = line.split_whitespace().take(16).collect();
        let bad = || {
            Problem::row(
                row,
                format!(
                    "{:?} is not what wrk2 prints here",
                    line.chars().take(60).collect::<String>()
                ),
            )
        };
        match words[..] {
            // Only the short table has units; the long spectrum is in bare ms.
            [share, time] if share.ends_with('%') && time.ends_with('s') => {
                let share: f64 = share.trim_end_matches('%').parse().map_err(|_| bad())?;
                let place = [50.0, 90.0, 95.0, 99.0, 99.9]
                    .iter()
                    .position(|p| *p == share);
                if let Some(place) = place {
                    percentiles[place] = Some(duration(time).ok_or_else(bad)?);
                }
            }
            ["Latency", average, _, longest, _] => {
                mean = Some(duration(average).ok_or_else(bad)?);
                max = Some(duration(longest).ok_or_else(bad)?);
            }
            [n, "requests", "in", time, ..] => {
                requests = Some(n.parse::<u64>().map_err(|_| bad())?);
                seconds = Some(duration(time.trim_end_matches(',')).ok_or_else(bad)? / 1000.0);
            }
            ["Requests/sec:", n] => rate = Some(n.parse::<f64>().map_err(|_| bad())?),
            ["Non-2xx", "or", "3xx", "responses:", n] => {
                errors = errors.saturating_add(n.parse().map_err(|_| bad())?)
            }
            ["Socket", "errors:", ..] => {
                for pair in line.trim_start_matches("Socket errors:").split(',') {
                    let n = pair
                        .split_whitespace()
                        .last()
                        .and_then(|n| n.parse::<u64>().ok())
                        .ok_or_else(bad)?;
                    errors = errors.saturating_add(n);
                }
            }
            _ => {}
        }
    }
    if percentiles[0].is_none() {
        return Err(Problem::Nothing {
            what: "no latency distribution (run wrk2 with --latency)",
        });
    }
    let requests = requests.ok_or(Problem::Nothing {
        what: "no line `N requests in T`: the output is cut off",
    })?;
    let error_rate = (requests > 0).then(|| (errors as f64 / requests as f64).min(1.0));
    let [p50, p90, p95, p99, p999] = percentiles;
    let named = [
        ("p50", p50),
        ("p90", p90),
        ("p95", p95),
        ("p99", p99),
        ("p999", p999),
        ("mean", mean),
        ("max", max),
        (
            "throughput",
            rate.map(|r: f64| r * (1.0 - error_rate.unwrap_or(0.0))),
        ),
        ("error_rate", error_rate),
    ];
    let repetition = Repetition {
        requests: Some(requests),
        errors: Some(errors),
        metrics: named.into_iter().map(|(n, v)| (n.to_owned(), v)).collect(),
        ..Repetition::default()
    };
    let observed = Observed {
        latency: ordered(percentiles, mean, max, Some(requests)),
        requests: Some(requests),
        seconds,
        ..Observed::default()
    };
    summarised(
        Kind::Wrk2,
        repetition,
        observed,
        vec![
            "it has no raw requests: tail support, warm-up, stalls and endpoints cannot be judged"
                .to_owned(),
            "its percentiles are of a histogram with three digits, and its short table has no p95"
                .to_owned(),
            "a rate that it could not keep is in the latency, not counted as dropped".to_owned(),
        ],
    )
}

/// "1.13ms", "567.18us", "2.00s", "1.20m", "0.50h", in ms.
fn duration(text: &str) -> Option<f64> {
    let units = [
        ("us", 1e-3),
        ("ms", 1.0),
        ("s", 1e3),
        ("m", 6e4),
        ("h", 3.6e6),
    ];
    let (number, scale) = units
        .iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)))?;
    number
        .parse::<f64>()
        .ok()
        .filter(|v| v.is_finite() && *v >= 0.0)
        .map(|v| v * scale)
}
