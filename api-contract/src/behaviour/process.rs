//! Start, environment, log and end of the service's process.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::Stage;
use super::control::{ControlError, EnvChange, Exit};
use super::database::secrets;
use super::findings::{Findings, StageError};
use super::stage::{Ask, POLL, ask};
use crate::http::Connection;
use crate::run::verdict;

/// Restarts the service with a time limit that outlives the suite's own steps on a busy machine; gives the limit.
fn restarted_patient(stage: &mut Stage<'_>) -> Result<Duration, StageError> {
    let patient = stage.promises.db_timeout.max(Duration::from_secs(8));
    stage.restart(&[EnvChange::set(
        "DB_TIMEOUT_MS",
        patient.as_millis().to_string(),
    )])?;
    Ok(patient)
}

/// In flight means: its query waits for our lock.
pub(super) fn drain(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let patient = restarted_patient(stage)?;
    let address = stage.service.address();
    let question = Ask::User(1).fine(stage.oracle);
    let health = Ask::Health.fine(stage.oracle);
    let mut owner = stage.owner()?;
    let mut watcher = stage.owner()?;
    let mut client =
        Connection::open(address, patient + stage.promises.slack).map_err(ControlError::new)?;
    let signalled;
    {
        let _lock = owner.lock()?;
        client.send(&question.request).map_err(ControlError::new)?;
        if !watcher.wait_for_waiting(1, patient / 2)? {
            return Err(ControlError::new("the request's query never reached the database").into());
        }
        stage.service.terminate()?;
        signalled = Instant::now();
        // It has a moment to stop accepting, and then must not take new work.
        let closed = loop {
            if !ask(&health, address, Duration::from_millis(300)).is_empty() {
                break true;
            }
            if signalled.elapsed() > Duration::from_secs(1) {
                break false;
            }
            thread::sleep(POLL);
        };
        if !closed {
            findings.broken("1 s after SIGTERM a new connection was still answered");
        }
    }
    let answer = client.receive(&question.request);
    findings.answer(
        "in flight when SIGTERM came",
        &question,
        address,
        verdict(&question, &answer),
    );
    exits_well(stage, signalled, findings)?;
    closes_its_pool(stage, findings)
}

/// Accepted is every request whose head was sent and read: those whose query waits for our lock, and those that wait for
/// a connection of the pool.
pub(super) fn drain_under_load(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    let patient = restarted_patient(stage)?;
    let address = stage.service.address();
    let mut owner = stage.owner()?;
    let mut watcher = stage.owner()?;
    let mut clients = Vec::new();
    let signalled;
    {
        let _lock = owner.lock()?;
        for number in 1..=stage.promises.db_connections + 10 {
            let question = if number % 5 == 0 {
                Ask::Page.fine(stage.oracle)
            } else {
                Ask::User(number).fine(stage.oracle)
            };
            let mut client = Connection::open(address, patient + stage.promises.slack)
                .map_err(ControlError::new)?;
            client.send(&question.request).map_err(ControlError::new)?;
            clients.push((client, question));
        }
        if !watcher.wait_for_waiting(1, patient / 2)? {
            return Err(ControlError::new("no query ever reached the database").into());
        }
        // The others are on their way through the service.
        thread::sleep(Duration::from_secs(1));
        stage.service.terminate()?;
        signalled = Instant::now();
        thread::sleep(Duration::from_millis(500));
    }
    for (client, question) in &mut clients {
        let answer = client.receive(&question.request);
        findings.answer(
            "accepted before SIGTERM",
            question,
            address,
            verdict(question, &answer),
        );
    }
    exits_well(stage, signalled, findings)?;
    closes_its_pool(stage, findings)
}

pub(super) fn exit_when_idle(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    let address = stage.service.address();
    let mut idle = Vec::new();
    for number in 1..=3 {
        let question = Ask::User(number).fine(stage.oracle);
        let mut client = Connection::open(address, stage.limit()).map_err(ControlError::new)?;
        let answer = client.exchange(&question.request);
        findings.answer(
            "before SIGTERM",
            &question,
            address,
            verdict(&question, &answer),
        );
        idle.push(client);
    }
    stage.service.terminate()?;
    exits_well(stage, Instant::now(), findings)?;
    drop(idle);
    closes_its_pool(stage, findings)
}

fn exits_well(
    stage: &mut Stage<'_>,
    signalled: Instant,
    findings: &mut Findings,
) -> Result<(), StageError> {
    let limit = stage.promises.drain_timeout + stage.promises.slack;
    let exit = stage
        .service
        .wait(limit.saturating_sub(signalled.elapsed()))?;
    match exit {
        Some(Exit { code: Some(0) }) => {}
        Some(Exit { code: Some(code) }) => {
            findings.broken(format!("expected exit 0 after SIGTERM, got exit {code}"));
        }
        Some(Exit { code: None }) => {
            findings.broken("expected exit 0 after SIGTERM, a signal ended it instead");
        }
        None => findings.broken(format!(
            "still running {} ms after SIGTERM",
            limit.as_millis()
        )),
    }
    Ok(())
}

fn closes_its_pool(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let left = stage
        .owner()?
        .wait_for_connections(0, stage.promises.slack)?;
    if left > 0 {
        findings.broken(format!("{left} database connections left after its end"));
    }
    Ok(())
}

pub(super) fn start_without_database(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    stage.service.kill()?;
    stage.database.stop()?;
    stage.service.start(&[])?;
    alive_but_unavailable("started without a database", stage, findings);
    stage.database.start()?;
    stage.recovers(findings)
}

pub(super) fn start_with_hanging_database(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    stage.service.kill()?;
    stage.database.pause()?;
    stage.service.start(&[])?;
    alive_but_unavailable("started with a hanging database", stage, findings);
    stage.database.resume()?;
    stage.recovers(findings)
}

fn alive_but_unavailable(when: &str, stage: &Stage<'_>, findings: &mut Findings) {
    let health = Ask::Health.fine(stage.oracle);
    let limit = stage.promises.ready_timeout;
    let problems = stage.until(&health, limit);
    findings.answer(when, &health, stage.service.address(), problems);
    stage.is_unavailable(when, 8, findings);
}

pub(super) fn log(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let before = stage.service.log()?.lines().count();
    for _ in 0..5 {
        stage.all_fine("while the log is watched", findings);
    }
    let after = stage.service.log()?.lines().count();
    if after != before {
        findings.broken(format!(
            "expected no access log, {} lines were written during right answers",
            after - before
        ));
    }
    let mut owner = stage.owner()?;
    owner.lock_out()?;
    stage.is_unavailable("while the database refuses the login", 4, findings);
    owner.allow_login()?;
    let log = stage.service.log()?;
    if log.lines().count() == after {
        findings.broken("expected an error in the log when the database was gone, found none");
    }
    for line in log.lines().filter(|line| !line.trim().is_empty()) {
        let object =
            serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.is_object());
        if !object {
            findings.broken(format!("a line of the log is not a JSON object: {line}"));
        }
    }
    stage.recovers(findings)
}

pub(super) fn environment(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    let names = stage.service.variables();
    let mut changes: Vec<EnvChange> = names.iter().map(EnvChange::remove).collect();
    let impossible: &[&str] = &["", "0", "-1", "1.5", "abc", "99999999999999999999"];
    for name in &names {
        let values: &[&str] = match name.as_str() {
            // A name that resolves nowhere is found out by binding, not by reading.
            "HOST" => &[],
            // 0 would be any port, which nobody could find.
            "PORT" => &["", "-1", "abc", "65536"],
            "DATABASE_URL" => &[
                "",
                "nonsense",
                "postgres://role:s3cr3t-in-url@127.0.0.1:port/x",
            ],
            _ => impossible,
        };
        changes.extend(values.iter().map(|value| EnvChange::set(name, *value)));
    }
    for change in changes {
        refuses(stage, &change, findings)?;
    }
    Ok(())
}

fn refuses(
    stage: &mut Stage<'_>,
    change: &EnvChange,
    findings: &mut Findings,
) -> Result<(), StageError> {
    stage.service.kill()?;
    stage.service.start(std::slice::from_ref(change))?;
    let exit = stage.service.wait(stage.promises.ready_timeout)?;
    let log = stage.service.log()?;
    let what = match &change.value {
        Some(value) => format!("{}={value:?}", change.name),
        None => format!("without {}", change.name),
    };
    if exit != Some(Exit { code: Some(2) }) {
        let got = match exit {
            Some(Exit { code: Some(code) }) => format!("exit {code}"),
            Some(Exit { code: None }) => "death by a signal".to_owned(),
            None => "a running service".to_owned(),
        };
        findings.broken(format!("{what}: expected exit 2, got {got}"));
    }
    if log.trim().lines().count() != 1 {
        findings.broken(format!(
            "{what}: expected one line on stderr, got {}: {log}",
            log.trim().lines().count()
        ));
    }
    if !log.contains(&change.name) {
        findings.broken(format!(
            "{what}: the error does not name the variable: {log}"
        ));
    }
    let mut hidden = secrets(&stage.database.service_url());
    hidden.push("s3cr3t-in-url".to_owned());
    if hidden.iter().any(|secret| log.contains(secret)) {
        findings.broken(format!(
            "{what}: the error shows the database's password or URL"
        ));
    }
    Ok(())
}

pub(super) fn port_taken(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let host = stage.service.address().ip();
    stage.service.kill()?;
    let taken = TcpListener::bind((host, 0))?;
    let port = taken.local_addr()?.port().to_string();
    stage.service.start(&[EnvChange::set("PORT", &port)])?;
    let exit = stage.service.wait(stage.promises.ready_timeout)?;
    let log = stage.service.log()?;
    match exit {
        Some(Exit { code: Some(code) }) if code != 0 => {}
        Some(Exit { code: Some(_) }) => {
            findings.broken("port in use: expected a failure, got exit 0")
        }
        Some(Exit { code: None }) => {
            findings.broken("port in use: expected an exit code, a signal ended it")
        }
        None => findings.broken(format!(
            "port in use: still running after {} ms",
            stage.promises.ready_timeout.as_millis()
        )),
    }
    if !log.contains(&port) {
        findings.broken(format!(
            "port in use: the error does not name port {port}: {log}"
        ));
    }
    Ok(())
}
