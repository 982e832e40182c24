//! What a request costs the database.

use super::Stage;
use super::control::EnvChange;
use super::database::{Statement, address_in};
use super::findings::{Findings, StageError};
use super::stage::{Ask, exchange};
use super::wire::{Traffic, Wire};
use crate::case::Exchange;
use crate::http::Connection;
use crate::run::verdict;

const GET_USER: &str = include_str!("../../../db/queries/get_user.sql");
const LIST_USERS: &str = include_str!("../../../db/queries/list_users.sql");
const COUNT_USERS: &str = include_str!("../../../db/queries/count_users.sql");
const READY: &str = include_str!("../../../db/queries/ready.sql");

/// Requests of each kind.
const TIMES: usize = 7;

const NOT_FOUND: &str = r#"{"error":"not_found"}"#;
const BAD_REQUEST: &str = r#"{"error":"bad_request"}"#;

fn statement(text: &str, calls: usize, rows: usize) -> Statement {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Statement {
        query: text.trim_end().to_owned(),
        calls: count(calls),
        rows: count(rows),
    }
}

/// By `pg_stat_statements`: texts, calls and rows.
pub(super) fn statements(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let oracle = stage.oracle;
    let unknown = exchange(
        "GET",
        "/users/00000000-0000-4000-8000-000000000000",
        404,
        NOT_FOUND,
    );
    let mut head = Ask::User(2).fine(oracle);
    head.request.method = "HEAD".to_owned();
    let known = oracle.user(1).map_or("", |user| user.id.as_str());
    let refused = vec![
        Ask::Health.fine(oracle),
        exchange("GET", "/users/abc", 400, BAD_REQUEST),
        exchange("GET", "/users?limit=0", 400, BAD_REQUEST),
        exchange("GET", "/users?offset=x", 400, BAD_REQUEST),
        exchange(
            "GET",
            "/users?limit=1%3BDELETE%20FROM%20users",
            400,
            BAD_REQUEST,
        ),
        exchange(
            "GET",
            format!("/users/{known}%27%3BSELECT%20pg_sleep(10)--"),
            400,
            BAD_REQUEST,
        ),
        exchange("GET", "/nope", 404, NOT_FOUND),
        exchange("GET", format!("/users/{known}/"), 404, NOT_FOUND),
        exchange(
            "DELETE",
            format!("/users/{known}"),
            405,
            r#"{"error":"method_not_allowed"}"#,
        ),
    ];
    let page_rows = 3;
    let kinds: Vec<(&str, Vec<Exchange>, Vec<Statement>)> = vec![
        (
            "GET /users/{id}",
            vec![Ask::User(1).fine(oracle)],
            vec![statement(GET_USER, TIMES, TIMES)],
        ),
        (
            "HEAD /users/{id}",
            vec![head],
            vec![statement(GET_USER, TIMES, TIMES)],
        ),
        (
            "GET /users/{id} of an unknown user",
            vec![unknown],
            vec![statement(GET_USER, TIMES, 0)],
        ),
        (
            "GET /users",
            vec![Ask::Page.fine(oracle)],
            vec![
                statement(COUNT_USERS, TIMES, TIMES),
                statement(LIST_USERS, TIMES, TIMES * page_rows),
            ],
        ),
        (
            "GET /readyz",
            vec![Ask::Ready.fine(oracle)],
            vec![statement(READY, TIMES, TIMES)],
        ),
        ("requests that are refused, and /healthz", refused, vec![]),
    ];
    let mut owner = stage.owner()?;
    // Whatever a pool does once per connection has happened before the counting starts.
    owner.wait_for_connections(stage.promises.db_connections, stage.promises.recovery)?;
    stage.all_fine("warming up", findings);
    for (kind, questions, mut expected) in kinds {
        owner.reset_statements()?;
        for _ in 0..TIMES {
            for question in &questions {
                stage.together(
                    "counting statements",
                    std::slice::from_ref(question),
                    stage.limit(),
                    findings,
                );
            }
        }
        expected.sort();
        let mut seen = owner.statements()?;
        for statement in &mut seen {
            // A statement first seen at its Parse is shown with its constants as parameters.
            if statement.query == "SELECT $1" {
                statement.query = READY.trim_end().to_owned();
            }
        }
        if seen != expected {
            findings.broken(format!(
                "{TIMES} times {kind}: pg_stat_statements differs\nexpected: {}\nactual:   {}",
                list(&expected),
                list(&seen)
            ));
        }
    }
    Ok(())
}

fn list(statements: &[Statement]) -> String {
    if statements.is_empty() {
        return "nothing".to_owned();
    }
    statements
        .iter()
        .map(|statement| {
            format!(
                "{} calls, {} rows of {:?}",
                statement.calls, statement.rows, statement.query
            )
        })
        .collect::<Vec<_>>()
        .join("; ")
}

/// On the wire, between service and database.
pub(super) fn round_trips(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    let (upstream, with_address) = address_in(&stage.database.service_url())?;
    let wire = Wire::start(upstream)?;
    stage.restart(&[EnvChange::set("DATABASE_URL", with_address(wire.address()))])?;
    let mut owner = stage.owner()?;
    owner.wait_for_connections(stage.promises.db_connections, stage.promises.recovery)?;
    let kinds = [
        (Ask::User(1), 1, vec![GET_USER]),
        (Ask::Page, 2, vec![LIST_USERS, COUNT_USERS]),
        (Ask::Health, 0, vec![]),
    ];
    for (question, promised, texts) in kinds {
        let question = question.fine(stage.oracle);
        let per_batch = 20;
        let mut last = (0, Traffic::default());
        // Statements are prepared when a connection first needs them, so the first batches may cost more.
        // Every connection's turn has come after as many requests as there are connections.
        let batches = 4 + stage.promises.db_connections.div_ceil(per_batch);
        for _ in 0..batches {
            let before = wire.traffic();
            sequentially(stage, &question, per_batch, findings);
            last = (per_batch, since(&before, &wire.traffic()));
            if last.1.prepared.is_empty() {
                break;
            }
        }
        let (requests, traffic) = last;
        if traffic.round_trips != requests * promised || !traffic.simple.is_empty() {
            findings.broken(format!(
                "{requests} times {}: expected {} round trips to the database, counted {}; \
                 simple queries: {:?}; prepared meanwhile: {:?}",
                question.request.target,
                requests * promised,
                traffic.round_trips,
                traffic.simple,
                traffic.prepared,
            ));
        }
        let all = wire.traffic();
        for text in texts {
            let text = text.trim_end();
            let times = all.prepared.get(text).copied().unwrap_or_default();
            if times == 0 || times > wire.opened() {
                findings.broken(format!(
                    "expected {text:?}, verbatim, to be prepared at most once on each of {} connections, \
                     counted {times}; prepared in all: {:?}",
                    wire.opened(),
                    all.prepared
                ));
            }
        }
    }
    Ok(())
}

fn since(before: &Traffic, after: &Traffic) -> Traffic {
    let grown = |old: &std::collections::BTreeMap<String, usize>,
                 new: &std::collections::BTreeMap<String, usize>| {
        new.iter()
            .map(|(text, count)| {
                (
                    text.clone(),
                    count - old.get(text).copied().unwrap_or_default(),
                )
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    Traffic {
        round_trips: after.round_trips - before.round_trips,
        prepared: grown(&before.prepared, &after.prepared),
        simple: grown(&before.simple, &after.simple),
    }
}

/// One after the other on one connection, so that one worker answers all of them.
fn sequentially(stage: &Stage<'_>, question: &Exchange, times: usize, findings: &mut Findings) {
    let address = stage.service.address();
    let mut connection = match Connection::open(address, stage.limit()) {
        Ok(connection) => connection,
        Err(error) => return findings.broken(error.to_string()),
    };
    for _ in 0..times {
        let answer = connection.exchange(&question.request);
        findings.answer(
            "counting round trips",
            question,
            address,
            verdict(question, &answer),
        );
    }
}
