//! The budget of connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Stage;
use super::control::{ControlError, EnvChange};
use super::database::address_in;
use super::findings::{Findings, StageError};
use super::stage::{Ask, POLL, panicked};
use super::wire::Wire;
use crate::case::Exchange;
use crate::http::Connection;
use crate::judge::Problem;
use crate::run::verdict;

/// More than any budget of the lab has connections.
const CLIENTS: usize = 64;
const LOAD: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// Opened at start, all of it; kept; never more.
pub(super) fn size(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let budget = stage.promises.db_connections;
    let (upstream, with_address) = address_in(&stage.database.service_url())?;
    let wire = Wire::start(upstream)?;
    // This is about numbers: a busy machine must not turn it into one about time.
    stage.restart(&[
        EnvChange::set("DATABASE_URL", with_address(wire.address())),
        EnvChange::set("DB_TIMEOUT_MS", PATIENCE.as_millis().to_string()),
    ])?;
    stage.has_its_connections(findings)?;
    let mut owner = stage.owner()?;
    if let Some(expected) = &stage.promises.application_name {
        let names = owner.application_names()?;
        if names != [expected.as_str()] {
            findings.broken(format!(
                "expected application_name {expected:?} in pg_stat_activity, found {names:?}"
            ));
        }
    }
    let opened_before = wire.opened();
    let done = AtomicBool::new(false);
    let peak = thread::scope(|scope| -> Result<usize, StageError> {
        let watcher = scope.spawn(|| -> Result<usize, StageError> {
            let mut peak = 0;
            while !done.load(Ordering::SeqCst) {
                peak = peak.max(owner.connections()?);
                thread::sleep(POLL);
            }
            Ok(peak)
        });
        load(stage, findings);
        done.store(true, Ordering::SeqCst);
        watcher.join().unwrap_or(Ok(0))
    })?;
    if peak > budget || wire.peak() > budget {
        findings.broken(format!(
            "expected never more than {budget} connections, saw {} under {CLIENTS} clients",
            peak.max(wire.peak())
        ));
    }
    if wire.opened() != opened_before {
        findings.broken(format!(
            "expected the pool to keep its connections, it opened {} new ones in {} s of load",
            wire.opened() - opened_before,
            LOAD.as_secs()
        ));
    }
    stage.has_its_connections(findings)
}

/// Fresh connections and used ones wait outside of transactions.
pub(super) fn idle(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    stage.has_its_connections(findings)?;
    holds_nothing("before its first request", stage, findings)?;
    stage.all_fine("to use the connections", findings);
    holds_nothing("after its requests", stage, findings)
}

fn holds_nothing(when: &str, stage: &Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let mut owner = stage.owner()?;
    let start = Instant::now();
    loop {
        let open = owner.transactions()?;
        let Some(first) = open.first() else {
            return Ok(());
        };
        if start.elapsed() > stage.promises.slack {
            findings.broken(format!(
                "{when}: {} idle connections have an open transaction, which holds locks and old rows; one is {first:?}",
                open.len()
            ));
            return Ok(());
        }
        thread::sleep(POLL);
    }
}

/// Many clients for a while; every answer is checked to the last byte.
fn load(stage: &Stage<'_>, findings: &mut Findings) {
    let address = stage.service.address();
    let limit = PATIENCE + stage.promises.slack;
    let total = stage.oracle.total();
    let end = Instant::now() + LOAD;
    let client = |number: usize| -> Vec<(Exchange, Vec<Problem>)> {
        let mut found = Vec::new();
        let mut connection = None;
        let mut turn = number;
        while Instant::now() < end {
            turn += CLIENTS;
            let question = match turn / CLIENTS % 10 {
                0 => Ask::Page.fine(stage.oracle),
                _ => Ask::User(1 + turn % total).fine(stage.oracle),
            };
            let answer = match connection.take() {
                Some(open) => Ok(open),
                None => Connection::open(address, limit),
            }
            .and_then(|mut open| {
                let answer = open.exchange(&question.request);
                connection = answer.is_ok().then_some(open);
                answer
            });
            let problems = verdict(&question, &answer);
            // Right answers are counted, not kept.
            if !problems.is_empty() || found.is_empty() {
                found.push((question, problems));
            }
        }
        found
    };
    let client = &client;
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || client(number)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| vec![(Ask::Health.fine(stage.oracle), vec![panicked()])])
            })
            .collect()
    });
    for (question, problems) in found {
        findings.answer("under load", &question, address, problems);
    }
}

/// Every connection waits for a lock; nobody waits forever.
pub(super) fn exhausted(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let budget = stage.promises.db_connections;
    let mut owner = stage.owner()?;
    {
        let _lock = owner.lock()?;
        let mut questions: Vec<Exchange> = (0..budget + 10)
            .map(|number| {
                if number % 5 == 0 {
                    Ask::Page.unavailable(stage.oracle)
                } else {
                    Ask::User(1 + number).unavailable(stage.oracle)
                }
            })
            .collect();
        questions.push(Ask::Health.fine(stage.oracle));
        stage.together(
            "while every query waits for a lock",
            &questions,
            stage.limit(),
            findings,
        );
    }
    stage.recovers(findings)
}

/// Clients hang up while their queries wait, and at any other moment; the connections must come back, and no answer
/// that nobody read may reach somebody else.
pub(super) fn abandoned(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let budget = stage.promises.db_connections;
    let mut owner = stage.owner()?;
    let mut watcher = stage.owner()?;
    for _ in 0..3 {
        {
            let _lock = owner.lock()?;
            let clients = (0..budget)
                .map(|number| asks_only(stage, number))
                .collect::<Result<Vec<_>, _>>()?;
            watcher.wait_for_waiting(1, stage.limit())?;
            thread::sleep(Duration::from_millis(200));
            drop(clients);
            thread::sleep(Duration::from_millis(200));
        }
        for number in 0..budget * 5 {
            let client = asks_only(stage, number)?;
            // From at once to about when the answer is under way.
            thread::sleep(Duration::from_micros(100 * (number as u64 % 10)));
            drop(client);
        }
        stage.recovers(findings)?;
    }
    Ok(())
}

/// A client that has sent its request.
fn asks_only(stage: &Stage<'_>, number: usize) -> Result<Connection, ControlError> {
    let question = if number.is_multiple_of(3) {
        Ask::Page
    } else {
        Ask::User(1 + number % stage.oracle.total())
    };
    let mut client =
        Connection::open(stage.service.address(), stage.limit()).map_err(ControlError::new)?;
    client
        .send(&question.fine(stage.oracle).request)
        .map_err(ControlError::new)?;
    Ok(client)
}
