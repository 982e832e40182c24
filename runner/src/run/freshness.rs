//! Do the answers come from the database? One row is changed, and the next answers must show it.
//!
//! Counting queries does not tell: a service may send each query and answer from its memory without waiting for it.
//! The row is changed after the load, while every cache is warm, and changed back.

use std::net::SocketAddr;
use std::time::Duration;

use api_contract::Oracle;
use api_contract::http::{Connection, Request};
use lab_model::results::Freshness;
use miette::{IntoDiagnostic as _, miette};
use postgres::Client;

const PAGE: u64 = 50;
/// Each is likely to reach another worker process, where there are several.
const CONNECTIONS: usize = 4;
const LIMIT: Duration = Duration::from_secs(5);

/// Asks for a user and for the page that shows it, changes the row, and asks again. `pick` chooses the user.
///
/// # Errors
/// The database cannot be changed, or the service gives no answer.
pub fn check(
    client: &mut Client,
    address: SocketAddr,
    oracle: &Oracle,
    pick: u32,
) -> miette::Result<Freshness> {
    let number = pick as usize % oracle.total() + 1;
    let (user, before) = oracle
        .user(number)
        .zip(oracle.user_body(number))
        .ok_or_else(|| miette!("there is no user {number}"))?;
    let rank: i64 = client
        .query_one(
            "SELECT count(*) FROM users WHERE id::text < $1",
            &[&user.id],
        )
        .into_diagnostic()?
        .get(0);
    let offset = rank.unsigned_abs() / PAGE * PAGE;
    let after = if user.is_active {
        before.replace("\"is_active\":true", "\"is_active\":false")
    } else {
        before.replace("\"is_active\":false", "\"is_active\":true")
    };
    let page = oracle.page_body(PAGE, offset).replace(&before, &after);
    let asked = [
        (format!("/users/{}", user.id), after),
        (format!("/users?limit={PAGE}&offset={offset}"), page),
    ];

    let mut connections = (0..CONNECTIONS)
        .map(|_| Connection::open(address, LIMIT))
        .collect::<Result<Vec<_>, _>>()
        .into_diagnostic()?;
    for connection in &mut connections {
        for (target, _) in &asked {
            connection
                .exchange(&Request::as_load(target))
                .into_diagnostic()?;
        }
    }
    flip(client, &user.id)?;
    let outcome = stale(&mut connections, &asked);
    flip(client, &user.id)?;
    // Without it, `count(*)` would visit the changed pages of the table: the next target would do more work.
    client.batch_execute("VACUUM users").into_diagnostic()?;
    Ok(Freshness {
        asked: u32::try_from(CONNECTIONS * asked.len()).unwrap_or(u32::MAX),
        stale: outcome,
    })
}

fn flip(client: &mut Client, id: &str) -> miette::Result<()> {
    let changed = client
        .execute(
            "UPDATE users SET is_active = NOT is_active WHERE id::text = $1",
            &[&id],
        )
        .into_diagnostic()?;
    if changed == 1 {
        Ok(())
    } else {
        Err(miette!("{changed} rows have the id {id}"))
    }
}

/// The first request whose answer is not the right one.
fn stale(connections: &mut [Connection], asked: &[(String, String)]) -> Option<String> {
    for connection in connections {
        for (target, body) in asked {
            match connection.exchange(&Request::as_load(target)) {
                Err(error) => return Some(format!("GET {target}: {error}")),
                Ok(answer) if answer.body != body.as_bytes() => {
                    return Some(format!("GET {target}"));
                }
                Ok(_) => {}
            }
        }
    }
    None
}
