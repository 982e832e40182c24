//! What a service promises when its database or its process comes and goes.
//!
//! These cases stop, pause and lock the database, and start and end the service, so the caller lends control over
//! both: [`Database`] and [`Service`]. [`local`] has implementations for a cluster and a command on this machine.
//! All limits are the contract's own, with [`Promises::slack`] on top: none of them measures performance.

mod clients;
mod control;
mod database;
mod findings;
pub mod local;
mod outage;
mod pool;
mod process;
mod requests;
mod role;
mod stage;
pub mod wire;

use std::time::{Duration, Instant};

pub use control::{ControlError, Database, EnvChange, Exit, Service};
pub use stage::Stage;

use crate::report::{CaseResult, Report};
use findings::{Findings, StageError};

/// What the contract promises in numbers; `[contract]` and `[modes]` of `lab.toml`.
#[derive(Debug, Clone)]
pub struct Promises {
    /// Acquire plus query; past it the answer is 503.
    pub db_timeout: Duration,
    /// From start to the first 200 of `/readyz`.
    pub ready_timeout: Duration,
    /// From SIGTERM to exit.
    pub drain_timeout: Duration,
    /// From the database's return to right answers.
    pub recovery: Duration,
    /// Connections of the service, all processes together.
    pub db_connections: usize,
    /// Expected in `pg_stat_activity`; `None`: any.
    pub application_name: Option<String>,
    /// What a busy machine may add to every limit.
    pub slack: Duration,
}

impl Promises {
    /// The limits of `lab.toml` as shipped, for a budget of `db_connections`.
    pub fn new(db_connections: usize) -> Self {
        Self {
            db_timeout: Duration::from_secs(2),
            ready_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
            recovery: Duration::from_secs(10),
            db_connections,
            application_name: None,
            slack: Duration::from_secs(2),
        }
    }
}

type Check = fn(&mut Stage<'_>, &mut Findings) -> Result<(), StageError>;

/// One behaviour.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// Dotted name, unique.
    pub name: &'static str,
    /// What is promised.
    pub why: &'static str,
    /// Answers it shows: path template in `openapi.yaml`, and status.
    pub covers: &'static [(&'static str, u16)],
    check: Check,
}

impl std::fmt::Debug for Behaviour {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

const UNAVAILABLE: &[(&str, u16)] = &[("/readyz", 503), ("/users/{id}", 503), ("/users", 503)];

/// The behaviours, from harmless to rough.
const ALL: &[Behaviour] = &[
    Behaviour {
        name: "role.read-only",
        why: "the services' role can SELECT from users and do nothing else, whatever a service tries",
        covers: &[],
        check: role::read_only,
    },
    Behaviour {
        name: "requests.statements",
        why: "the same SQL for every service: one query for a user, list and count for a page, none for anything refused",
        covers: &[],
        check: requests::statements,
    },
    Behaviour {
        name: "requests.round-trips",
        why: "one round trip for a user and two for a page, on the wire: no ping, no BEGIN, no reset, nothing prepared twice",
        covers: &[],
        check: requests::round_trips,
    },
    Behaviour {
        name: "pool.size",
        why: "the pool opens its whole budget at start, keeps it under load, and never has more",
        covers: &[],
        check: pool::size,
    },
    Behaviour {
        name: "pool.idle",
        why: "a pooled connection that waits for work has no transaction open and holds no lock, from its start on",
        covers: &[],
        check: pool::idle,
    },
    Behaviour {
        name: "pool.abandoned",
        why: "a client that goes away in the middle of a request costs no pooled connection",
        covers: &[],
        check: pool::abandoned,
    },
    Behaviour {
        name: "pool.exhausted",
        why: "every connection busy past the time limit: 503 in time, /healthz stays 200, and it ends by itself",
        covers: &[("/users/{id}", 503), ("/users", 503), ("/healthz", 200)],
        check: pool::exhausted,
    },
    Behaviour {
        name: "clients.idle",
        why: "1,000 open connections that ask nothing: everybody else is answered, and so are they when they ask",
        covers: &[],
        check: clients::idle,
    },
    Behaviour {
        name: "clients.slow",
        why: "requests that come byte by byte, stop in the middle, or whose client is half gone: everybody else is answered",
        covers: &[],
        check: clients::slow,
    },
    Behaviour {
        name: "clients.oversize",
        why: "a head of 48 KiB is taken; a target or headers of 256 KiB are refused before they cost anything, and the service goes on",
        covers: &[],
        check: clients::oversize,
    },
    Behaviour {
        name: "outage.connections-killed",
        why: "all pooled connections dead at once and the database up: nobody gets a 503 a little later",
        covers: &[],
        check: outage::connections_killed,
    },
    Behaviour {
        name: "outage.refused",
        why: "the database refuses the login: 503 in time, recovery by itself",
        covers: UNAVAILABLE,
        check: outage::refused,
    },
    Behaviour {
        name: "outage.stopped",
        why: "no database: 503 in time, /healthz stays 200, recovery by itself",
        covers: UNAVAILABLE,
        check: outage::stopped,
    },
    Behaviour {
        name: "outage.restarted-unnoticed",
        why: "the database restarts while nobody asks: the next requests, many at once, all succeed",
        covers: &[],
        check: outage::restarted_unnoticed,
    },
    Behaviour {
        name: "outage.paused",
        why: "a database that neither answers nor closes connections: 503 in time, recovery by itself",
        covers: UNAVAILABLE,
        check: outage::paused,
    },
    Behaviour {
        name: "log.structured",
        why: "no access log; errors are JSON lines on stderr, without password or database URL",
        covers: &[],
        check: process::log,
    },
    Behaviour {
        name: "process.drain",
        why: "SIGTERM: no new work, the request in flight is answered, exit 0 in time",
        covers: &[],
        check: process::drain,
    },
    Behaviour {
        name: "process.drain-under-load",
        why: "SIGTERM with every connection of the pool busy and more requests waiting for one: all are answered, exit 0 in time",
        covers: &[],
        check: process::drain_under_load,
    },
    Behaviour {
        name: "process.exit-when-idle",
        why: "idle kept-alive connections don't hold up the exit, and the pool is closed",
        covers: &[],
        check: process::exit_when_idle,
    },
    Behaviour {
        name: "process.start-without-database",
        why: "it starts and answers /healthz without a database, and becomes ready by itself",
        covers: UNAVAILABLE,
        check: process::start_without_database,
    },
    Behaviour {
        name: "process.start-with-hanging-database",
        why: "the same with a database that accepts connections and says nothing",
        covers: UNAVAILABLE,
        check: process::start_with_hanging_database,
    },
    Behaviour {
        name: "process.environment",
        why: "a missing or impossible variable: one line on stderr that names it and shows no secret, exit 2",
        covers: &[],
        check: process::environment,
    },
    Behaviour {
        name: "process.port-taken",
        why: "a port in use is an error, not a second listener",
        covers: &[],
        check: process::port_taken,
    },
];

/// A selection of behaviours.
#[derive(Debug, Clone)]
pub struct BehaviourSuite {
    behaviours: Vec<Behaviour>,
}

impl BehaviourSuite {
    /// All of them.
    pub fn all() -> Self {
        Self {
            behaviours: ALL.to_vec(),
        }
    }

    /// Only those whose name contains `text`.
    #[must_use]
    pub fn only(mut self, text: &str) -> Self {
        self.behaviours
            .retain(|behaviour| behaviour.name.contains(text));
        self
    }

    /// What it has.
    pub fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }
}

/// A thousand connections need more files than many shells allow, here and in a service that is started from here.
/// Where that cannot be had, the behaviour that needs it says so.
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const ENOUGH: u64 = 8192;
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
    if now.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum: now.maximum,
            },
        );
    }
}

/// Runs `suite`, one behaviour after the other; before each of them the database is up and the service ready.
/// `progress` hears the name of each behaviour before it starts. The service has ended afterwards.
///
/// # Errors
/// When the stage cannot be set at all: the database does not come up, or the service never becomes ready.
pub fn run_behaviour(
    suite: &BehaviourSuite,
    stage: &mut Stage<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, ControlError> {
    let start = Instant::now();
    allow_open_files();
    let mut report = Report {
        subject: stage.name.clone(),
        suite: "behaviour".to_owned(),
        cases: Vec::new(),
        elapsed_ms: 0.0,
    };
    for behaviour in &suite.behaviours {
        progress(behaviour.name);
        let mut result = CaseResult {
            rule: behaviour
                .name
                .split_once('.')
                .map_or(behaviour.name, |(rule, _)| rule)
                .to_owned(),
            case: behaviour.name.to_owned(),
            why: behaviour.why.to_owned(),
            requests: 0,
            failed: 0,
            failures: Vec::new(),
        };
        stage.set()?;
        let mut findings = Findings::default();
        if let Err(error) = (behaviour.check)(stage, &mut findings) {
            findings.broken(format!("cannot go on: {error}"));
        }
        stage.look_for_secrets(&mut findings);
        stage.make_whole()?;
        result.requests = findings.requests;
        for failure in findings.failures {
            result.add(failure);
        }
        report.cases.push(result);
    }
    stage.service.kill()?;
    report.set_elapsed(start.elapsed());
    Ok(report)
}
