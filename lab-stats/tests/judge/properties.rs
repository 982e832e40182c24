//! Properties that hold for any data.

use lab_stats::{
    hodges_lehmann::hodges_lehmann,
    judge,
    judge::estimate::{Levels, paired},
    multiplicity::{benjamini_hochberg, holm, holm_in_family},
    plan::{JudgePlan, Role},
    quantile::{quantile, quantiles_by_selection},
    report::Verdict,
    session::{Repetition, Session},
    signed_rank::signed_rank,
    summary::RunSummary,
    t_test::LogT,
};
use proptest::{collection::vec, prelude::*};

use crate::support::plan;

const LEVELS: Levels = Levels {
    alpha: 0.05,
    family: 1,
    margin: 0.048_790_164_169_432,
};

fn paired_session(a: &[f64], b: &[f64]) -> Session {
    let mut session = Session::default();
    for (target, values) in [("a", a), ("b", b)] {
        for (block, value) in values.iter().enumerate() {
            let mut run = Repetition::new(target, block as u64);
            run.metrics.insert("p99".to_owned(), Some(*value));
            session.repetitions.push(run);
        }
    }
    session
}

/// Values of a and b in the same blocks.
fn pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
    vec((0.5..2.0_f64, 0.5..2.5_f64), 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantiles_rise_with_p_and_stay_inside(mut x in vec(-1e12..1e12_f64, 1..60), p in vec(0.0..=1.0_f64, 2..6)) {
        let mut p = p;
        p.sort_unstable_by(f64::total_cmp);
        let q: Vec<f64> = p.iter().map(|&p| quantile(&x, p).unwrap()).collect();
        prop_assert!(q.windows(2).all(|pair| pair[0] <= pair[1] + 1e-3));
        x.sort_unstable_by(f64::total_cmp);
        prop_assert!(q.iter().all(|q| *q >= x[0] - 1e-3 && *q <= x[x.len() - 1] + 1e-3));
    }

    #[test]
    fn selection_is_sorting(x in vec(-1_000_000_i64..1_000_000, 0..300), mut p in vec(0.0..=1.0_f64, 0..7)) {
        p.sort_unstable_by(f64::total_cmp);
        let floats: Vec<f64> = x.iter().map(|&x| x as f64).collect();
        let want: Vec<_> = p.iter().map(|&p| quantile(&floats, p)).collect();
        prop_assert_eq!(quantiles_by_selection(&mut x.clone(), &p), want);
    }

    #[test]
    fn holm_is_never_below_raw_and_keeps_order(p in vec(0.0..=1.0_f64, 0..20), extra in 0_usize..5) {
        for adjusted in [holm(&p), holm_in_family(&p, p.len() + extra), benjamini_hochberg(&p)] {
            for (i, j) in (0..p.len()).flat_map(|i| (0..p.len()).map(move |j| (i, j))) {
                prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j] + 1e-15);
            }
        }
    }

    #[test]
    fn order_of_the_pairs_does_not_matter(d in vec(-0.5..0.5_f64, 3..20), seed in any::<u64>()) {
        let mut shuffled = d.clone();
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let (one, two) = (paired(&d, &LEVELS).unwrap(), paired(&shuffled, &LEVELS).unwrap());
        prop_assert!((one.log_ratio - two.log_ratio).abs() < 1e-12);
        prop_assert!((one.p.unwrap() - two.p.unwrap()).abs() < 1e-9);
    }

    #[test]
    fn swapped_targets_get_the_mirrored_verdict(pairs in pairs()) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let session = paired_session(&a, &b);
        let (mut first, mut second) = (plan("p99", Role::Primary, 2), plan("p99", Role::Primary, 2));
        second.pairs = lab_stats::plan::Pairs::Baseline("b".to_owned());
        first.margin = 0.2;
        second.margin = 0.2;
        let one = judge(&first, &session).unwrap().metrics[0].comparisons[0].clone();
        let two = judge(&second, &session).unwrap().metrics[0].comparisons[0].clone();
        prop_assert_eq!(one.verdict, two.verdict);
        prop_assert_eq!(one.p.is_some(), two.p.is_some());
        if let (Some(x), Some(y)) = (one.p, two.p) { prop_assert!((x - y).abs() < 1e-9); }
        if let (Some(x), Some(y)) = (one.ratio, two.ratio) { prop_assert!((x * y - 1.0).abs() < 1e-9); }
        if one.verdict == Verdict::Different { prop_assert_eq!(one.text, two.text); }
    }

    #[test]
    fn the_unit_does_not_matter(pairs in pairs(), scale in 1e-6..1e6_f64) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let judged = |scale: f64| {
            let scaled = |x: &[f64]| x.iter().map(|x| x * scale).collect::<Vec<_>>();
            judge(&plan("p99", Role::Primary, 2), &paired_session(&scaled(&a), &scaled(&b))).unwrap()
        };
        let (one, two) = (judged(1.0), judged(scale));
        let (one, two) = (&one.metrics[0].comparisons[0], &two.metrics[0].comparisons[0]);
        prop_assert_eq!(one.verdict, two.verdict);
        if let (Some(x), Some(y)) = (one.ratio, two.ratio) { prop_assert!((x / y - 1.0).abs() < 1e-9); }
    }

    #[test]
    fn the_exact_interval_inverts_the_exact_test(d in vec(-0.5..0.5_f64, 7..16), shift in -0.6..0.6_f64) {
        let ci = hodges_lehmann(&d, 0.05).unwrap().interval.unwrap();
        let p = signed_rank(&d.iter().map(|d| d - shift).collect::<Vec<_>>()).unwrap().p;
        // Continuous data have no ties, so the two must agree everywhere but on the ends themselves.
        if (shift - ci.low).abs() > 1e-9 && (shift - ci.high).abs() > 1e-9 {
            prop_assert_eq!(p <= 0.05, shift < ci.low || shift > ci.high, "p {} shift {} ci {:?}", p, shift, ci);
        }
    }

    #[test]
    fn the_t_interval_inverts_the_t_test(d in vec(-0.5..0.5_f64, 3..16), shift in -0.6..0.6_f64) {
        let ci = LogT::of_differences(&d).unwrap().interval(0.05).unwrap();
        let p = LogT::of_differences(&d.iter().map(|d| d - shift).collect::<Vec<_>>()).unwrap().p().unwrap();
        if (p - 0.05).abs() > 1e-9 {
            prop_assert_eq!(p < 0.05, shift < ci[0] || shift > ci[1]);
        }
    }

    #[test]
    fn p_falls_as_the_distance_grows(d in vec(-0.5..0.5_f64, 7..16), step in 0.0..0.5_f64) {
        // From the estimate outwards p can only fall. Not from the estimate itself: it is a Walsh average,
        // where a difference is zero or two are tied and the null distribution is another.
        let centre = hodges_lehmann(&d, 0.05).unwrap().estimate;
        let p = |by: f64| signed_rank(&d.iter().map(|d| d - centre - 1.2345e-7 - by).collect::<Vec<_>>()).unwrap().p_less;
        prop_assert!(p(step) <= p(0.0) + 1e-12);
        prop_assert!(p(2.0 * step) <= p(step) + 1e-12);
    }

    #[test]
    fn shown_numbers_stay_on_their_side_of_one(values in vec(0.2..5.0_f64, 3)) {
        let texts = lab_stats::text::ratios(&values, &[1.0]);
        for (value, text) in values.iter().zip(&texts) {
            let shown: f64 = text.parse().unwrap();
            prop_assert_eq!((*value < 1.0, *value > 1.0), (shown < 1.0, shown > 1.0));
        }
    }

    #[test]
    fn no_finite_input_panics(
        rows in vec((0_usize..4, 0_u64..12, prop::option::of(prop::num::f64::NORMAL | prop::num::f64::ZERO), any::<bool>()), 0..60),
        all in any::<bool>(), strict in any::<bool>(), margin in 0.001..3.0_f64, looks in 1_u32..=3, number in 1_u32..6,
    ) {
        let mut session = Session::default();
        for (row, (target, block, value, valid)) in rows.into_iter().enumerate() {
            let mut run = Repetition::new(["a", "b", "c", "d"][target], block);
            if row % 7 == 6 { run.block = None; }
            if !valid { run.invalid.push("why not".to_owned()); }
            run.metrics.insert("p99".to_owned(), value);
            run.metrics.insert("error_rate".to_owned(), value.map(|x| (x.abs() % 1.0).min(1.0)));
            session.repetitions.push(run);
        }
        let mut plan = JudgePlan::new(["a", "b", "c", "d"], "a");
        if all { plan.pairs = lab_stats::plan::Pairs::All; }
        (plan.strict, plan.margin) = (strict, margin);
        plan.looks = lab_stats::plan::Looks { planned: looks, number, peeked: false };
        match judge(&plan, &session) {
            Ok(report) => {
                let json = serde_json::to_string(&report).unwrap();
                prop_assert!(!json.contains("NaN") && !json.contains("inf"), "{}", json);
            }
            Err(error) => prop_assert!(error.to_string().contains("occurs twice"), "{}", error),
        }
    }

    #[test]
    fn summaries_are_in_order(duration in vec(0_i64..10_000_000_000, 0..400)) {
        let started: Vec<i64> = (0..duration.len() as i64).collect();
        let summary = RunSummary::of(&started, &duration, &vec![false; duration.len()]).unwrap();
        if let Some(l) = summary.latency {
            prop_assert!(l.p50 <= l.p90 && l.p90 <= l.p95 && l.p95 <= l.p99 && l.p99 <= l.p999 && l.p999 <= l.max);
            prop_assert!(l.mean <= l.max + 1e-9);
        }
    }
}
