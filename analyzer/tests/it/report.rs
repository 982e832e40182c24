use lab_model::results::{Manifest, Repetition, RunDir};
use lab_stats::report::Report;
use serde_json::Value;

use crate::made_up::{Plan, session, small, write};
use crate::program::{analyze, folder};

fn json(arguments: &[&str]) -> Value {
    let (code, out, err) = analyze(arguments);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// What `bench` does at the end of a run: stored figures, same judge.
fn bench_says(manifest: &Manifest, repetitions: &[Repetition], looks: &RunDir) -> Report {
    lab_verdict::judge_run(
        manifest,
        repetitions,
        &looks.looks().unwrap(),
        &lab_verdict::Options::default(),
    )
    .unwrap()
}

#[test]
fn bench_and_analyze_say_the_same() {
    let tmp = folder();
    let targets = [("go", 1.0), ("python", 4.0), ("rust-sqlx", 1.01)];
    let run = session(tmp.path(), "run", &targets, 1);
    let ours: Report =
        serde_json::from_value(json(&[run.to_str().unwrap(), "--format", "json"])).unwrap();
    let dir = RunDir::new(&run);
    let stored: Vec<Repetition> = dir
        .repetitions()
        .unwrap()
        .into_iter()
        .map(|(_, r)| r)
        .collect();
    let theirs = bench_says(&dir.manifest().unwrap(), &stored, &dir);
    for (a, b) in ours.metrics.iter().zip(&theirs.metrics) {
        assert_eq!(a.metric, b.metric);
        for (x, y) in a.comparisons.iter().zip(&b.comparisons) {
            assert_eq!(
                (&x.text, x.verdict, &x.notes),
                (&y.text, y.verdict, &y.notes),
                "{}",
                a.metric
            );
        }
        assert_eq!(a.comparisons.len(), b.comparisons.len());
    }
    let p99 = ours.metric("p99").unwrap();
    assert!(
        p99.comparisons[0].text.starts_with("go is "),
        "{}",
        p99.comparisons[0].text
    );
}

#[test]
fn pooled_percentiles_are_those_of_all_requests() {
    let tmp = folder();
    let run = write(
        tmp.path(),
        &Plan {
            blocks: 3,
            requests: 500,
            ..Plan::default()
        },
    );
    let doc = json(&[run.to_str().unwrap(), "--format", "json"]);
    let mut all = Vec::new();
    for block in 1..=3 {
        let file = run.join(format!("single/quick/go/{block:03}/samples.parquet"));
        all.extend(
            analyzer::samples::Measured::read(&file)
                .unwrap()
                .good()
                .into_iter()
                .map(|ns| ns as f64 / 1e6),
        );
    }
    assert_eq!(all.len(), 1500);
    let want = lab_stats::quantile::quantile(&all, 0.99).unwrap();
    let got = doc["metrics"][0]["targets"][0]["pooled"].as_f64().unwrap();
    assert!((got - want).abs() <= 1e-12 * want, "{got} {want}");
}

#[test]
fn every_format_says_the_verdict() {
    let tmp = folder();
    let run = write(tmp.path(), &Plan::default());
    let run = run.to_str().unwrap();
    let sentence = "rust-sqlx is 2";
    for format in ["table", "json", "markdown", "csv", "html"] {
        let (code, out, err) = analyze(&[run, "--format", format]);
        assert_eq!(code, 0, "{format}: {err}");
        assert!(out.replace("\\-", "-").contains(sentence), "{format}");
    }
    let (_, markdown, _) = analyze(&["report", run, "--format", "markdown"]);
    assert!(markdown.len() < 65_536);
    let (_, csv, _) = analyze(&[run, "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert!(reader.records().all(|r| r.is_ok()));
}

#[test]
fn only_a_new_number_of_blocks_is_a_new_look() {
    let tmp = folder();
    let run = small(tmp.path(), "run");
    let text = run.to_str().unwrap();
    for _ in 0..3 {
        assert_eq!(json(&[text, "--format", "json"])["provenance"]["look"], 1);
    }
    assert_eq!(RunDir::new(&run).looks().unwrap().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_analysed_all_the_same() {
    let tmp = folder();
    let run = small(tmp.path(), "run");
    // A folder in the place of the file: nobody, not even root, can replace it by a file.
    std::fs::create_dir(run.join("looks.json")).unwrap();
    let (code, _, err) = analyze(&[run.to_str().unwrap()]);
    // A damaged list of looks is an error; a missing right to write is not.
    assert_eq!(code, 2, "{err}");
    std::fs::remove_dir(run.join("looks.json")).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o555)).unwrap();
    let (code, out, err) = analyze(&[run.to_str().unwrap()]);
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Verdict"));
}

#[test]
fn an_unknown_target_is_named_with_those_there_are() {
    let tmp = folder();
    let run = small(tmp.path(), "run");
    let (code, _, err) = analyze(&[run.to_str().unwrap(), "--baseline", "java"]);
    assert_eq!(code, 2);
    assert!(err.contains("java") && err.contains("rust-sqlx"), "{err}");
    let (code, _, err) = analyze(&[run.to_str().unwrap(), "--metric", "p42"]);
    assert_eq!(code, 2);
    assert!(err.contains("p42") && err.contains("p999"), "{err}");
    assert_eq!(analyze(&["/nowhere/at/all"]).0, 2);
}

#[test]
fn exit_codes_and_examples_are_in_the_help() {
    for command in ["report", "compare", "import", "verify", "plan", "calibrate"] {
        let (code, out, _) = analyze(&[command, "--help"]);
        assert_eq!(code, 0);
        assert!(out.contains("Examples:"), "{command}");
    }
    assert!(analyze(&["--help"]).1.contains("Exit codes: 0"));
    assert!(analyze(&["generate", "bash"]).1.contains("_analyze"));
    assert!(analyze(&["generate", "man"]).1.contains(".TH analyze"));
    assert_eq!(analyze(&["generate", "tcl"]).0, 2);
}

#[test]
fn plan_needs_noise_and_gives_a_command() {
    assert_eq!(analyze(&["plan"]).0, 2);
    let (code, out, _) = analyze(&["plan", "--sd", "3%", "--block-seconds", "60"]);
    assert_eq!(code, 0);
    // Section 7: 6 repetitions by the t test, 7 at least for the rank test.
    assert!(
        out.contains("7 repetitions") || out.contains("8 repetitions"),
        "{out}"
    );
    let tmp = folder();
    let run = write(tmp.path(), &Plan::default());
    let (code, out, _) = analyze(&["plan", run.to_str().unwrap(), "--metric", "p99"]);
    assert_eq!(code, 0);
    assert!(out.contains("--repetitions"), "{out}");
    assert!(!run.join("looks.json").exists(), "planning is no look");
}

#[test]
fn a_short_calibration_is_inside_its_lines() {
    let (code, out, _) = analyze(&["calibrate", "--experiments", "40", "--seed", "3"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(
        out,
        analyze(&["calibrate", "--experiments", "40", "--seed", "3"]).1,
        "the seed decides"
    );
}
