//! k6's end-of-test summary: `--summary-export`, and the data that `handleSummary()` gets.

use lab_stats::physics::Observed;
use lab_stats::session::Repetition;
use lab_stats::summary::Latency;
use serde_json::Value;

use super::error::Problem;
use super::json::{count, number};
use super::{Imported, Kind, summarised};

/// Reads it.
///
/// # Errors
/// No summary of k6; figures that cannot be.
pub fn read(document: &Value) -> Result<Imported, Problem> {
    let metrics = document
        .get("metrics")
        .filter(|m| m.is_object())
        .ok_or_else(|| Problem::Form("no `metrics` in it: not a summary of k6".to_owned()))?;
    // handleSummary() has one more level.
    let figure = |metric: &str, key: &str| -> Result<Option<f64>, Problem> {
        match number(metrics, &[metric, "values", key])? {
            Some(v) => Ok(Some(v)),
            None => number(metrics, &[metric, key]),
        }
    };
    if metrics.get("http_req_duration").is_none() {
        return Err(Problem::Nothing {
            what: "no http_req_duration",
        });
    }
    let latency = |key: &str| figure("http_req_duration", key);
    let requests = count(figure("http_reqs", "count")?, "http_reqs")?;
    let rate = figure("http_reqs", "rate")?;
    let error_rate = match figure("http_req_failed", "rate")? {
        Some(rate) => Some(rate),
        None => figure("http_req_failed", "value")?,
    };
    if error_rate.is_some_and(|r| !(0.0..=1.0).contains(&r)) {
        return Err(Problem::Figure {
            name: "http_req_failed".to_owned(),
            value: error_rate.unwrap_or_default().to_string(),
        });
    }
    let errors = error_rate
        .zip(requests)
        .map(|(r, n)| (r * n as f64).round() as u64);
    let (p50, p90, p95) = (latency("med")?, latency("p(90)")?, latency("p(95)")?);
    let (p99, p999) = (latency("p(99)")?, latency("p(99.9)")?);
    let (mean, max) = (latency("avg")?, latency("max")?);
    let mut repetition = Repetition {
        requests,
        errors,
        dropped_iterations: Some(
            count(figure("dropped_iterations", "count")?, "dropped_iterations")?.unwrap_or(0),
        ),
        ..Repetition::default()
    };
    let named = [
        ("p50", p50),
        ("p90", p90),
        ("p95", p95),
        ("p99", p99),
        ("p999", p999),
        ("mean", mean),
        ("max", max),
    ];
    // k6's rate counts failed answers too.
    let good = rate.map(|r| r * (1.0 - error_rate.unwrap_or(0.0)));
    repetition.metrics = named
        .into_iter()
        .chain([("throughput", good), ("error_rate", error_rate)])
        .map(|(n, v)| (n.to_owned(), v))
        .collect();
    let mut cannot = vec![
        "a summary has no raw requests: tail support, warm-up, stalls and endpoints cannot be judged, and percentiles are k6's".to_owned(),
        "set-up, warm-up and failed requests are in its percentiles".to_owned(),
    ];
    if p99.is_none() {
        cannot.push("it has no p99: run k6 with --summary-trend-stats \"avg,min,med,max,p(90),p(95),p(99),p(99.9)\"".to_owned());
    }
    let observed = Observed {
        latency: ordered([p50, p90, p95, p99, p999], mean, max, requests),
        requests,
        ..Observed::default()
    };
    summarised(Kind::K6Summary, repetition, observed, cannot)
}

/// For the physics checks; a percentile that is missing takes the value of the one below it.
pub fn ordered(
    percentiles: [Option<f64>; 5],
    mean: Option<f64>,
    max: Option<f64>,
    requests: Option<u64>,
) -> Option<Latency> {
    let mut last = percentiles[0]?;
    let filled = percentiles.map(|p| {
        last = p.unwrap_or(last);
        last
    });
    let [p50, p90, p95, p99, p999] = filled;
    Some(Latency {
        n: requests.unwrap_or(0),
        p50,
        p90,
        p95,
        p99,
        p999,
        mean: mean?,
        max: max?,
    })
}
