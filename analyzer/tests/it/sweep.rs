//! Sweeps: each value by itself, the verdicts side by side.

use std::path::{Path, PathBuf};

use lab_model::results::{Sweep, SweepVariable};
use serde_json::Value;

use crate::made_up::{Plan, write};
use crate::program::{analyze, folder};

/// A sweep in which rust-sqlx has `levels` times go's latency, a run for each.
fn sweep(tmp: &Path, levels: &[(u32, f64)]) -> PathBuf {
    let id = "20261124T111500Z-single-quick-sweep-db-connections";
    for (value, level) in levels {
        let plan = Plan {
            name: &format!("{id}/db_connections-{value:04}"),
            targets: &[("go", 1.0), ("rust-sqlx", *level)],
            seed: u64::from(*value),
            ..Plan::default()
        };
        write(tmp, &plan);
    }
    let plan = Sweep {
        schema_version: 1,
        sweep_id: id.to_owned(),
        created_at: "2026-11-24T11:15:00Z".parse().unwrap(),
        command: vec!["bench".to_owned(), "sweep".to_owned()],
        variable: SweepVariable::DbConnections,
        values: levels.iter().map(|l| l.0).collect(),
        seed: 1,
        order: Vec::new(),
    };
    let place = tmp.join(id);
    std::fs::write(place.join("sweep.json"), serde_json::to_vec(&plan).unwrap()).unwrap();
    place
}

fn json(arguments: &[&str]) -> Value {
    let (code, out, err) = analyze(&[arguments, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_flip_is_found_and_values_are_never_mixed() {
    let tmp = folder();
    let place = sweep(tmp.path(), &[(5, 2.0), (10, 2.0), (30, 0.5)]);
    let doc = json(&[place.to_str().unwrap(), "--metric", "p99"]);
    let flips = doc["flips"].as_array().unwrap();
    assert_eq!(flips.len(), 1, "{flips:?}");
    assert_eq!(
        (&flips[0]["from"], &flips[0]["to"]),
        (&10.into(), &30.into())
    );
    for (i, value) in [5, 10, 30].into_iter().enumerate() {
        let one = &doc["values"][i];
        assert_eq!(one["value"], value);
        let comparison = &one["document"]["metrics"][0]["comparisons"][0];
        // The value's own blocks and no more.
        assert_eq!(comparison["repetitions"], 10);
        let alone = json(&[
            place
                .join(format!("db_connections-{value:04}"))
                .to_str()
                .unwrap(),
            "--metric",
            "p99",
        ]);
        assert_eq!(alone["metrics"], one["document"]["metrics"]);
    }
    let (code, table, _) = analyze(&[tmp.path().to_str().unwrap(), "--metric", "p99"]);
    let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 0);
    assert!(
        words.contains("The ranking flips at p99: go is ahead of rust-sqlx with 10 connections, rust-sqlx with 30"),
        "{table}"
    );
    let (code, out, err) = analyze(&["verify", place.to_str().unwrap()]);
    assert_eq!((code, out.lines().count()), (0, 3), "{out}{err}");
}

#[test]
fn no_flip_is_said_so() {
    let tmp = folder();
    let place = sweep(tmp.path(), &[(5, 1.0), (30, 2.0)]);
    let doc = json(&[place.to_str().unwrap()]);
    assert_eq!(doc["flips"].as_array().unwrap().len(), 0);
    let (_, table, _) = analyze(&[place.to_str().unwrap()]);
    assert!(table.contains("No flip is shown"), "{table}");
}

#[test]
fn every_format_has_every_value() {
    let tmp = folder();
    let place = sweep(tmp.path(), &[(5, 2.0), (30, 0.5)]);
    let at = place.to_str().unwrap();
    let (_, html, err) = analyze(&[at, "--format", "html"]);
    // Ratios and figures of five judged metrics, each with its numbers.
    assert_eq!(html.matches("<svg ").count(), 10, "{err}");
    assert_eq!(html.matches("<details").count(), 10);
    for unwanted in ["<script", "<link", "src=", "href=", "NaN"] {
        assert!(!html.contains(unwanted), "{unwanted}");
    }
    let (_, markdown, _) = analyze(&[at, "--format", "markdown"]);
    assert!(
        markdown.contains("- The ranking flips at p99") && markdown.contains("| 30 |"),
        "{markdown}"
    );
    let (_, csv, _) = analyze(&[at, "--format", "csv"]);
    let firsts: std::collections::BTreeSet<&str> =
        csv.lines().filter_map(|l| l.split(',').next()).collect();
    assert_eq!(firsts, ["30", "5", "db_connections"].into());
}
