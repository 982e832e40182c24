//! A hand-over of real k6 (tests/data/README.md), with what k6 itself counted.

use std::path::Path;

use lab_record::{Samples, convert};
use serde_json::Value;

/// Type 7 of sorted values, in ms.
fn quantile(sorted: &[i64], p: f64) -> f64 {
    let at = (sorted.len() - 1) as f64 * p;
    let low = at.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    let value = |i: usize| sorted[i] as f64 / 1e6;
    value(low) + (value(high) - value(low)) * at.fract()
}

#[test]
fn percentiles_of_the_rows_are_k6s_own() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let summary: Value =
        serde_json::from_slice(&std::fs::read(data.join("summary.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let converted = convert(&data.join("console"), &path, "1.1.0").unwrap();
    assert_eq!(
        (
            converted.vus,
            converted.rows_dropped,
            converted.messages.as_str()
        ),
        (4, 0, "")
    );
    for phase in ["warmup", "measure"] {
        assert_eq!(
            summary[phase]["http_reqs"], converted.rows_by_phase[phase],
            "{phase}"
        );
    }

    let samples = Samples::read(&path).unwrap();
    let measured = samples.phase_in_time_order("measure");
    let mut durations: Vec<i64> = measured.iter().map(|&i| samples.duration[i]).collect();
    durations.sort_unstable();
    let trend = &summary["measure"]["http_req_duration"];
    for (name, p) in [
        ("min", 0.0),
        ("p50", 0.5),
        ("p90", 0.9),
        ("p95", 0.95),
        ("p99", 0.99),
        ("p999", 0.999),
        ("max", 1.0),
    ] {
        let (ours, theirs) = (quantile(&durations, p), trend[name].as_f64().unwrap());
        assert!(
            (ours - theirs).abs() <= 1e-6 * theirs,
            "{name}: {ours} and {theirs}"
        );
    }
    let starts = measured.iter().map(|&i| samples.started_at[i]);
    let (first, last) = (starts.clone().min().unwrap(), starts.max().unwrap());
    assert!(
        last - first <= 1_000_000_000,
        "no request starts after the measurement of 1 s"
    );
}
