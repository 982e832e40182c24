//! From stored repetitions to words: who may be ranked, and what is said.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use lab_model::config::Lab;
use lab_model::results::{
    DataFacts, Environment, EnvironmentKind, Evidence, Look, Manifest, PlanFacts, Reason,
    ReceiptLine, Repetition, StepFigures, Support, Sweep, SweepVariable, Versions,
};
use lab_stats::report::Verdict;
use lab_verdict::terminal::{self, Style};
use lab_verdict::{Options, judge_run};

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
            slo: None,
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
        sweep: None,
        aa: None,
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
                steps: Vec::new(),
                bounds: BTreeMap::new(),
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

/// A run of the profile `capacity`: steps of 500 req/s; `at` gives the highest step that was met, by target and block,
/// and whether the host was full in the next one.
fn capacity_run(at: impl Fn(&str, u32) -> (u32, bool)) -> (Manifest, Vec<Repetition>) {
    let mut m = manifest();
    let lab = lab();
    m.profile_name = "capacity".into();
    m.profile = lab.profile("capacity").unwrap().clone();
    (m.profile.rate, m.profile.steps, m.profile.measure_s) = (Some(4000), Some(8), 40.0);
    m.plan.slo = Some(lab.plan.slo);
    m.plan.primary = vec!["capacity".into()];
    m.plan.secondary = Vec::new();
    m.plan.descriptive = vec!["p99".into(), "error_rate".into()];
    let mut all = repetitions();
    for r in &mut all {
        let (best, full) = at(&r.target, r.block);
        r.steps = (1..=8)
            .map(|step| StepFigures {
                rate: 500 * step,
                planned: 2500 * u64::from(step),
                requests: 2500 * u64::from(step),
                errors: 0,
                dropped: 0,
                p99_ms: Some(if step <= best { 10.0 } else { 500.0 }),
                broke: if step <= best {
                    Vec::new()
                } else {
                    vec!["p99".into()]
                },
                idle_share: None,
                generator_cpus: None,
                limited: full && step > best,
            })
            .collect();
        let (rate, bound) = lab_verdict::capacity::figure(&r.steps).unwrap();
        r.metrics.insert("capacity".into(), Some(rate));
        r.bounds.extend(bound.map(|b| ("capacity".to_owned(), b)));
        // Past the capacity everything fails: no reason to refuse a target here.
        r.metrics.insert("error_rate".into(), Some(0.2));
    }
    (m, all)
}

fn capacity_of(at: impl Fn(&str, u32) -> (u32, bool)) -> lab_stats::report::MetricReport {
    let (m, all) = capacity_run(at);
    let report = judge_run(&m, &all, &[], &Options::default()).unwrap();
    assert!(
        report.notes[0].contains("8 steps of 500 req/s, 5 s each"),
        "{:?}",
        report.notes
    );
    report
        .metrics
        .into_iter()
        .find(|m| m.metric == "capacity")
        .unwrap()
}

#[test]
fn capacities_are_compared_like_any_metric() {
    let found = capacity_of(|target, block| match target {
        "python" => (2 + block % 2, false),
        _ => (6 + block % 2, false),
    });
    let go = &found.targets[0];
    assert!(
        go.estimate.is_some_and(|e| (3000.0..=3500.0).contains(&e)) && go.ci.is_some(),
        "{go:?}"
    );
    assert_eq!(go.bound, None);
    let python = &found.comparisons[0];
    assert_eq!(
        (python.a.as_str(), python.verdict),
        ("python", Verdict::Different)
    );
    assert!(
        python.text.starts_with("go keeps the objective at "),
        "{}",
        python.text
    );
    let (m, all) = capacity_run(|_, block| (6 + block % 2, false));
    let steps = lab_verdict::capacity::table(&m, &all, Style::plain()).unwrap();
    assert!(
        steps.contains("met 5/10") && steps.contains("500 ms, met 0/10"),
        "{steps}"
    );
    assert!(lab_verdict::capacity::table(&manifest(), &repetitions(), Style::plain()).is_none());
    // The same steps in every block: nothing is known of what lies between two steps.
    let rust = &found.comparisons[1];
    assert_eq!(rust.verdict, Verdict::NoVerdict);
    assert!(
        rust.text.contains("only finer steps would tell more"),
        "{}",
        rust.text
    );
}

#[test]
fn a_bound_may_only_make_a_difference_larger() {
    // go passes all steps, python breaks: at least so. rust-sqlx passes all as well: nothing can be said of the two.
    let found = capacity_of(|target, block| match target {
        "python" => (2 + block % 2, false),
        _ => (8, false),
    });
    assert_eq!(
        found.targets[0].bound,
        Some(lab_stats::capacity::Bound::AtLeast)
    );
    assert_eq!(found.comparisons[0].verdict, Verdict::Different);
    assert!(
        found.comparisons[0].text.contains("at least so"),
        "{}",
        found.comparisons[0].text
    );
    assert_eq!(found.comparisons[1].verdict, Verdict::NoVerdict);
    assert!(
        found.comparisons[1]
            .text
            .contains("above what this run could load"),
        "{}",
        found.comparisons[1].text
    );
    // The host was full when python broke: it may be as good as go.
    let found = capacity_of(|target, block| match target {
        "python" => (2 + block % 2, true),
        _ => (6 + block % 2, false),
    });
    assert_eq!(found.comparisons[0].verdict, Verdict::NoVerdict);
    assert!(
        found.comparisons[0].text.contains("only a bound"),
        "{}",
        found.comparisons[0].text
    );
    // Not even the first step: at most that, so go is ahead by at least as much.
    let found = capacity_of(|target, block| match target {
        "python" => (0, false),
        _ => (6 + block % 2, false),
    });
    assert_eq!(
        found.targets[1].bound,
        Some(lab_stats::capacity::Bound::AtMost)
    );
    assert_eq!(found.comparisons[0].verdict, Verdict::Different);
}

#[test]
fn a_sweep_sets_verdicts_side_by_side() {
    let sweep = Sweep {
        schema_version: 1,
        sweep_id: "s".into(),
        created_at: "2026-11-24T10:00:00Z".parse().unwrap(),
        command: Vec::new(),
        variable: SweepVariable::DbConnections,
        values: vec![5, 30],
        seed: 1,
        order: Vec::new(),
    };
    let m = manifest();
    let slow = repetitions();
    let mut fast = repetitions();
    for r in fast.iter_mut().filter(|r| r.target == "python") {
        let p99 = r.metrics["p99"].unwrap();
        r.metrics.insert("p99".into(), Some(p99 / 16.0));
    }
    let reports = [&slow, &fast].map(|all| judge_run(&m, all, &[], &Options::default()).unwrap());
    let text = lab_verdict::sweep::text(
        &sweep,
        &[(5, &m, &slow, &reports[0]), (30, &m, &fast, &reports[1])],
        Style::plain(),
    );
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("The ranking flips at p99: go is ahead of python with 5 connections, python with 30 (ratio python/go 4.01 and 0.250)."),
        "{text}"
    );
    assert!(words.contains("Receipt with 5 connections: "), "{text}");
    // Throughput did not change sides.
    assert_eq!(text.matches("The ranking flips").count(), 1, "{text}");
}
