//! Sessions that never ran: stored figures in, what is said of them out.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use lab_model::config::Lab;
use lab_model::results::aa::{AaPlan, AaReport, Label, SlowdownPlan};
use lab_model::results::{
    DataFacts, Environment, EnvironmentKind, Evidence, Manifest, PlanFacts, Reason, Repetition,
    Support, Versions,
};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;

use super::blind::Seal;
use super::forward::Waited;
use super::{judge, text};

const TARGET: &str = "go";
const P50_MS: f64 = 1.0;
const P99_MS: f64 = 8.0;

fn manifest(aa: AaPlan) -> Manifest {
    let lab =
        Lab::load(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab.toml")).unwrap();
    let names = Label::BOTH.map(|l| l.of(TARGET));
    let plan = &lab.plan;
    Manifest {
        schema_version: 1,
        run_id: "test".into(),
        created_at: "2026-11-24T10:00:00Z".parse().unwrap(),
        command: vec!["bench".into()],
        mode: "single".into(),
        profile_name: "quick".into(),
        profile: lab.profile("quick").unwrap().clone(),
        plan: PlanFacts {
            repetitions: aa.blocks(),
            looks: 1,
            margin: plan.margin,
            alpha: plan.alpha,
            baseline: names[0].clone(),
            primary: plan.primary.clone(),
            secondary: plan.secondary.clone(),
            descriptive: plan.descriptive.clone(),
            cooldown_s: 0.0,
            kind: "aa".into(),
            slo: None,
        },
        targets: names.iter().map(|n| (n.clone(), n.clone())).collect(),
        seed: 1,
        order: vec![names.to_vec(); aa.blocks() as usize],
        budgets: BTreeMap::new(),
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
            host: serde_json::json!({"model": "made up", "online": [0, 1]}),
        },
        versions: Versions::default(),
        data: DataFacts {
            users: 10_000,
            seed: "s".into(),
            checksum: "c".into(),
        },
        sweep: None,
        aa: Some(aa),
    }
}

fn plan(experiments: u32, repetitions: u32, slowdown: Option<SlowdownPlan>) -> AaPlan {
    AaPlan {
        target: TARGET.into(),
        experiments,
        repetitions,
        usual_repetitions: 10,
        slowdown,
    }
}

/// A repetition whose latencies are noisy by 2% and `delay_ms` longer.
fn repetition(label: Label, block: u32, delay_ms: f64, rng: &mut ChaCha12Rng) -> Repetition {
    let noise = || 0.98 + 0.04 * ChaCha12Rng::clone(rng).random::<f64>();
    let p50 = P50_MS * noise() + delay_ms;
    let _ = rng.random::<f64>();
    let p99 = P99_MS * (0.98 + 0.04 * rng.random::<f64>()) + delay_ms;
    let support = Support {
        tau: Some(1.0),
        n_eff: Some(50_000.0),
        exceedances: Some(500.0),
        label: "ok".into(),
    };
    Repetition {
        schema_version: 1,
        run_id: "test".into(),
        mode: "single".into(),
        profile: "quick".into(),
        target: label.of(TARGET),
        block,
        slot: 1 + u32::from(label == Label::B),
        started_at: "2026-11-24T10:00:00Z".parse().unwrap(),
        finished_at: "2026-11-24T10:00:10Z".parse().unwrap(),
        valid: true,
        reasons: Vec::new(),
        flags: Vec::new(),
        metrics: BTreeMap::from([
            ("p50".into(), Some(p50)),
            ("p95".into(), Some(p99 / 2.0)),
            ("p99".into(), Some(p99)),
            ("throughput".into(), Some(32_000.0 / (10.0 + p50))),
            (
                "cpu_per_request".into(),
                Some(80.0 * (0.98 + 0.04 * rng.random::<f64>())),
            ),
            ("error_rate".into(), Some(0.0)),
        ]),
        support: ["p50", "p95", "p99"]
            .map(|p| (p.to_owned(), support.clone()))
            .into(),
        requests: 50_000,
        rows_dropped: 0,
        k6: None,
        evidence: Evidence::default(),
        receipt: Vec::new(),
        bounds: BTreeMap::new(),
        steps: Vec::new(),
        files: BTreeMap::new(),
    }
}

/// All repetitions of a session in which `delay_ms` says how much longer a label takes in a block.
fn stored(aa: &AaPlan, seed: u64, delay_ms: impl Fn(u32, Label) -> f64) -> Vec<Repetition> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut all = Vec::new();
    for block in 1..=aa.blocks() {
        for label in Label::BOTH {
            all.push(repetition(label, block, delay_ms(block, label), &mut rng));
        }
    }
    all
}

fn report(aa: &AaPlan, repetitions: &[Repetition]) -> AaReport {
    let manifest = manifest(aa.clone());
    let experiments = judge::experiments(&manifest, repetitions).unwrap();
    judge::report(&manifest, repetitions, experiments, None).unwrap()
}

#[test]
fn where_nothing_differs_about_one_test_in_twenty_rejects() {
    let aa = plan(200, 7, None);
    let report = report(&aa, &stored(&aa, 3, |_, _| 0.0));
    let p99 = report.primary().unwrap();
    assert_eq!((p99.metric.as_str(), p99.experiments), ("p99", 200));
    assert!(!p99.alarm, "{} of 200", p99.false_alarms);
    assert_eq!(p99.alarm_from, Some(16));
    assert_eq!(p99.p_values.len(), 200);
    assert!(p99.uniformity_p.unwrap() > 0.01, "{:?}", p99.uniformity_p);
    // Uniform noise of 4% width on each side: sd of the difference 1.63%.
    let sd = p99.sd_log_ratio.unwrap();
    assert!((0.015..0.018).contains(&sd), "{sd}");
    let seen = p99.minimum_detectable_ratio.unwrap();
    assert!((1.010..1.022).contains(&seen), "{seen}");
}

#[test]
fn a_laboratory_that_favours_a_label_is_found_out() {
    let aa = plan(40, 7, None);
    let report = report(
        &aa,
        &stored(&aa, 4, |_, label| if label == Label::A { 0.4 } else { 0.0 }),
    );
    let p99 = report.primary().unwrap();
    assert!(
        p99.alarm && p99.false_alarms > 30,
        "{} of 40",
        p99.false_alarms
    );
    let shown = text::render(&report);
    assert!(shown.contains("ALARM at p99"), "{shown}");
}

#[test]
fn a_verdict_that_is_withheld_is_a_false_alarm_all_the_same() {
    let aa = plan(5, 7, None);
    let mut all = stored(&aa, 5, |_, label| if label == Label::A { 2.0 } else { 0.0 });
    for r in &mut all {
        let support = r.support.get_mut("p99").unwrap();
        support.exceedances = Some(3.0);
        support.label = "too_few".into();
    }
    let report = report(&aa, &all);
    let p99 = report.primary().unwrap();
    assert_eq!((p99.false_alarms, p99.shown, p99.experiments), (5, 0, 5));
}

#[test]
fn invalid_repetitions_cost_their_block_and_missing_ones_their_experiment() {
    let aa = plan(3, 7, None);
    let mut all = stored(&aa, 6, |_, _| 0.0);
    let spoiled = all.iter_mut().find(|r| r.block == 2).unwrap();
    spoiled.valid = false;
    spoiled.reasons = vec![Reason {
        code: "host_steal".into(),
        message: "stolen CPU".into(),
    }];
    all.retain(|r| r.block != 21);
    let report = report(&aa, &all);
    assert_eq!(
        report.experiments.len(),
        2,
        "the third has a block that is not there"
    );
    assert_eq!(report.experiments[0].outcomes["p99"].pairs, 6);
    assert_eq!(report.experiments[1].outcomes["p99"].pairs, 7);
    assert_eq!((report.invalid, report.repetitions), (1, 40));
    let shown = text::render(&report);
    assert!(
        shown.contains("1 of 40 repetitions do not count"),
        "{shown}"
    );
    assert!(shown.contains("3 were planned"), "{shown}");
}

#[test]
fn two_blocks_are_no_test_and_no_false_alarm() {
    let aa = plan(2, 2, None);
    let report = report(&aa, &stored(&aa, 7, |_, _| 0.0));
    let p99 = report.primary().unwrap();
    assert_eq!((p99.experiments, p99.rate, p99.alarm_from), (0, None, None));
    assert!(text::render(&report).contains("Too few complete blocks"));
}

/// A sealed series: judged without the seal, then opened.
fn series(seed: u64, share: f64, delay_ms: f64) -> (AaReport, Seal) {
    let seal = Seal::draw(12);
    let slowdown = SlowdownPlan {
        pilot_blocks: 3,
        shares: vec![share; 12],
        sealed_sha256: seal.digest().unwrap(),
    };
    let aa = plan(12, 7, Some(slowdown.clone()));
    let all = stored(&aa, seed, |block, label| {
        let slowed = aa.experiment_of(block).and_then(|e| seal.slowed(e));
        if slowed == Some(label) { delay_ms } else { 0.0 }
    });
    let manifest = manifest(aa.clone());
    let mut experiments = judge::experiments(&manifest, &all).unwrap();
    assert!(
        experiments.iter().all(|e| e.delay.is_none()),
        "the judgement knows no delay"
    );
    let p50 = judge::pilot_p50(&aa, &all).unwrap();
    assert!((p50 / P50_MS - 1.0).abs() < 0.03, "{p50}");
    let waited = |_, _| {
        Some(Waited {
            requests: 10,
            waited_ns: (delay_ms * 1e7) as u64,
        })
    };
    judge::unseal(&mut experiments, &slowdown, &seal, p50, waited);
    let found = judge::slowdown(&aa, &experiments, &all, p50);
    (
        judge::report(&manifest, &all, experiments, Some(found)).unwrap(),
        seal,
    )
}

#[test]
fn a_large_delay_is_always_found_on_the_right_side() {
    let (report, seal) = series(8, 0.2, 0.2);
    let delays = &report.slowdown.as_ref().unwrap().delays;
    let p50 = delays.iter().find(|d| d.metric == "p50").unwrap();
    assert_eq!((p50.detected, p50.wrong_way, p50.experiments), (12, 0, 12));
    assert!((p50.ratio.unwrap() - 1.2).abs() < 0.01, "{:?}", p50.ratio);
    assert!((p50.expected_ratio.unwrap() - 1.2).abs() < 0.01);
    assert!((p50.ci.unwrap()[0] - 0.735).abs() < 0.001);
    let throughput = delays.iter().find(|d| d.metric == "throughput").unwrap();
    assert_eq!(
        (throughput.detected, throughput.wrong_way),
        (12, 0),
        "slower means less, not more"
    );
    assert!(throughput.ratio.unwrap() < 1.0);
    assert!(
        delays.iter().all(|d| d.metric != "cpu_per_request"),
        "a delay costs the service nothing"
    );
    for e in &report.experiments {
        let delay = e.delay.as_ref().unwrap();
        assert_eq!(Some(delay.slowed), seal.slowed(e.experiment - 1));
        assert!((delay.waited_us.unwrap() - 200.0).abs() < 0.1);
    }
    assert!(
        report.metrics.iter().all(|m| m.experiments == 0),
        "with a delay nothing is a false alarm"
    );
}

#[test]
fn no_delay_in_a_series_is_an_aa_experiment() {
    let (report, _) = series(9, 0.0, 0.0);
    assert_eq!(report.primary().unwrap().experiments, 12);
    let delays = &report.slowdown.as_ref().unwrap().delays;
    let p99 = delays.iter().find(|d| d.metric == "p99").unwrap();
    assert_eq!(p99.detected, report.primary().unwrap().false_alarms);
    assert_eq!(p99.wrong_way, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn swapping_the_labels_changes_no_count(seed in 0..1_000_u64, delay in 0.0..0.5_f64) {
        let aa = plan(4, 7, None);
        let all = stored(&aa, seed, |_, label| if label == Label::B { delay } else { 0.0 });
        let mut swapped = all.clone();
        for r in &mut swapped {
            let label = if r.target == Label::A.of(TARGET) { Label::B } else { Label::A };
            r.target = label.of(TARGET);
        }
        let (one, other) = (report(&aa, &all), report(&aa, &swapped));
        for (a, b) in one.metrics.iter().zip(&other.metrics) {
            prop_assert_eq!((a.false_alarms, a.shown, a.experiments), (b.false_alarms, b.shown, b.experiments));
            for (p, q) in a.p_values.iter().zip(&b.p_values) {
                prop_assert!((p - q).abs() < 1e-9);
            }
        }
        for (a, b) in one.experiments.iter().zip(&other.experiments) {
            let (a, b) = (a.outcomes["p99"].ratio.unwrap(), b.outcomes["p99"].ratio.unwrap());
            prop_assert!((a * b - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn counts_fit_together(seed in 0..1_000_u64, experiments in 1..6_u32, repetitions in 3..9_u32) {
        let aa = plan(experiments, repetitions, None);
        let report = report(&aa, &stored(&aa, seed, |_, _| 0.0));
        for m in &report.metrics {
            prop_assert!(m.shown <= m.false_alarms && m.false_alarms <= m.experiments);
            prop_assert_eq!(m.experiments, u64::from(experiments));
            prop_assert_eq!(m.alarm, m.alarm_from.is_some_and(|x| m.false_alarms >= x));
        }
    }
}
