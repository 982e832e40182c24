//! From stored repetitions to words: who may be ranked, and what is said.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use lab_model::config::Lab;
use lab_model::results::{
    DataFacts, Environment, EnvironmentKind, Evidence, Look, Manifest, PlanFacts, Reason,
    ReceiptLine, Repetition, Support, Versions,
};
use lab_stats::report::Verdict;
use lab_verdict::{Options, judge_run, terminal};

const TARGETS: [&str; 3] = ["go", "python", "rust-sqlx"];
const BLOCKS: u32 = 10;

fn lab() -> Lab {
    Lab::load(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab.toml")).unwrap()
}

fn manifest() -> Manifest {
    let lab = lab();
    let plan = &lab.plan;
    Manifest {
        schema_version: 1,
        run_id: "test".into(),
        created_at: "2026-11-24T10:00:00Z".parse().unwrap(),
        command: vec!["bench".into()],
        mode: "single".into(),
        profile_name: "read-heavy".into(),
        profile: lab.profile("read-heavy").unwrap().clone(),
        plan: PlanFacts {
            repetitions: BLOCKS,
            looks: 1,
            margin: plan.margin,
            alpha: plan.alpha,
            baseline: "go".into(),
            primary: vec!["p99".into()],
            secondary: vec!["throughput".into()],
            descriptive: vec!["error_rate".into()],
            cooldown_s: 0.0,
            kind: "default".into(),
        },
        targets: TARGETS
            .iter()
            .map(|t| ((*t).to_owned(), (*t).to_owned()))
            .collect(),
        seed: 1,
        order: Vec::new(),
        budgets: TARGETS
            .iter()
            .map(|t| ((*t).to_owned(), lab.budget("single", t).unwrap()))
            .collect(),
        receipt_limits: lab.receipt.clone(),
        lab_toml: String::new(),
        environment: Environment {
            kind: EnvironmentKind::Native,
            accel: None,
            limits: "cgroup_v2".into(),
            shared_cpus: false,
            oversubscribed: false,
            recording: "lab".into(),
            cpu_sets: BTreeMap::new(),
            host: serde_json::Value::Null,
        },
        versions: Versions::default(),
        data: DataFacts {
            users: 10_000,
            seed: "s".into(),
            checksum: "c".into(),
        },
    }
}

/// go at 10 ms, python at 40 ms, rust-sqlx as go but for noise that goes both ways.
fn repetitions() -> Vec<Repetition> {
    let mut all = Vec::new();
    for block in 1..=BLOCKS {
        let noise = |i: u32| 1.0 + 0.004 * f64::from((block * 7 + i * 3) % 5) - 0.008;
        for (slot, (target, p99)) in [("go", 10.0), ("python", 40.0), ("rust-sqlx", 10.0)]
            .into_iter()
            .enumerate()
        {
            let slot = u32::try_from(slot).unwrap();
            let p99 = p99 * noise(slot);
            all.push(Repetition {
                schema_version: 1,
                run_id: "test".into(),
                mode: "single".into(),
                profile: "read-heavy".into(),
                target: target.into(),
                block,
                slot: slot + 1,
                started_at: "2026-11-24T10:00:00Z".parse().unwrap(),
                finished_at: "2026-11-24T10:00:10Z".parse().unwrap(),
                valid: true,
                reasons: Vec::new(),
                flags: Vec::new(),
                metrics: BTreeMap::from([
                    ("p99".into(), Some(p99)),
                    ("throughput".into(), Some(100_000.0 / p99)),
                    ("error_rate".into(), Some(0.0)),
                ]),
                support: BTreeMap::from([(
                    "p99".into(),
                    Support {
                        tau: Some(1.0),
                        n_eff: Some(50_000.0),
                        exceedances: Some(500.0),
                        label: "ok".into(),
                    },
                )]),
                requests: 50_000,
                rows_dropped: 0,
                k6: None,
                evidence: Evidence::default(),
                receipt: vec![line("connections_peak", "connections", true)],
                files: BTreeMap::new(),
            });
        }
    }
    all
}

fn line(code: &str, label: &str, ok: bool) -> ReceiptLine {
    ReceiptLine {
        code: code.into(),
        label: label.into(),
        promised: "30 open, never more".into(),
        seen: if ok { "30".into() } else { "34".into() },
        ok: Some(ok),
    }
}

fn looks() -> Vec<Look> {
    vec![Look {
        at: "2026-11-24T10:10:00Z".parse().unwrap(),
        repetitions: BLOCKS,
    }]
}

fn verdict_of(repetitions: &[Repetition], target: &str) -> (Verdict, String) {
    let report = judge_run(&manifest(), repetitions, &looks(), &Options::default()).unwrap();
    let p99 = report.metric("p99").unwrap();
    let found = p99
        .comparisons
        .iter()
        .find(|c| c.a == target || c.b == target)
        .unwrap();
    (found.verdict, found.sentence("p99"))
}

#[test]
fn the_better_target_is_the_subject() {
    let (verdict, text) = verdict_of(&repetitions(), "python");
    assert_eq!(verdict, Verdict::Different);
    assert!(text.starts_with("go is 4"), "{text}");
}

#[test]
fn targets_within_the_margin_are_equivalent() {
    let (verdict, text) = verdict_of(&repetitions(), "rust-sqlx");
    assert_eq!(verdict, Verdict::Equivalent, "{text}");
}

#[test]
fn one_broken_promise_stops_the_ranking_of_its_target_only() {
    let mut all = repetitions();
    let cheat = all
        .iter_mut()
        .find(|r| r.target == "python" && r.block == 4)
        .unwrap();
    cheat.receipt = vec![line("connections_peak", "connections", false)];
    cheat.valid = false;
    cheat.reasons = vec![Reason {
        code: "connections_peak".into(),
        message: "connections".into(),
    }];
    let (verdict, text) = verdict_of(&all, "python");
    assert_eq!(verdict, Verdict::NoVerdict);
    assert!(
        text.contains("connections") && text.contains("34"),
        "it must name the line: {text}"
    );
    assert_eq!(
        verdict_of(&all, "rust-sqlx").0,
        Verdict::Equivalent,
        "the others are still ranked"
    );
    let shown = terminal::receipt(&manifest(), &all, terminal::Style::plain());
    assert!(
        shown.contains("Ranking stopped: the receipt of python does not balance"),
        "{shown}"
    );
    assert!(shown.contains("NO 34 (1 of 10)"), "{shown}");
}

#[test]
fn a_disturbed_host_costs_a_block_and_not_the_ranking() {
    let mut all = repetitions();
    let spoiled = all
        .iter_mut()
        .find(|r| r.target == "python" && r.block == 4)
        .unwrap();
    spoiled.receipt = vec![line("host_steal", "stolen CPU", false)];
    spoiled.valid = false;
    spoiled.reasons = vec![Reason {
        code: "host_steal".into(),
        message: "stolen CPU".into(),
    }];
    let report = judge_run(&manifest(), &all, &looks(), &Options::default()).unwrap();
    let pair = report
        .metric("p99")
        .unwrap()
        .comparisons
        .iter()
        .find(|c| c.a == "python")
        .unwrap()
        .clone();
    assert_eq!((pair.verdict, pair.repetitions), (Verdict::Different, 9));
}

#[test]
fn a_run_without_its_baseline_compares_with_its_first_target() {
    let mut manifest = manifest();
    manifest.targets.shift_remove("go");
    let all: Vec<Repetition> = repetitions()
        .into_iter()
        .filter(|r| r.target != "go")
        .collect();
    let report = judge_run(&manifest, &all, &looks(), &Options::default()).unwrap();
    let pair = &report.metric("p99").unwrap().comparisons[0];
    assert_eq!((pair.a.as_str(), pair.b.as_str()), ("rust-sqlx", "python"));
}

#[test]
fn all_pairs_and_metrics_are_the_readers_choice() {
    let options = Options {
        all_pairs: true,
        metrics: vec!["p99".into()],
        ..Options::default()
    };
    let report = judge_run(&manifest(), &repetitions(), &looks(), &options).unwrap();
    assert_eq!(report.metrics.len(), 1);
    assert_eq!(report.metrics[0].comparisons.len(), 3);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let report = judge_run(&manifest(), &repetitions(), &looks(), &Options::default()).unwrap();
    for width in [80, 120] {
        let style = terminal::Style {
            width,
            colour: false,
        };
        let text = terminal::receipt(&manifest(), &repetitions(), style)
            + &terminal::verdict(&report, style);
        for line in text.lines() {
            assert!(
                line.chars().count() <= usize::from(width),
                "{width}: {line}"
            );
        }
    }
}
