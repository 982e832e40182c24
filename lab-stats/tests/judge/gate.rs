//! The regression gate: `compare BASE NEW`.

use lab_stats::{
    gate::{Basis, GatePlan, GateReport, GateVerdict, compare, compare_same_blocks},
    report::Method,
    session::Session,
};

use crate::support::{noise, noisy, session};

/// BASE (or NEW) of another day: targets `a` (the control) and `b`, n blocks, all moved by `day`.
fn day(metric: &str, n: usize, first_block: usize, day: f64, b: f64) -> Session {
    let row = |target: usize, centre: f64| {
        (0..n)
            .map(|block| Some(centre * (day + noise(first_block + block, target)).exp()))
            .collect::<Vec<_>>()
    };
    session(metric, &[("a", row(0, 10.0)), ("b", row(1, b))])
}

fn with_control() -> GatePlan {
    GatePlan {
        control: Some("a".to_owned()),
        ..GatePlan::default()
    }
}

fn only(report: &GateReport) -> (GateVerdict, &str) {
    assert_eq!(report.lines.len(), 1);
    (report.lines[0].verdict, &report.lines[0].text)
}

#[test]
fn the_control_takes_the_session_out() {
    // The whole of NEW is 8% slower: the host, not the code.
    let base = day("p99", 10, 0, 0.0, 20.0);
    let same_code = compare(&with_control(), &base, &day("p99", 10, 20, 0.08, 20.0)).unwrap();
    assert_eq!(
        only(&same_code).0,
        GateVerdict::Pass,
        "{}",
        only(&same_code).1
    );
    assert_eq!(
        (same_code.lines[0].basis, same_code.lines[0].method),
        (Basis::Control, Method::Welch)
    );
    assert_eq!(same_code.exit_code(3), 0);
    let slower = compare(&with_control(), &base, &day("p99", 10, 20, 0.08, 23.0)).unwrap();
    assert_eq!(
        only(&slower).0,
        GateVerdict::Regression,
        "{}",
        only(&slower).1
    );
    assert!(
        only(&slower).1.starts_with("regression: p99 NEW/BASE 1.1"),
        "{}",
        only(&slower).1
    );
    assert_eq!(slower.exit_code(3), 1);
}

#[test]
fn small_changes_pass_with_a_note_and_noise_is_inconclusive() {
    let base = day("p99", 10, 0, 0.0, 20.0);
    let small = compare(
        &with_control(),
        &base,
        &day("p99", 10, 20, 0.0, 20.0 * 1.035),
    )
    .unwrap();
    assert_eq!(
        only(&small).0,
        GateVerdict::SmallChange,
        "{}",
        only(&small).1
    );
    assert_eq!(small.exit_code(3), 0);
    let few = compare(
        &with_control(),
        &day("p99", 3, 0, 0.0, 20.0),
        &day("p99", 3, 20, 0.0, 20.4),
    )
    .unwrap();
    assert_eq!(only(&few).0, GateVerdict::Inconclusive, "{}", only(&few).1);
    assert_eq!((few.exit_code(3), few.exit_code(0)), (3, 0));
    let two = compare(
        &with_control(),
        &day("p99", 2, 0, 0.0, 20.0),
        &day("p99", 2, 20, 0.0, 40.0),
    )
    .unwrap();
    assert!(
        only(&two)
            .1
            .contains("not enough repetitions to judge (2 in BASE, 2 in NEW, 3 are needed)")
    );
}

#[test]
fn without_a_control_the_session_variance_widens_the_interval() {
    let (base, new) = (day("p99", 10, 0, 0.0, 20.0), day("p99", 10, 20, 0.0, 21.6));
    let plan = GatePlan {
        targets: vec!["b".to_owned()],
        ..GatePlan::default()
    };
    let width = |session_sd: f64| {
        let report = compare(
            &GatePlan {
                session_sd,
                ..plan.clone()
            },
            &base,
            &new,
        )
        .unwrap();
        assert!(
            only(&report)
                .1
                .ends_with("different sessions: not a controlled comparison")
        );
        assert_eq!(report.lines[0].basis, Basis::DifferentSessions);
        let ci = report.lines[0].ci.unwrap();
        ci[1] / ci[0]
    };
    assert!(width(0.02) > width(0.0) && width(0.05) > width(0.02));
}

#[test]
fn throughput_is_turned_into_the_bad_direction() {
    let base = day("throughput", 10, 0, 0.0, 1000.0);
    let plan = GatePlan {
        metrics: vec!["throughput".to_owned()],
        ..with_control()
    };
    let slower = compare(&plan, &base, &day("throughput", 10, 20, 0.0, 800.0)).unwrap();
    assert_eq!(
        only(&slower).0,
        GateVerdict::Regression,
        "{}",
        only(&slower).1
    );
    assert!(slower.lines[0].ratio.unwrap() > 1.2);
    let faster = compare(&plan, &base, &day("throughput", 10, 20, 0.0, 1200.0)).unwrap();
    assert_eq!(only(&faster).0, GateVerdict::Pass, "{}", only(&faster).1);
}

#[test]
fn the_same_blocks_use_the_paired_method() {
    let plan = GatePlan::default();
    let worse = compare_same_blocks(&plan, &noisy("p99", 10, &[10.0, 11.5]), "a", "b").unwrap();
    assert_eq!(
        (worse.lines[0].method, worse.lines[0].basis),
        (Method::SignedRank, Basis::SameBlocks)
    );
    assert_eq!(only(&worse).0, GateVerdict::Regression);
    let better = compare_same_blocks(&plan, &noisy("p99", 10, &[11.5, 10.0]), "a", "b").unwrap();
    assert_eq!(only(&better).0, GateVerdict::Pass);
}

#[test]
fn holm_counts_metrics_times_targets() {
    let both = |first: usize, b: f64| {
        let mut all = day("p99", 10, first, 0.0, b);
        for run in &mut all.repetitions {
            let p99 = run.metrics["p99"].unwrap();
            run.metrics.insert("p50".to_owned(), Some(p99 / 3.0));
        }
        all
    };
    let plan = GatePlan {
        metrics: vec!["p99".to_owned(), "p50".to_owned()],
        ..with_control()
    };
    let report = compare(&plan, &both(0, 20.0), &both(20, 24.0)).unwrap();
    assert_eq!(report.lines.len(), 2);
    assert!(
        report
            .lines
            .iter()
            .all(|line| line.p_adjusted.unwrap() >= line.p.unwrap())
    );
    assert!(
        report.lines[0].text.contains("Holm of 2"),
        "{}",
        report.lines[0].text
    );
}

#[test]
fn who_fails_or_is_missing_does_not_pass() {
    let base = day("p99", 10, 0, 0.0, 20.0);
    let mut failing = day("p99", 10, 20, 0.0, 15.0);
    for run in failing
        .repetitions
        .iter_mut()
        .filter(|run| run.target == "b")
    {
        (run.requests, run.errors) = (Some(1000), Some(30));
    }
    let report = compare(&with_control(), &base, &failing).unwrap();
    assert_eq!(only(&report).0, GateVerdict::Inconclusive);
    assert!(
        only(&report)
            .1
            .ends_with("in NEW, b failed 3% of its requests (limit 0.1%)"),
        "{}",
        only(&report).1
    );

    let mut missing = day("p99", 10, 20, 0.0, 20.0);
    missing.repetitions.retain(|run| run.target == "a");
    let report = compare(&with_control(), &base, &missing).unwrap();
    assert_eq!(only(&report).0, GateVerdict::Inconclusive);
    assert!(
        only(&report).1.contains("in NEW, b is unmeasured"),
        "{}",
        only(&report).1
    );
    // Nothing to compare is not a pass.
    let nothing = compare(
        &GatePlan::default(),
        &Session::default(),
        &Session::default(),
    )
    .unwrap();
    assert_eq!(nothing.verdict, GateVerdict::Inconclusive);
}

#[test]
fn bad_input_is_an_error() {
    let base = day("p99", 3, 0, 0.0, 20.0);
    let unknown = GatePlan {
        metrics: vec!["p98".to_owned()],
        ..GatePlan::default()
    };
    assert!(
        compare(&unknown, &base, &base)
            .unwrap_err()
            .to_string()
            .contains("\"p98\", which does not exist")
    );
    let negative = GatePlan {
        session_sd: -1.0,
        ..GatePlan::default()
    };
    assert!(compare(&negative, &base, &base).is_err());
}
