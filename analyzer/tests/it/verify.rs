use std::path::Path;

use crate::made_up::{Plan, small, write};
use crate::program::{analyze, folder};

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn one_flipped_byte_is_found_wherever_it_is() {
    let tmp = folder();
    let run = small(tmp.path(), "run");
    let text = run.to_str().unwrap();
    assert_eq!(analyze(&["verify", text]).0, 0);
    let file = run.join("single/quick/go/002/samples.parquet");
    let size = std::fs::metadata(&file).unwrap().len() as usize;
    for at in (0..size).step_by(size / 7) {
        flip(&file, at);
        let (code, out, _) = analyze(&["verify", text]);
        assert_eq!(code, 1, "byte {at}");
        assert!(out.contains("go/002/samples.parquet"), "{out}");
        flip(&file, at);
    }
    assert_eq!(analyze(&["verify", text]).0, 0);
}

#[test]
fn a_changed_figure_is_named() {
    let tmp = folder();
    let run = small(tmp.path(), "run");
    let file = run.join("single/quick/go/001/repetition.json");
    let mut stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let was = stored["metrics"]["p95"].as_f64().unwrap();
    stored["metrics"]["p95"] = (was * 1.0000001).into();
    std::fs::write(&file, stored.to_string()).unwrap();
    let (code, out, _) = analyze(&["verify", run.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(out.contains("p95"), "{out}");
    // The report refuses it too: it would not follow from the raw data.
    assert_eq!(analyze(&[run.to_str().unwrap()]).0, 2);
}

#[test]
fn every_number_of_a_stored_report_is_checked() {
    let tmp = folder();
    let run = write(
        tmp.path(),
        &Plan {
            blocks: 4,
            requests: 300,
            ..Plan::default()
        },
    );
    let (run, report) = (run.to_str().unwrap(), tmp.path().join("report.json"));
    let path = report.to_str().unwrap();
    assert_eq!(
        analyze(&[
            run,
            "--format",
            "json",
            "--all-pairs",
            "--margin",
            "10%",
            "--out",
            path
        ])
        .0,
        0
    );
    let (code, out, err) = analyze(&["verify", run, "--report", path]);
    assert_eq!(code, 0, "{out}{err}");
    let original: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let mut places = Vec::new();
    numbers(&original, String::new(), &mut places);
    assert!(places.len() > 300);
    for place in places.iter().step_by(places.len() / 25) {
        let mut changed = original.clone();
        let number = changed.pointer_mut(place).unwrap();
        // Whole numbers by one; others in the ninth digit.
        *number = match number.as_u64() {
            Some(n) => (n + 1).into(),
            None => (number.as_f64().unwrap() * (1.0 + 1e-9) + 1e-300).into(),
        };
        std::fs::write(&report, changed.to_string()).unwrap();
        let (code, out, err) = analyze(&["verify", run, "--report", path]);
        // The look and the options are what the report is made again from: a change there may be an error of its own.
        assert!(
            code == 1 || code == 2 && place.starts_with("/provenance"),
            "{place}: {code} {out}{err}"
        );
    }
}

fn numbers(value: &serde_json::Value, at: String, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Number(n) if n.as_f64() != Some(0.0) => out.push(at),
        serde_json::Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(i, v)| numbers(v, format!("{at}/{i}"), out)),
        serde_json::Value::Object(map) => map
            .iter()
            .filter(|(k, _)| *k != "asked")
            .for_each(|(k, v)| numbers(v, format!("{at}/{k}"), out)),
        _ => {}
    }
}

#[test]
fn what_is_no_run_or_no_report_is_an_error() {
    let tmp = folder();
    assert_eq!(analyze(&["verify", tmp.path().to_str().unwrap()]).0, 2);
    let run = small(tmp.path(), "run");
    let file = tmp.path().join("r.json");
    std::fs::write(&file, "{\"metrics\": 1}").unwrap();
    assert_eq!(
        analyze(&[
            "verify",
            run.to_str().unwrap(),
            "--report",
            file.to_str().unwrap()
        ])
        .0,
        2
    );
}
