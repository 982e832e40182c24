//! The receipt: each promise beside what was seen. Pure: evidence in, lines and reasons out.
//!
//! Why each line exists is in docs/RECEIPT.md.

use lab_model::config::{Budget, Profile, ReceiptLimits};
use lab_model::results::{
    Evidence, Freshness, K6Figures, Reason, ReceiptLine, Statement, StepFigures,
};

/// What was promised and what was seen, of one repetition.
#[derive(Debug)]
pub struct Claim<'a> {
    /// The budget.
    pub budget: &'a Budget,
    /// CPUs of the generator.
    pub load_cpus: u32,
    /// The load.
    pub profile: &'a Profile,
    /// Limits.
    pub limits: &'a ReceiptLimits,
    /// Can a quota be enforced here?
    pub has_quota: bool,
    /// Observation.
    pub evidence: &'a Evidence,
    /// k6's summary.
    pub k6: Option<&'a K6Figures>,
    /// Requests in the raw record, all phases.
    pub recorded: u64,
    /// Requests of the measured phase in the raw record.
    pub measured: u64,
    /// Failed requests among them.
    pub failed: u64,
    /// Rows that did not fit the record.
    pub rows_dropped: u64,
    /// Steps of a rising rate. Such a load is meant to break the service: what fails then fails its step.
    pub steps: &'a [StepFigures],
    /// What differs between the limits asked for and those in force.
    pub limit_differences: &'a [String],
    /// By how much the wall clock left the monotonic clock over the repetition, in ms.
    pub clock_step_ms: f64,
}

/// One round trip and one row for a user; a page is two, with `page` rows and one count.
const PAGE_ROWS: u64 = 50;

/// All lines, in the order in which a sceptic asks.
pub fn lines(c: &Claim<'_>) -> Vec<ReceiptLine> {
    vec![
        limits_in_force(c),
        service_cpu(c),
        processes(c),
        connections(c),
        statements(c),
        queries_per_request(c),
        transactions(c),
        rows_per_query(c),
        follows_database(c),
        answers(c),
        generator_cpu(c),
        dropped(c),
        record(c),
        idle(c),
        steal(c),
        foreign(c),
        stall(c),
        pressure(c, "memory", c.limits.memory_pressure),
        pressure(c, "io", c.limits.io_pressure),
        clock(c),
    ]
}

/// The lines that fail, as reasons for invalidity.
pub fn reasons(lines: &[ReceiptLine]) -> Vec<Reason> {
    lines
        .iter()
        .filter(|l| l.ok == Some(false))
        .map(|l| Reason {
            code: l.code.clone(),
            message: format!("{}: promised {}, seen {}", l.label, l.promised, l.seen),
        })
        .collect()
}

fn line(code: &str, label: &str, promised: String, seen: String, ok: Option<bool>) -> ReceiptLine {
    ReceiptLine {
        code: code.to_owned(),
        label: label.to_owned(),
        promised,
        seen,
        ok,
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn limits_in_force(c: &Claim<'_>) -> ReceiptLine {
    let (seen, ok) = match c.limit_differences {
        [] if c.has_quota => ("as asked".to_owned(), Some(true)),
        [] => (
            "affinity only: no quota can be enforced here".to_owned(),
            None,
        ),
        some => (some.join("; "), Some(false)),
    };
    line(
        "limits_in_force",
        "limits in force",
        format!("quota of {} CPU", c.budget.cpus),
        seen,
        ok,
    )
}

fn service_cpu(c: &Claim<'_>) -> ReceiptLine {
    let quota = f64::from(c.budget.cpus);
    let promised = format!("at most {quota:.2} CPU");
    let Some((cpu, used)) = c
        .evidence
        .cpu
        .get("service")
        .and_then(|u| Some((u, u.cpus?)))
    else {
        return line(
            "service_cpu",
            "CPU of the service",
            promised,
            "no counter here".to_owned(),
            None,
        );
    };
    let throttled = match (cpu.throttled_periods, cpu.periods) {
        (Some(t), Some(n)) if n > 0 => format!(", throttled {t}/{n}"),
        _ => String::new(),
    };
    let ok = used <= quota * (1.0 + c.limits.service_cpu_over);
    line(
        "service_cpu",
        "CPU of the service",
        promised,
        format!("{used:.2} CPU{throttled}"),
        Some(ok),
    )
}

/// As many processes work as the mode gives workers, and none has left the limits.
fn processes(c: &Claim<'_>) -> ReceiptLine {
    let promised = format!("{} working, inside the limits", c.budget.processes);
    let (seen, ok) = match &c.evidence.processes {
        None => ("not observed".to_owned(), None),
        Some(seen) if !seen.strays.is_empty() => {
            let ids: Vec<String> = seen.strays.iter().map(u32::to_string).collect();
            (format!("outside: process {}", ids.join(", ")), Some(false))
        }
        Some(seen) => (
            format!("{} of {}", seen.working, seen.seen),
            Some(seen.working <= c.budget.processes),
        ),
    };
    line("processes", "processes", promised, seen, ok)
}

fn connections(c: &Claim<'_>) -> ReceiptLine {
    // Past the capacity, a request that is given up may take its connection with it, and the pool opens another.
    let may_dip = !c.steps.is_empty() && c.failed > 0;
    let promised = if c.steps.is_empty() {
        format!("{} open, never more", c.budget.db_connections)
    } else {
        format!(
            "{} open, never more; fewer only where requests fail",
            c.budget.db_connections
        )
    };
    let Some(seen) = &c.evidence.connections else {
        return line(
            "connections_peak",
            "connections",
            promised,
            "not observed".to_owned(),
            None,
        );
    };
    // Fewer at any moment is unequal as well: connections that come and go cost the service that makes them.
    let opened = seen.opened.unwrap_or(0);
    let ok = seen.peak <= c.budget.db_connections
        && (may_dip || (seen.low == c.budget.db_connections && opened == 0));
    let range = if seen.low == seen.peak {
        format!("{}", seen.peak)
    } else {
        format!("{} to {}", seen.low, seen.peak)
    };
    let waits = match seen.all_busy_samples {
        0 => String::new(),
        n => format!(", all busy in {n}/{} looks", seen.samples),
    };
    let new = match opened {
        0 => String::new(),
        n => format!(", {n} opened under load"),
    };
    line(
        "connections_peak",
        "connections",
        promised,
        format!("{range}, busy {:.1}{waits}{new}", seen.busy_mean),
        Some(ok),
    )
}

/// Calls of a query of the lab by name.
fn calls<'a>(c: &'a Claim<'_>, name: &str) -> Option<&'a Statement> {
    c.evidence
        .statements
        .iter()
        .find(|s| s.name.as_deref() == Some(name))
}

fn statements(c: &Claim<'_>) -> ReceiptLine {
    let promised = "only db/queries".to_owned();
    let foreign: Vec<&Statement> = c
        .evidence
        .statements
        .iter()
        .filter(|s| s.name.is_none())
        .collect();
    let (seen, ok) = match foreign.first() {
        _ if c.evidence.statements.is_empty() => ("no SQL at all".to_owned(), false),
        None => ("only these".to_owned(), true),
        Some(s) => {
            let text: String = s
                .query
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .chars()
                .take(60)
                .collect();
            (
                format!("{} more, first: {text} ({} calls)", foreign.len(), s.calls),
                false,
            )
        }
    };
    line("statements", "SQL", promised, seen, Some(ok))
}

/// Requests that k6 recorded against queries that Postgres answered.
fn queries_per_request(c: &Claim<'_>) -> ReceiptLine {
    let recorded = |name: &str| {
        c.evidence
            .recorded_by_endpoint
            .get(name)
            .copied()
            .unwrap_or(0)
    };
    let called = |name: &str| calls(c, name).map_or(0, |s| s.calls);
    // k6's set-up asks for one user before the load.
    let pairs = [
        ("get_user", recorded("user") + 1),
        ("list_users", recorded("users")),
        ("count_users", recorded("users")),
    ];
    // A request that failed may have reached Postgres or not; past the capacity there are many.
    let failed = if c.steps.is_empty() { 0 } else { c.failed };
    let slack = |n: u64| (n as f64 * c.limits.query_mismatch_share).ceil() as u64 + failed;
    // Asked once by k6's set-up, and by each connection that is opened late.
    let ready = 1 + u64::from(c.budget.db_connections);
    let pinged = (called("ready") > ready + slack(c.recorded)).then_some(("ready", ready));
    let wrong = pairs
        .into_iter()
        .find(|(name, n)| called(name).abs_diff(*n) > slack(*n))
        .or(pinged);
    let all: u64 = pairs.iter().map(|(name, _)| called(name)).sum();
    let (seen, ok) = match wrong {
        None => (format!("{all} for {}", c.recorded), true),
        Some((name, n)) => (
            format!("{name}: {} calls for {n} requests", called(name)),
            false,
        ),
    };
    line(
        "queries_per_request",
        "round trips",
        "1 a user, 2 a page".to_owned(),
        seen,
        Some(ok),
    )
}

/// What a connection may do besides queries: log in, prepare each of the lab's queries, say goodbye.
const TRIPS_PER_CONNECTION: u64 = 10;
/// What the lab itself does beside counted statements.
const OWN_TRIPS: u64 = 20;

/// Round trips that are no query are in no list of statements: empty ones as a ping, refused ones, queries that are
/// prepared again and again. Each is a transaction of its own.
fn transactions(c: &Claim<'_>) -> ReceiptLine {
    let promised = "one a query".to_owned();
    let Some(seen) = &c.evidence.traffic else {
        let seen = "not observed".to_owned();
        return line("transactions", "transactions", promised, seen, None);
    };
    let slack = (seen.statements as f64 * c.limits.query_mismatch_share).ceil() as u64
        // A request that failed may have taken its connection with it.
        + (u64::from(c.budget.db_connections) + c.failed) * TRIPS_PER_CONNECTION
        + OWN_TRIPS;
    line(
        "transactions",
        "transactions",
        promised,
        format!("{} for {} queries", seen.transactions, seen.statements),
        Some(seen.transactions <= seen.statements + slack),
    )
}

/// After the load, a row is changed: answers from a memory do not show it, however many queries are sent.
fn follows_database(c: &Claim<'_>) -> ReceiptLine {
    let (seen, ok) = match &c.evidence.freshness {
        None => ("not asked".to_owned(), None),
        Some(Freshness { asked, stale: None }) => (format!("in {asked} answers"), Some(true)),
        Some(Freshness {
            stale: Some(stale), ..
        }) => (format!("not in the answer to {stale}"), Some(false)),
    };
    let promised = "a changed row shows at once".to_owned();
    line("follows_database", "freshness", promised, seen, ok)
}

fn rows_per_query(c: &Claim<'_>) -> ReceiptLine {
    // The last page may be short, so a page has at most PAGE_ROWS rows on average and more than none.
    let user = calls(c, "get_user").map(|s| (s.rows, s.calls));
    let page = calls(c, "list_users").map(|s| (s.rows, s.calls));
    let count = calls(c, "count_users").map(|s| (s.rows, s.calls));
    let exact = |rows: Option<(u64, u64)>| rows.is_none_or(|(rows, calls)| rows == calls);
    let ok = exact(user)
        && exact(count)
        && page
            .is_none_or(|(rows, calls)| rows <= calls * PAGE_ROWS && rows * 2 > calls * PAGE_ROWS);
    let per = |rows: Option<(u64, u64)>| {
        rows.map_or("-".to_owned(), |(r, n)| {
            format!("{:.4}", r as f64 / n.max(1) as f64)
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        })
    };
    line(
        "rows_per_query",
        "rows",
        "1 a user, 50 a page".to_owned(),
        format!("{} and {}", per(user), per(page)),
        Some(ok),
    )
}

fn answers(c: &Claim<'_>) -> ReceiptLine {
    let wrong = c.k6.map_or(0, |k| k.checks_failed);
    let rate = if c.measured == 0 {
        1.0
    } else {
        c.failed.max(wrong) as f64 / c.measured as f64
    };
    // Failed requests may happen up to the gate, or in steps that they break; an answer of the wrong bytes may not
    // happen at all.
    let by_step = !c.steps.is_empty() && c.measured > 0;
    let ok = (by_step || rate <= c.limits.error_rate) && wrong <= c.failed;
    let seen = if c.measured == 0 {
        "no request".to_owned()
    } else {
        format!("{} failed, {wrong} wrong, of {}", c.failed, c.measured)
    };
    let promised = if by_step {
        "all right; failed ones break their step".to_owned()
    } else {
        format!("all right, at most {} failed", percent(c.limits.error_rate))
    };
    line("answers", "answers", promised, seen, Some(ok))
}

fn generator_cpu(c: &Claim<'_>) -> ReceiptLine {
    let share = c.limits.generator_cpu_share;
    let promised = format!("k6 below {:.2} CPU", share * f64::from(c.load_cpus));
    let Some(used) = c.evidence.cpu.get("k6").and_then(|u| u.cpus) else {
        return line(
            "generator_cpu",
            "load generator",
            promised,
            "no counter here".to_owned(),
            None,
        );
    };
    if !c.steps.is_empty() {
        return by_step(
            c,
            "generator_cpu",
            "load generator",
            promised,
            format!("{used:.2} CPU"),
        );
    }
    let ok = used < share * f64::from(c.load_cpus);
    line(
        "generator_cpu",
        "load generator",
        promised,
        format!("{used:.2} CPU"),
        Some(ok),
    )
}

/// A limit of the lab itself, where the rate rises: a step in which it was reached says nothing of the service, and the
/// figure is then a bound. The steps below it are as good as ever.
fn by_step(c: &Claim<'_>, code: &str, label: &str, promised: String, mean: String) -> ReceiptLine {
    let limited = c.steps.iter().filter(|s| s.limited).count();
    let seen = format!(
        "{mean} on average; the lab was the limit in {limited} of {} steps",
        c.steps.len()
    );
    line(
        code,
        label,
        format!("{promised}, in each step"),
        seen,
        Some(true),
    )
}

fn dropped(c: &Claim<'_>) -> ReceiptLine {
    let promised = format!("at most {} dropped", c.limits.dropped_iterations);
    let Some(k6) = c.k6 else {
        return line(
            "dropped_iterations",
            "arrivals",
            promised,
            "k6 left no summary".to_owned(),
            Some(false),
        );
    };
    if !c.steps.is_empty() {
        let broken = c.steps.iter().filter(|s| s.dropped > 0).count();
        let seen = format!(
            "{} dropped, in {broken} of {} steps",
            k6.dropped_iterations,
            c.steps.len()
        );
        let promised = "all started; dropped ones break their step".to_owned();
        return line("dropped_iterations", "arrivals", promised, seen, Some(true));
    }
    let ok = k6.dropped_iterations <= c.limits.dropped_iterations;
    let cap = if c.profile.executor.is_open() {
        format!(", {} of {} users", k6.vus_max, c.profile.vus)
    } else {
        String::new()
    };
    line(
        "dropped_iterations",
        "arrivals",
        promised,
        format!("{} dropped{cap}", k6.dropped_iterations),
        Some(ok),
    )
}

/// The record must be whole: every request that k6 counted is a row.
fn record(c: &Claim<'_>) -> ReceiptLine {
    let promised = "a row for every request".to_owned();
    let Some(k6) = c.k6 else {
        return line(
            "record",
            "record",
            promised,
            format!("{} rows, k6 left no summary", c.recorded),
            Some(false),
        );
    };
    let ok = c.rows_dropped == 0
        && c.recorded + k6.requests_setup == k6.requests_total
        && c.measured == k6.requests;
    let seen = if c.rows_dropped > 0 {
        format!("{} rows dropped", c.rows_dropped)
    } else {
        format!(
            "{} of {}",
            c.recorded,
            k6.requests_total - k6.requests_setup
        )
    };
    line("record", "record", promised, seen, Some(ok))
}

/// On a host without idle time every latency is also a wait for a CPU, and a faster service, which gets more load
/// from a closed loop, waits longer: its percentiles then say nothing of the service.
fn idle(c: &Claim<'_>) -> ReceiptLine {
    let promised = format!("at least {}", percent(c.limits.host_idle_share));
    match c.evidence.host.as_ref().and_then(|h| h.idle_share) {
        Some(share) if !c.steps.is_empty() => {
            by_step(c, "host_idle", "idle CPU", promised, percent(share))
        }
        Some(share) => line(
            "host_idle",
            "idle CPU",
            promised,
            percent(share),
            Some(share >= c.limits.host_idle_share),
        ),
        None => line(
            "host_idle",
            "idle CPU",
            promised,
            "not observed".to_owned(),
            None,
        ),
    }
}

fn steal(c: &Claim<'_>) -> ReceiptLine {
    let promised = format!("at most {}", percent(c.limits.host_steal_share));
    match c.evidence.host.as_ref().and_then(|h| h.steal_share) {
        Some(share) => line(
            "host_steal",
            "stolen CPU",
            promised,
            percent(share),
            Some(share <= c.limits.host_steal_share),
        ),
        None => line(
            "host_steal",
            "stolen CPU",
            promised,
            "not observed".to_owned(),
            None,
        ),
    }
}

fn foreign(c: &Claim<'_>) -> ReceiptLine {
    let promised = format!("at most {}", percent(c.limits.foreign_cpu_share));
    match c.evidence.host.as_ref().and_then(|h| h.foreign_share) {
        Some(share) => line(
            "foreign_cpu",
            "others' CPU",
            promised,
            percent(share),
            Some(share <= c.limits.foreign_cpu_share),
        ),
        None => line(
            "foreign_cpu",
            "others' CPU",
            promised,
            "no counter here".to_owned(),
            None,
        ),
    }
}

/// The observer asks Postgres and the kernel ten times a second. When it could not, one of them stood still, and so
/// did requests: of one target, by chance.
fn stall(c: &Claim<'_>) -> ReceiptLine {
    let (promised, limit) = match c.limits.stall_ms {
        Some(limit) => (format!("none of {limit} ms"), limit as f64),
        None => ("no limit is set".to_owned(), f64::INFINITY),
    };
    let longest = c.evidence.host.as_ref().and_then(|h| h.longest_gap_ms);
    line(
        "stall",
        "stalls",
        promised,
        longest.map_or("not observed".to_owned(), |ms| {
            format!("longest {ms:.0} ms")
        }),
        longest.filter(|_| limit.is_finite()).map(|ms| ms < limit),
    )
}

fn pressure(c: &Claim<'_>, resource: &str, limit: Option<f64>) -> ReceiptLine {
    let seen = c
        .evidence
        .host
        .as_ref()
        .and_then(|h| h.psi_some.get(resource));
    line(
        &format!("{resource}_pressure"),
        &format!("waits for {resource}"),
        limit.map_or("no limit is set".to_owned(), |l| {
            format!("at most {}", percent(l))
        }),
        seen.map_or("not observed".to_owned(), |share| percent(*share)),
        seen.zip(limit).map(|(share, limit)| *share <= limit),
    )
}

fn clock(c: &Claim<'_>) -> ReceiptLine {
    let limit = c.limits.clock_step_ms;
    // Not from the evidence of the host: a clock that jumped may have left no look inside the measured phase.
    let step = c.clock_step_ms;
    line(
        "clock_step",
        "clock",
        format!("steps below {limit} ms"),
        // Adding 0 makes a zero of what would be shown as -0.
        format!("{} ms", step.round() + 0.0),
        Some(step.abs() < limit as f64),
    )
}
