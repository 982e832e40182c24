//! The edge cases of the method, each with its test.
//!
//! | case | test |
//! |---|---|
//! | no repetition | `r_0_is_missing` |
//! | 1 repetition: no interval | `r_1_is_a_value_without_an_interval` |
//! | 2: estimates, an advisory interval, no verdict | `r_2_gives_estimates_and_an_advisory_interval` |
//! | 3 up to the line of the rank test: t, which says so | `r_3_to_the_line_uses_t_and_says_so` |
//! | all differences 0 | `all_differences_zero_is_no_verdict` |
//! | all differences the same, not 0 | `all_differences_identical_leave_t_undefined_and_signed_rank_valid` |
//! | a cell is missing | `missing_cell_drops_the_block_for_that_pair_only`, `missing_cells_above_a_fifth_are_unbalanced` |
//! | unequal sets of blocks | `unequal_block_sets_pair_by_block_id` |
//! | the same target twice in a block | `duplicate_target_and_block_is_an_error` |
//! | no block ids | `no_block_ids_is_welch_marked_unpaired` |
//! | a value of 0 or below | `metric_zero_or_negative_reports_the_difference_only` |
//! | no errors anywhere | `zero_errors_everywhere_has_no_test` |
//! | some errors | `some_errors_compare_differences_by_sign_flip`; above 20 blocks `sign_flip::tests::random_flips_are_close_and_repeatable` |
//! | a run failed, all runs failed | `run_failed_is_missing_with_its_reason`, `all_runs_failed_leaves_the_target_unmeasured_and_other_pairs_go_on` |
//! | NaN or infinite | `nan_and_infinity_are_refused_with_their_row`; in files `bad_rows_are_named_by_their_number` of analyzer |
//! | one target | `k_1_has_per_target_output_only`; its page `one_target_and_broken_runs_still_make_a_page` of analyzer |

use lab_stats::{
    JudgeError, judge,
    plan::Role,
    report::{Estimand, Method, Verdict},
    session::{Repetition, Session},
};

use crate::support::{first, noise, noisy, plan, run, session};

#[test]
fn r_0_is_missing() {
    let mut session = session(
        "p99",
        &[("a", vec![Some(1.0), None]), ("b", vec![None, Some(2.0)])],
    );
    let comparison = first(&session, 2);
    assert_eq!(
        (comparison.repetitions, comparison.ratio, comparison.ci),
        (0, None, None)
    );
    assert_eq!(
        comparison.text,
        "no verdict: no complete pair of repetitions"
    );
    // No run at all.
    session.repetitions.clear();
    let report = run(&plan("p99", Role::Primary, 2), &session);
    assert_eq!(report.metrics[0].targets[0].estimate, None);
    assert_eq!(
        report.metrics[0].comparisons[0].text,
        "no verdict: b is unmeasured: it has no repetition"
    );
}

#[test]
fn r_1_is_a_value_without_an_interval() {
    let session = session("p99", &[("a", vec![Some(1.0)]), ("b", vec![Some(2.0)])]);
    let report = run(&plan("p99", Role::Primary, 2), &session);
    let comparison = &report.metrics[0].comparisons[0];
    assert_eq!(comparison.ratio, Some(2.0));
    assert_eq!(
        (comparison.ci, comparison.p, comparison.verdict),
        (None, None, Verdict::NoVerdict)
    );
    assert_eq!(
        comparison.text,
        "no verdict: 1 repetition: no interval; ratio 2.0"
    );
    let target = &report.metrics[0].targets[0];
    assert_eq!((target.estimate, target.ci), (Some(1.0), None));
    assert_eq!(target.notes, ["1 repetition: no interval"]);
}

#[test]
fn r_2_gives_estimates_and_an_advisory_interval() {
    let comparison = first(&noisy("p99", 2, &[10.0, 20.0]), 2);
    assert!(comparison.advisory);
    let ci = comparison.ci.unwrap();
    assert!(ci[0] < comparison.ratio.unwrap() && comparison.ratio.unwrap() < ci[1]);
    assert_eq!(
        (comparison.method, comparison.p, comparison.verdict),
        (Method::None, None, Verdict::NoVerdict)
    );
    assert!(
        comparison
            .text
            .starts_with("no verdict: 2 repetitions: estimate only")
    );
}

#[test]
fn r_3_to_the_line_uses_t_and_says_so() {
    for n in 3..=6 {
        let comparison = first(&noisy("p99", n, &[10.0, 20.0]), 2);
        assert_eq!(
            (comparison.method, comparison.estimand),
            (Method::PairedT, Some(Estimand::GeomeanRatio))
        );
        assert!(
            comparison
                .notes
                .iter()
                .any(|note| note == "small R: t interval, assumes near-normal logs")
        );
        assert!(!comparison.advisory);
    }
    let comparison = first(&noisy("p99", 7, &[10.0, 20.0]), 2);
    assert_eq!(
        (comparison.method, comparison.estimand),
        (Method::SignedRank, Some(Estimand::PseudomedianRatio))
    );
}

#[test]
fn all_differences_zero_is_no_verdict() {
    for n in [3, 10] {
        let values: Vec<_> = (0..n)
            .map(|block| Some(10.0 * noise(block, 0).exp()))
            .collect();
        let comparison = first(&session("p99", &[("a", values.clone()), ("b", values)]), 2);
        assert_eq!(
            (comparison.ratio, comparison.p, comparison.ci),
            (Some(1.0), Some(1.0), None)
        );
        assert_eq!(
            comparison.text,
            "no verdict: identical values: check clock resolution or duplicated results"
        );
    }
}

#[test]
fn all_differences_identical_leave_t_undefined_and_signed_rank_valid() {
    let rows = |n| {
        let a: Vec<_> = (0..n)
            .map(|block| Some(10.0 * noise(block, 0).exp()))
            .collect();
        let b = a.iter().map(|x| x.map(|x: f64| 1.2 * x)).collect();
        session("p99", &[("a", a), ("b", b)])
    };
    let by_t = first(&rows(5), 2);
    assert!((by_t.ratio.unwrap() - 1.2).abs() < 1e-12);
    assert_eq!(
        (by_t.p, by_t.ci, by_t.verdict),
        (None, None, Verdict::NoVerdict)
    );
    assert!(by_t.text.contains("t is undefined"), "{}", by_t.text);
    let by_ranks = first(&rows(10), 2);
    assert_eq!(by_ranks.p, Some(f64::powi(2.0, -9)));
    assert_eq!(by_ranks.verdict, Verdict::Different);
}

#[test]
fn missing_cell_drops_the_block_for_that_pair_only() {
    let mut session = noisy("p99", 10, &[10.0, 20.0, 30.0]);
    session
        .repetitions
        .retain(|run| !(run.target == "b" && run.block == Some(4)));
    let report = run(&plan("p99", Role::Primary, 3), &session);
    let [b, c] = &report.metrics[0].comparisons[..] else {
        panic!("two pairs")
    };
    assert_eq!((b.repetitions, c.repetitions), (9, 10));
    assert!(
        b.notes
            .iter()
            .any(|note| note == "9 complete pairs, 1 of 10 blocks lost")
    );
    assert_eq!(b.verdict, Verdict::Different);
}

#[test]
fn missing_cells_above_a_fifth_are_unbalanced() {
    let lose = |n: usize, lost: u64| {
        let mut session = noisy("p99", n, &[10.0, 20.0]);
        session
            .repetitions
            .retain(|run| run.target == "a" || run.block >= Some(lost));
        first(&session, 2)
    };
    // 5 of 8 left, the line is 7: no verdict.
    let few = lose(8, 3);
    assert_eq!(few.verdict, Verdict::NoVerdict);
    assert!(
        few.text
            .starts_with("no verdict: unbalanced: 3 of 8 blocks lost"),
        "{}",
        few.text
    );
    // 7 of 10 left: above the line, marked.
    let enough = lose(10, 3);
    assert_eq!(enough.verdict, Verdict::Different);
    assert!(enough.notes.iter().any(|note| note == "unbalanced"));
    // Exactly a fifth is not more than a fifth.
    assert_eq!(lose(5, 1).verdict, Verdict::Different);
}

#[test]
fn unequal_block_sets_pair_by_block_id() {
    let mut session = noisy("p99", 9, &[10.0, 20.0]);
    let paired = first(&session, 2);
    // The order of the rows does not matter, only the block ids.
    session.repetitions.reverse();
    assert_eq!(first(&session, 2), paired);
}

#[test]
fn duplicate_target_and_block_is_an_error() {
    let mut session = noisy("p99", 3, &[10.0, 20.0]);
    let copy = Repetition {
        place: Some("runs.csv line 9".to_owned()),
        ..session.repetitions[0].clone()
    };
    session.repetitions.push(copy);
    let error = judge(&plan("p99", Role::Primary, 2), &session).unwrap_err();
    assert!(matches!(error, JudgeError::Duplicate { block: 0, .. }));
    assert!(
        error
            .to_string()
            .starts_with("runs.csv line 9: target a occurs twice in block 0")
    );
}

#[test]
fn no_block_ids_is_welch_marked_unpaired() {
    let mut session = noisy("p99", 10, &[10.0, 20.0]);
    session
        .repetitions
        .iter_mut()
        .for_each(|run| run.block = None);
    let comparison = first(&session, 2);
    assert_eq!(
        (comparison.method, comparison.verdict),
        (Method::Welch, Verdict::Different)
    );
    assert!(comparison.notes.iter().any(|note| note == "unpaired"));
    assert!(
        comparison
            .notes
            .iter()
            .any(|note| note.starts_with("check by Mann-Whitney"))
    );
}

#[test]
fn metric_zero_or_negative_reports_the_difference_only() {
    let values = |shift: f64| {
        (0..10)
            .map(|block| Some(shift + block as f64))
            .collect::<Vec<_>>()
    };
    let session = session("p99", &[("a", values(0.0)), ("b", values(0.5))]);
    let comparison = first(&session, 2);
    assert_eq!(
        (
            comparison.ratio,
            comparison.ci,
            comparison.p,
            comparison.estimand
        ),
        (None, None, None, None)
    );
    assert_eq!(comparison.difference, Some(0.5));
    assert_eq!(comparison.verdict, Verdict::NoVerdict);
    assert_eq!(
        comparison.text,
        "no verdict: p99 has a value of 0 or below, so it has no ratio; difference 0.5 ms"
    );
}

fn with_errors(errors: &[(&str, [u64; 4])]) -> Session {
    let mut session = Session::default();
    for (target, counts) in errors {
        for (block, errors) in counts.iter().enumerate() {
            session.repetitions.push(Repetition {
                requests: Some(1000),
                errors: Some(*errors),
                ..Repetition::new(target, block as u64)
            });
        }
    }
    session
}

#[test]
fn zero_errors_everywhere_has_no_test() {
    let session = with_errors(&[("a", [0; 4]), ("b", [0; 4])]);
    let report = run(&plan("error_rate", Role::Descriptive, 2), &session);
    let comparison = &report.metrics[0].comparisons[0];
    assert_eq!(
        (comparison.p, comparison.verdict),
        (None, Verdict::NoVerdict)
    );
    assert_eq!(
        comparison.text,
        "no errors in 8000 requests (95% upper bound 3/n = 0.0375% if errors were independent)"
    );
    assert_eq!(report.metrics[0].targets[0].ci, Some([0.0, 3.0 / 4000.0]));
}

#[test]
fn some_errors_compare_differences_by_sign_flip() {
    let session = with_errors(&[("a", [0; 4]), ("b", [3, 4, 5, 6])]);
    let report = run(&plan("error_rate", Role::Descriptive, 2), &session);
    let comparison = &report.metrics[0].comparisons[0];
    assert_eq!(comparison.p, Some(0.125));
    assert!((comparison.difference.unwrap() - 0.0045).abs() < 1e-12);
    assert_eq!(
        (comparison.verdict, comparison.p_adjusted),
        (Verdict::NoVerdict, None)
    );
    assert_eq!(
        comparison.text,
        "descriptive: error rate 0.45% against 0%, difference 0.45% (exact sign-flip p=0.125)"
    );
}

#[test]
fn run_failed_is_missing_with_its_reason() {
    let mut session = noisy("p99", 10, &[10.0, 20.0]);
    session.repetitions[3]
        .invalid
        .push("load generator saturated".to_owned());
    let report = run(&plan("p99", Role::Primary, 2), &session);
    assert_eq!(report.metrics[0].targets[0].repetitions, 9);
    let flag = report
        .flags
        .iter()
        .find(|flag| flag.kind == "invalid_run")
        .unwrap();
    assert_eq!(
        flag.text,
        "a in block 3 does not count: load generator saturated"
    );
}

#[test]
fn all_runs_failed_leaves_the_target_unmeasured_and_other_pairs_go_on() {
    let mut session = noisy("p99", 10, &[10.0, 20.0, 30.0]);
    for run in session
        .repetitions
        .iter_mut()
        .filter(|run| run.target == "b")
    {
        run.invalid.push("did not start".to_owned());
    }
    let report = run(&plan("p99", Role::Primary, 3), &session);
    let [b, c] = &report.metrics[0].comparisons[..] else {
        panic!("two pairs")
    };
    assert_eq!(
        b.text,
        "no verdict: b is unmeasured: all 10 repetitions are invalid (did not start)"
    );
    assert_eq!(c.verdict, Verdict::Different);
    // The family keeps its planned size.
    assert_eq!((c.family, c.p_adjusted), (2, c.p.map(|p| 2.0 * p)));
    assert!(report.flags.iter().any(|flag| flag.kind == "unmeasured"));
}

#[test]
fn nan_and_infinity_are_refused_with_their_row() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut session = noisy("p99", 3, &[10.0, 20.0]);
        session.repetitions[4]
            .metrics
            .insert("p99".to_owned(), Some(bad));
        let error = judge(&plan("p99", Role::Primary, 2), &session).unwrap_err();
        assert!(
            error.to_string().starts_with("row 5: p99 of b is"),
            "{error}"
        );
    }
}

#[test]
fn k_1_has_per_target_output_only() {
    let report = run(&plan("p99", Role::Primary, 1), &noisy("p99", 10, &[10.0]));
    assert!(report.metrics[0].comparisons.is_empty());
    let target = &report.metrics[0].targets[0];
    let ci = target.ci.unwrap();
    assert!(ci[0] < target.estimate.unwrap() && target.estimate.unwrap() < ci[1]);
}
