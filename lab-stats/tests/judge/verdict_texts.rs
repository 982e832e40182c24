//! The words of the verdicts.

use insta::assert_snapshot;
use lab_stats::{
    plan::{JudgePlan, Role},
    report::{Report, Verdict},
    session::Session,
    support::{PercentileSupport, Support},
};

use crate::support::{all_pairs, first, looking, noise, noisy, plan, run, session};

fn text(report: &Report, comparison: usize) -> &str {
    &report.metrics[0].comparisons[comparison].text
}

#[test]
fn different() {
    let report = run(
        &plan("p99", Role::Primary, 4),
        &noisy("p99", 10, &[18.0, 10.0, 10.7, 18.7]),
    );
    assert_snapshot!(text(&report, 0), @"b is 1.81x faster than a at p99 (95% CI 1.78-1.83, p=0.006 Holm of 3)");
    assert_snapshot!(text(&report, 1), @"c is 1.69x faster than a at p99 (95% CI 1.67-1.71, p=0.006 Holm of 3)");
    assert_snapshot!(text(&report, 2), @"equivalent within ±5% (ratio 1.038, 90% CI 1.031-1.046); a real but small difference");
}

#[test]
fn the_better_target_is_the_subject_whatever_the_direction() {
    for (metric, better, worse) in [
        ("p99", "b", "a"),
        ("throughput", "a", "b"),
        ("cpu_per_request", "b", "a"),
    ] {
        let report = run(
            &plan(metric, Role::Primary, 2),
            &noisy(metric, 10, &[18.0, 10.0]),
        );
        let text = text(&report, 0);
        assert!(
            text.starts_with(&format!("{better} ")) && text.contains(&format!("than {worse} ")),
            "{text}"
        );
    }
    let throughput = run(
        &plan("throughput", Role::Primary, 2),
        &noisy("throughput", 10, &[18.0, 10.0]),
    );
    assert_snapshot!(text(&throughput, 0), @"a is 1.81x faster than b in throughput (95% CI 1.78-1.83, p=0.002)");
    let cost = run(
        &plan("cpu_per_request", Role::Secondary, 2),
        &noisy("cpu_per_request", 10, &[18.0, 10.0]),
    );
    assert_snapshot!(text(&cost, 0), @"b uses 1.81x less CPU per request than a (95% CI 1.78-1.83, p=0.002) [secondary]");
}

#[test]
fn equivalent_and_really_different_but_small() {
    let same = run(
        &plan("p99", Role::Primary, 2),
        &noisy("p99", 10, &[10.0, 10.0]),
    );
    assert_snapshot!(text(&same, 0), @"equivalent within ±5% (ratio 0.997, 90% CI 0.986-1.008)");
    let small = run(
        &plan("p99", Role::Primary, 2),
        &noisy("p99", 10, &[10.0, 10.2]),
    );
    assert_snapshot!(text(&small, 0), @"equivalent within ±5% (ratio 1.02, 90% CI 1.01-1.03); a real but small difference");
    assert_eq!(small.metrics[0].comparisons[0].verdict, Verdict::Equivalent);
}

#[test]
fn cannot_tell_yet_says_how_many_more() {
    let few = first(&noisy("p99", 3, &[10.0, 10.2]), 2);
    assert_snapshot!(few.text, @"can't tell yet: ratio 1.02 (95% CI 0.96-1.09); about 10 more repetitions needed to resolve 5%");
    assert_eq!(few.verdict, Verdict::CannotTell);
    assert!(few.more_repetitions.unwrap() >= 1);
    let wild: Vec<_> = (0..6)
        .map(|block| Some(10.0 * (30.0 * noise(block, 1)).exp()))
        .collect();
    let calm: Vec<_> = (0..6)
        .map(|block| Some(10.0 * noise(block, 0).exp()))
        .collect();
    let noisy = first(&session("p99", &[("a", calm), ("b", wild)]), 2);
    assert_snapshot!(noisy.text, @"can't tell yet: ratio 1.15 (95% CI 0.20-6.64); repetitions needed to resolve 5%: more than 50: reduce the noise first (sd of paired ratio is 430%)");
    assert_eq!(noisy.more_repetitions, None);
    assert_snapshot!(noisy.sentence("p99"), @"b vs a, p99: can't tell yet: ratio 1.15 (95% CI 0.20-6.64); repetitions needed to resolve 5%: more than 50: reduce the noise first (sd of paired ratio is 430%)");
}

#[test]
fn significant_alone_but_not_after_correction() {
    // One of nine disagrees, with the third smallest difference: p = 10/512, four times that is above 5%.
    let flat = |d: [f64; 9]| d.iter().map(|d| Some(10.0 * d.exp())).collect::<Vec<_>>();
    let d = [0.01, 0.02, -0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09];
    let mut rows = vec![("a", flat([0.0; 9])), ("b", flat(d))];
    for (name, target) in [("c", 2), ("d", 3), ("e", 4)] {
        rows.push((
            name,
            (0..9)
                .map(|i| Some(10.0 * noise(i, target).exp()))
                .collect(),
        ));
    }
    let report = run(&plan("p99", Role::Primary, 5), &session("p99", &rows));
    let b = &report.metrics[0].comparisons[0];
    assert!(
        b.p.unwrap() < 0.05 && b.p_adjusted.unwrap() >= 0.05,
        "{b:?}"
    );
    assert!(
        b.text.contains("not after correcting for 4 comparisons"),
        "{}",
        b.text
    );
}

#[test]
fn nothing_is_called_not_significant() {
    for n in 0..12 {
        for centre in [10.0, 10.1, 10.6, 30.0] {
            let report = run(
                &JudgePlan::new(["a", "b"], "a"),
                &noisy("p99", n, &[10.0, centre]),
            );
            let all = serde_json::to_string(&report).unwrap().to_lowercase();
            assert!(!all.contains("no significant difference") && !all.contains("not significant"));
        }
    }
}

#[test]
fn gates_stop_the_faster_target_only() {
    let broken = |target: &str, session: &mut Session, errors: u64, dropped: u64| {
        for run in session.repetitions.iter_mut() {
            run.requests = Some(1000);
            run.errors = Some(if run.target == target { errors } else { 0 });
            run.dropped_iterations = Some(if run.target == target { dropped } else { 0 });
        }
    };
    let mut fast_fails = noisy("p99", 10, &[20.0, 10.0]);
    broken("b", &mut fast_fails, 20, 0);
    let report = run(&plan("p99", Role::Primary, 2), &fast_fails);
    assert_snapshot!(text(&report, 0), @"no verdict: b is ahead, but b failed 2% of its requests (limit 0.1%)");
    assert!(report.flags.iter().any(|flag| flag.kind == "errors"));

    let mut slow_drops = noisy("p99", 10, &[20.0, 10.0]);
    broken("a", &mut slow_drops, 0, 4);
    let report = run(&plan("p99", Role::Primary, 2), &slow_drops);
    assert_eq!(report.metrics[0].comparisons[0].verdict, Verdict::Different);
    assert!(
        report.metrics[0].comparisons[0]
            .notes
            .iter()
            .any(|note| note.contains("lower bounds"))
    );
    assert!(report.flags.iter().any(|flag| flag.kind == "saturated"));

    let mut equal_drops = noisy("p99", 10, &[10.0, 10.0]);
    broken("a", &mut equal_drops, 0, 4);
    assert_eq!(
        first(&equal_drops, 2).verdict,
        Verdict::NoVerdict,
        "a lower bound cannot be equivalent"
    );
}

#[test]
fn too_few_tail_samples_show_the_value_without_a_verdict() {
    let mut data = noisy("p99", 10, &[20.0, 10.0]);
    for run in &mut data.repetitions {
        let few = PercentileSupport {
            tau: Some(5.0),
            n_eff: Some(1000.0),
            exceedances: 10.0,
            label: Support::TooFew,
        };
        run.support.insert("p99".to_owned(), few);
    }
    let comparison = first(&data, 2);
    assert_snapshot!(comparison.text, @"no verdict: too few tail samples for p99; ratio 0.499 (95% CI 0.493-0.505)");
    assert!(comparison.ratio.is_some());
}

#[test]
fn open_loop_throughput_and_descriptive_metrics_get_no_verdict() {
    let mut plan_open = plan("throughput", Role::Secondary, 2);
    plan_open.open_loop = true;
    let report = run(&plan_open, &noisy("throughput", 10, &[500.0, 501.0]));
    assert_snapshot!(text(&report, 0), @"no verdict: fixed by the load; ratio 0.999 (95% CI 0.988-1.011)");
    let report = run(
        &plan("p90", Role::Descriptive, 2),
        &noisy("p90", 10, &[20.0, 10.0]),
    );
    assert_snapshot!(text(&report, 0), @"descriptive: ratio 0.499 (95% CI 0.493-0.505)");
    assert_eq!(report.metrics[0].comparisons[0].p, None);
}

#[test]
fn looks_change_the_level() {
    let data = noisy("p99", 10, &[20.0, 10.0]);
    let pocock = run(&looking(plan("p99", Role::Primary, 2), 2, 1), &data);
    assert_snapshot!(text(&pocock, 0), @"b is 2.01x faster than a at p99 (97.06% CI 1.98-2.03, p=0.002)");
    let extended = run(&looking(plan("p99", Role::Primary, 2), 1, 2), &data);
    assert!((extended.alpha - 0.02).abs() < 1e-12);
    assert_snapshot!(extended.notes[0], @"extended after a look; false-positive rate at most 8%");
    let too_often = run(&looking(plan("p99", Role::Primary, 2), 1, 4), &data);
    assert_snapshot!(text(&too_often, 0), @"no verdict: looked too often: no error level is left");
}

#[test]
fn families() {
    let data = noisy("p99", 10, &[20.0, 10.0, 11.0, 19.0]);
    let baseline = run(&plan("p99", Role::Primary, 4), &data);
    assert!(
        baseline.metrics[0]
            .comparisons
            .iter()
            .all(|c| c.family == 3 && c.b == "a")
    );
    let pairs = run(&all_pairs(plan("p99", Role::Primary, 4)), &data);
    assert_eq!(pairs.metrics[0].comparisons.len(), 6);
    assert!(pairs.metrics[0].comparisons.iter().all(|c| c.family == 6));
    let mut strict = plan("p99", Role::Primary, 4);
    strict.strict = true;
    strict.roles.push(("p50".to_owned(), Role::Secondary));
    strict.roles.push(("p90".to_owned(), Role::Descriptive));
    assert!(
        run(&strict, &data).metrics[0]
            .comparisons
            .iter()
            .all(|c| c.family == 6)
    );
}

#[test]
fn an_outlier_is_flagged_kept_and_tried_without() {
    let mut data = noisy("p99", 12, &[20.0, 10.0, 14.0]);
    let odd = data
        .repetitions
        .iter_mut()
        .find(|run| run.target == "b" && run.block == Some(5))
        .unwrap();
    odd.metrics.insert("p99".to_owned(), Some(25.0));
    let report = run(&plan("p99", Role::Primary, 3), &data);
    let flag = report
        .flags
        .iter()
        .find(|flag| flag.kind == "outlier")
        .unwrap();
    assert_eq!((flag.target.as_deref(), flag.block), (Some("b"), Some(5)));
    let b = &report.metrics[0].comparisons[0];
    assert_eq!(b.repetitions, 12);
    assert!(
        b.notes
            .iter()
            .any(|note| note.starts_with("sensitivity, without flagged block 5: b is")),
        "{:?}",
        b.notes
    );
}

#[test]
fn methods_that_disagree_are_named() {
    // One wild repetition: t loses the difference, the ranks keep it.
    let a: Vec<_> = (0..12).map(|i| Some(10.0 * noise(i, 0).exp())).collect();
    let b = (0..12)
        .map(|i| Some(10.0 * (noise(i, 1) + if i == 4 { -0.6 } else { 0.05 }).exp()))
        .collect();
    let comparison = first(&session("p99", &[("a", a), ("b", b)]), 2);
    assert!(
        comparison
            .notes
            .iter()
            .any(|n| n.starts_with("methods disagree (signed-rank p=")),
        "{:?}",
        comparison.notes
    );
}

#[test]
fn strict_families_reach_over_the_metrics() {
    // p50 is p99 / 2 here, so both metrics have the same p-values.
    let mut data = noisy("p99", 10, &[20.0, 10.0, 19.7]);
    for run in &mut data.repetitions {
        let p99 = run.metrics["p99"].unwrap();
        run.metrics.insert("p50".to_owned(), Some(p99 / 2.0));
    }
    let mut plan = plan("p99", Role::Primary, 3);
    plan.roles.push(("p50".to_owned(), Role::Secondary));
    let p_adjusted = |strict: bool| {
        let report = run(
            &JudgePlan {
                strict,
                ..plan.clone()
            },
            &data,
        );
        report.metrics[0].comparisons[0].p_adjusted.unwrap()
    };
    assert_eq!(p_adjusted(false), 2.0 / 512.0);
    assert_eq!(p_adjusted(true), 4.0 / 512.0);
}
