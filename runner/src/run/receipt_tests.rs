//! Each line of the receipt can fail, and says why.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use lab_model::config::{Budget, Executor, Mix, Profile, ReceiptLimits};
use lab_model::results::{
    Connections, CpuUse, Evidence, Freshness, HostUse, K6Figures, Processes, Statement,
    StepFigures, Traffic,
};

use super::receipt::{Claim, lines, reasons};

/// A repetition in which every promise was kept.
struct Good {
    budget: Budget,
    profile: Profile,
    limits: ReceiptLimits,
    evidence: Evidence,
    k6: Option<K6Figures>,
    recorded: u64,
    measured: u64,
    failed: u64,
    rows_dropped: u64,
    differences: Vec<String>,
    steps: Vec<StepFigures>,
    clock_step_ms: f64,
    has_quota: bool,
}

fn statement(name: Option<&str>, query: &str, calls: u64, rows: u64) -> Statement {
    Statement {
        query_id: "1".into(),
        query: query.into(),
        name: name.map(str::to_owned),
        calls,
        rows,
        mean_ms: 0.1,
    }
}

fn good() -> Good {
    let cpu = |cpus: f64| CpuUse {
        wall_s: 10.0,
        used_s: Some(10.0 * cpus),
        cpus: Some(cpus),
        ..CpuUse::default()
    };
    Good {
        budget: Budget {
            cpus: 1,
            workers: 1,
            processes: 1,
            db_connections: 30,
            pool_size: 30,
        },
        profile: Profile {
            title: "t".into(),
            executor: Executor::ConstantVus,
            warmup_s: 1.0,
            measure_s: 10.0,
            vus: 16,
            rate: None,
            steps: None,
            think_time_ms: 0,
            mix: Mix {
                user: 90,
                users: 10,
            },
        },
        limits: ReceiptLimits {
            service_cpu_over: 0.05,
            generator_cpu_share: 0.9,
            host_steal_share: 0.05,
            host_idle_share: 0.05,
            foreign_cpu_share: 0.1,
            error_rate: 0.001,
            dropped_iterations: 0,
            query_mismatch_share: 0.001,
            clock_step_ms: 50,
            stall_ms: Some(1000),
            memory_pressure: Some(0.05),
            io_pressure: Some(0.25),
        },
        evidence: Evidence {
            cpu: BTreeMap::from([
                ("service".to_owned(), cpu(1.0)),
                ("postgres".to_owned(), cpu(0.4)),
                ("k6".to_owned(), cpu(0.5)),
            ]),
            connections: Some(Connections {
                samples: 100,
                peak: 30,
                low: 30,
                busy_peak: 9,
                busy_mean: 3.0,
                all_busy_samples: 0,
                opened: Some(0),
            }),
            processes: Some(Processes {
                seen: 2,
                working: 1,
                strays: Vec::new(),
            }),
            traffic: Some(Traffic {
                transactions: 11_500,
                statements: 11_400,
            }),
            freshness: Some(Freshness {
                asked: 8,
                stale: None,
            }),
            recorded_by_endpoint: BTreeMap::from([
                ("user".to_owned(), 9000),
                ("users".to_owned(), 1000),
            ]),
            statements: vec![
                statement(Some("get_user"), "SELECT …", 9001, 9001),
                statement(Some("list_users"), "SELECT …", 1000, 50_000),
                statement(Some("count_users"), "SELECT …", 1000, 1000),
                statement(Some("ready"), "SELECT $1", 1, 1),
            ],
            host: Some(HostUse {
                steal_share: Some(0.0),
                idle_share: Some(0.4),
                foreign_share: Some(0.01),
                longest_gap_ms: Some(120.0),
                psi_some: BTreeMap::from([("memory".to_owned(), 0.0), ("io".to_owned(), 0.01)]),
                ..HostUse::default()
            }),
            ..Evidence::default()
        },
        k6: Some(K6Figures {
            exit_code: Some(0),
            requests: 9000,
            requests_total: 10_002,
            requests_setup: 2,
            ..K6Figures::default()
        }),
        recorded: 10_000,
        measured: 9000,
        failed: 0,
        rows_dropped: 0,
        differences: Vec::new(),
        steps: Vec::new(),
        clock_step_ms: -0.2,
        has_quota: true,
    }
}

/// Codes of the lines that fail.
fn failing(g: &Good) -> Vec<String> {
    let lines = lines(&Claim {
        budget: &g.budget,
        load_cpus: 1,
        profile: &g.profile,
        limits: &g.limits,
        has_quota: g.has_quota,
        evidence: &g.evidence,
        k6: g.k6.as_ref(),
        recorded: g.recorded,
        measured: g.measured,
        failed: g.failed,
        rows_dropped: g.rows_dropped,
        steps: &g.steps,
        limit_differences: &g.differences,
        clock_step_ms: g.clock_step_ms,
    });
    reasons(&lines).into_iter().map(|r| r.code).collect()
}

fn after(change: impl FnOnce(&mut Good)) -> Vec<String> {
    let mut g = good();
    change(&mut g);
    failing(&g)
}

#[test]
fn a_good_repetition_balances() {
    assert_eq!(failing(&good()), Vec::<String>::new());
}

#[test]
fn more_cpu_than_the_quota_is_seen() {
    assert_eq!(
        after(|g| g.evidence.cpu.get_mut("service").unwrap().cpus = Some(1.2)),
        ["service_cpu"]
    );
}

#[test]
fn limits_that_are_not_in_force_are_seen() {
    assert_eq!(
        after(|g| g
            .differences
            .push("service: CPU quota: asked for 1 CPUs, none is in force".into())),
        ["limits_in_force"]
    );
}

#[test]
fn too_many_and_too_few_connections_are_seen() {
    assert_eq!(
        after(|g| g.evidence.connections.as_mut().unwrap().peak = 31),
        ["connections_peak"]
    );
    assert_eq!(
        after(|g| g.evidence.connections.as_mut().unwrap().low = 12),
        ["connections_peak"]
    );
}

#[test]
fn a_connection_that_no_look_saw_is_counted() {
    assert_eq!(
        after(|g| g.evidence.connections.as_mut().unwrap().opened = Some(1)),
        ["connections_peak"]
    );
}

#[test]
fn more_workers_than_the_mode_gives_are_seen() {
    assert_eq!(
        after(|g| g.evidence.processes.as_mut().unwrap().working = 2),
        ["processes"]
    );
}

#[test]
fn a_process_outside_of_its_limits_is_seen() {
    assert_eq!(
        after(|g| g.evidence.processes.as_mut().unwrap().strays = vec![77]),
        ["processes"]
    );
}

#[test]
fn round_trips_that_are_no_query_are_seen() {
    // The allowance is for opening connections: two pings a request are far beyond it.
    assert_eq!(
        after(|g| g.evidence.traffic.as_mut().unwrap().transactions = 31_400),
        ["transactions"]
    );
}

#[test]
fn pings_by_a_query_of_the_lab_are_seen() {
    assert_eq!(
        after(|g| g.evidence.statements[3].calls = 20_000),
        ["queries_per_request"]
    );
}

#[test]
fn a_stale_answer_is_seen() {
    assert_eq!(
        after(|g| g.evidence.freshness.as_mut().unwrap().stale = Some("GET /users/x".into())),
        ["follows_database"]
    );
}

#[test]
fn a_stall_is_seen() {
    assert_eq!(
        after(|g| g.evidence.host.as_mut().unwrap().longest_gap_ms = Some(1500.0)),
        ["stall"]
    );
}

#[test]
fn waits_for_memory_and_disk_are_seen() {
    let with = |resource: &str, share: f64| {
        after(|g| {
            let host = g.evidence.host.as_mut().unwrap();
            host.psi_some.insert(resource.to_owned(), share);
        })
    };
    assert_eq!(with("memory", 0.1), ["memory_pressure"]);
    assert_eq!(with("io", 0.5), ["io_pressure"]);
}

#[test]
fn what_has_no_limit_is_not_judged() {
    let codes = after(|g| {
        g.limits.stall_ms = None;
        g.limits.io_pressure = None;
        let host = g.evidence.host.as_mut().unwrap();
        host.longest_gap_ms = Some(5000.0);
        host.psi_some.insert("io".to_owned(), 0.9);
    });
    assert_eq!(codes, Vec::<String>::new());
}

#[test]
fn foreign_sql_is_seen() {
    assert_eq!(
        after(|g| g
            .evidence
            .statements
            .push(statement(None, "RESET ALL", 9000, 0))),
        ["statements"]
    );
}

#[test]
fn a_cache_is_seen() {
    // Half of the users never reach Postgres.
    let codes = after(|g| {
        g.evidence.statements[0].calls = 4500;
        g.evidence.statements[0].rows = 4500;
    });
    assert_eq!(codes, ["queries_per_request"]);
}

#[test]
fn no_sql_at_all_is_seen() {
    assert_eq!(
        after(|g| g.evidence.statements.clear()),
        ["statements", "queries_per_request"]
    );
}

#[test]
fn fewer_rows_are_seen() {
    assert_eq!(
        after(|g| g.evidence.statements[1].rows = 1000),
        ["rows_per_query"]
    );
}

#[test]
fn wrong_answers_are_seen() {
    assert_eq!(
        after(|g| g.k6.as_mut().unwrap().checks_failed = 1),
        ["answers"]
    );
    assert_eq!(after(|g| g.failed = 100), ["answers"]);
    assert_eq!(
        after(|g| g.failed = 9),
        Vec::<String>::new(),
        "0.1% failed is the gate"
    );
}

#[test]
fn a_saturated_generator_is_seen() {
    assert_eq!(
        after(|g| g.evidence.cpu.get_mut("k6").unwrap().cpus = Some(0.97)),
        ["generator_cpu"]
    );
    assert_eq!(
        after(|g| g.k6.as_mut().unwrap().dropped_iterations = 3),
        ["dropped_iterations"]
    );
}

#[test]
fn a_record_with_holes_is_seen() {
    assert_eq!(after(|g| g.rows_dropped = 1), ["record"]);
    assert_eq!(after(|g| g.recorded = 9_999), ["record"]);
    assert_eq!(after(|g| g.k6 = None), ["dropped_iterations", "record"]);
}

#[test]
fn a_full_host_is_seen() {
    let codes = after(|g| g.evidence.host.as_mut().unwrap().idle_share = Some(0.01));
    assert_eq!(codes, ["host_idle"]);
}

#[test]
fn a_disturbed_host_is_seen() {
    assert_eq!(
        after(|g| g.evidence.host.as_mut().unwrap().steal_share = Some(0.2)),
        ["host_steal"]
    );
    assert_eq!(
        after(|g| g.evidence.host.as_mut().unwrap().foreign_share = Some(0.3)),
        ["foreign_cpu"]
    );
    assert_eq!(after(|g| g.clock_step_ms = -3600e3), ["clock_step"]);
    // A clock that jumped may have left no look at the host inside the measured phase.
    assert_eq!(
        after(|g| {
            g.clock_step_ms = 3600e3;
            g.evidence.host = None;
        }),
        ["clock_step"]
    );
}

#[test]
fn what_cannot_be_observed_says_so_and_does_not_fail() {
    let codes = after(|g| {
        g.has_quota = false;
        g.evidence.cpu.clear();
        g.evidence.host = None;
    });
    assert_eq!(codes, Vec::<String>::new());
}

/// Past the capacity: arrivals dropped, answers failed, host and k6 full.
fn broken(g: &mut Good) {
    let k6 = g.k6.as_mut().unwrap();
    (k6.dropped_iterations, k6.checks_failed) = (500, 300);
    g.failed = 300;
    g.evidence.cpu.get_mut("k6").unwrap().cpus = Some(0.95);
    g.evidence.host.as_mut().unwrap().idle_share = Some(0.01);
    // The failed requests never reached Postgres.
    (
        g.evidence.statements[0].calls,
        g.evidence.statements[0].rows,
    ) = (8750, 8750);
}

#[test]
fn what_breaks_at_a_fixed_rate_breaks_only_its_step_where_the_rate_rises() {
    let at_a_fixed_rate = after(broken);
    for code in [
        "queries_per_request",
        "answers",
        "generator_cpu",
        "dropped_iterations",
        "host_idle",
    ] {
        assert!(
            at_a_fixed_rate.iter().any(|c| c == code),
            "{code} in {at_a_fixed_rate:?}"
        );
    }
    let step = StepFigures {
        rate: 500,
        planned: 9500,
        requests: 9000,
        errors: 300,
        dropped: 500,
        p99_ms: Some(900.0),
        broke: vec!["p99".into()],
        idle_share: Some(0.01),
        generator_cpus: Some(0.95),
        limited: true,
    };
    let rising = |g: &mut Good| {
        broken(g);
        g.steps = vec![step.clone(); 2];
    };
    assert_eq!(after(rising), Vec::<String>::new());
    let dip = |g: &mut Good, failed: u64| {
        rising(g);
        g.failed = failed;
        g.k6.as_mut().unwrap().checks_failed = failed;
        let connections = g.evidence.connections.as_mut().unwrap();
        connections.low = 28;
    };
    assert_eq!(after(|g| dip(g, 300)), Vec::<String>::new());
    assert!(after(|g| dip(g, 0)).contains(&"connections_peak".to_owned()));
    let more = |g: &mut Good| {
        rising(g);
        g.evidence.connections.as_mut().unwrap().peak = 31;
    };
    assert_eq!(after(more), ["connections_peak"]);
    // Wrong bytes and a cache are no matter of the rate.
    let wrong = |g: &mut Good| {
        rising(g);
        g.k6.as_mut().unwrap().checks_failed = 400;
    };
    assert_eq!(after(wrong), ["answers"]);
    let cache = |g: &mut Good| {
        rising(g);
        (
            g.evidence.statements[0].calls,
            g.evidence.statements[0].rows,
        ) = (4000, 4000);
    };
    assert_eq!(after(cache), ["queries_per_request"]);
}
