//! `oha --output-format json` (and the older `--json`); its times are seconds.

use lab_stats::physics::Observed;
use lab_stats::session::Repetition;
use serde_json::Value;

use super::error::Problem;
use super::json::{count, number};
use super::k6_summary::ordered;
use super::{Imported, Kind, summarised};

/// Reads it.
///
/// # Errors
/// No output of oha; figures that cannot be.
pub fn read(document: &Value) -> Result<Imported, Problem> {
    if !document
        .get("latencyPercentiles")
        .is_some_and(Value::is_object)
        || !document.get("summary").is_some_and(Value::is_object)
    {
        return Err(Problem::Form(
            "no `summary` and `latencyPercentiles` in it: not an output of oha".to_owned(),
        ));
    }
    let ms = |path: &[&str]| Ok::<_, Problem>(number(document, path)?.map(|s| 1000.0 * s));
    let percentile = |name: &str| ms(&["latencyPercentiles", name]);
    let percentiles = [
        percentile("p50")?,
        percentile("p90")?,
        percentile("p95")?,
        percentile("p99")?,
        percentile("p99.9")?,
    ];
    let (mean, max) = (ms(&["summary", "average"])?, ms(&["summary", "slowest"])?);
    let (mut answered, mut bad) = (0u64, 0u64);
    for (status, n) in entries(document, "statusCodeDistribution")? {
        answered += n;
        if !status.parse::<u16>().is_ok_and(|s| (200..400).contains(&s)) {
            bad += n;
        }
    }
    let broken: u64 = entries(document, "errorDistribution")?
        .iter()
        .map(|(_, n)| n)
        .sum();
    let (requests, errors) = (answered + broken, bad + broken);
    let rate = number(document, &["summary", "requestsPerSec"])?;
    let error_rate = (requests > 0).then(|| errors as f64 / requests as f64);
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
            rate.map(|r| r * (1.0 - error_rate.unwrap_or(0.0))),
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
        seconds: number(document, &["summary", "total"])?,
        ..Observed::default()
    };
    summarised(Kind::Oha, repetition, observed, vec![
        "it has no raw requests: tail support, warm-up, stalls and endpoints cannot be judged".to_owned(),
        "its percentiles take the sample below (no interpolation), answers with errors included".to_owned(),
        "it does not say how many arrivals were dropped".to_owned(),
    ])
}

fn entries(document: &Value, key: &str) -> Result<Vec<(String, u64)>, Problem> {
    let Some(map) = document.get(key).and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    // Sums of hostile counts must not overflow.
    map.iter()
        .map(|(name, value)| {
            Ok((
                name.clone(),
                count(value.as_f64(), key)?.unwrap_or(0).min(1 << 52),
            ))
        })
        .collect()
}
