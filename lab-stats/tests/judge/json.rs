//! The JSON interface: names, nulls, round trip.

use lab_stats::{
    plan::{JudgePlan, Role},
    report::Report,
    summary::RunSummary,
};
use serde_json::{Value, json};

use crate::support::{noisy, plan, run, session};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_promised_names_are_there() {
    let mut data = noisy("p99", 10, &[10.0, 20.0]);
    data.environment = json!({"kind": "lab"});
    data.pooled
        .entry("a".to_owned())
        .or_default()
        .insert("p99".to_owned(), 10.1);
    let report = serde_json::to_value(run(&JudgePlan::new(["a", "b"], "a"), &data)).unwrap();
    for name in ["schema_version", "metrics", "flags", "environment"] {
        assert!(keys(&report).contains(&name), "{name}");
    }
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["environment"], json!({"kind": "lab"}));
    let metric = &report["metrics"][0];
    assert_eq!(
        (
            metric["metric"].as_str(),
            metric["unit"].as_str(),
            metric["role"].as_str()
        ),
        (Some("p99"), Some("ms"), Some("primary"))
    );
    for name in [
        "target",
        "estimate",
        "ci",
        "repetitions",
        "pooled",
        "support",
    ] {
        assert!(keys(&metric["targets"][0]).contains(&name), "{name}");
    }
    assert_eq!(metric["targets"][0]["pooled"], json!(10.1));
    let comparison = &metric["comparisons"][0];
    for name in [
        "a",
        "b",
        "ratio",
        "ci",
        "ci_simultaneous",
        "p",
        "p_adjusted",
        "p_equivalence",
        "method",
        "estimand",
        "verdict",
        "repetitions",
        "more_repetitions",
        "text",
        "advisory",
        "notes",
    ] {
        assert!(keys(comparison).contains(&name), "{name}");
    }
    assert_eq!(comparison["method"], "signed_rank");
    assert_eq!(comparison["estimand"], "pseudomedian_ratio");
    assert_eq!(comparison["verdict"], "different");
    // ratio is a / b as measured: b is the second target here, a the baseline.
    assert_eq!(
        (comparison["a"].as_str(), comparison["b"].as_str()),
        (Some("b"), Some("a"))
    );
    assert!(comparison["ratio"].as_f64().unwrap() > 1.5);
}

#[test]
fn missing_is_null_and_survives_a_round_trip() {
    let data = session("p99", &[("a", vec![Some(1.0)]), ("b", vec![Some(2.0)])]);
    let report = run(&JudgePlan::new(["a", "b"], "a"), &data);
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("NaN"));
    let value: Value = serde_json::from_str(&text).unwrap();
    let throughput = value["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["metric"] == "throughput")
        .unwrap();
    assert_eq!(throughput["targets"][0]["estimate"], Value::Null);
    assert_eq!(throughput["comparisons"][0]["ci"], Value::Null);
    assert_eq!(value["metrics"][0]["targets"][0]["support"], Value::Null);
    let back: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(back, report);
}

#[test]
fn support_comes_from_the_raw_samples() {
    // 3,000 requests a run: 30 above p99, 1,500 above p50.
    let mut data = noisy("p99", 10, &[10.0, 20.0]);
    let started: Vec<i64> = (0..3000).map(|i| i * 1000).collect();
    let duration: Vec<i64> = (0..3000).map(|i| 1000 + i * 7919 % 3001).collect();
    let summary = RunSummary::of(&started, &duration, &[false; 3000]).unwrap();
    data.repetitions
        .iter_mut()
        .for_each(|run| run.support = summary.support.clone());
    let report = run(&plan("p99", Role::Primary, 2), &data);
    assert_eq!(
        serde_json::to_value(report.metrics[0].targets[0].support).unwrap(),
        json!("weak")
    );
    assert!(
        report.metrics[0].comparisons[0]
            .text
            .ends_with("few tail samples")
    );
}
