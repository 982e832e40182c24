//! The services' role, tried by hand: a service cannot write even if it wanted to.

use std::time::Duration;

use postgres::NoTls;

use super::Stage;
use super::database::config;
use super::findings::{Findings, StageError};

/// Statements that must be refused for want of privileges, in a transaction that asks to write: the role's
/// `default_transaction_read_only` is a default, not a protection.
const REFUSED: [&str; 13] = [
    "INSERT INTO users SELECT * FROM users LIMIT 1",
    "UPDATE users SET age = 20",
    "DELETE FROM users",
    "TRUNCATE users",
    "DROP TABLE users",
    "ALTER TABLE users ADD COLUMN x int",
    "CREATE INDEX ON users (age)",
    "CREATE TABLE mine (x int)",
    "CREATE TEMP TABLE mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "SELECT rolpassword FROM pg_authid",
    "LOCK TABLE users IN ACCESS EXCLUSIVE MODE",
];

const INSUFFICIENT_PRIVILEGE: &str = "42501";

pub(super) fn read_only(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let mut config = config(&stage.database.service_url())?;
    config.connect_timeout(Duration::from_secs(5));
    let mut client = config.connect(NoTls)?;
    for statement in REFUSED {
        client.batch_execute("BEGIN READ WRITE")?;
        match client.batch_execute(statement) {
            Ok(()) => findings.broken(format!("the services' role may run: {statement}")),
            Err(error) => {
                let code = error.code().map_or("none", |state| state.code());
                if code != INSUFFICIENT_PRIVILEGE {
                    findings.broken(format!(
                        "expected {statement:?} to be refused with {INSUFFICIENT_PRIVILEGE}, got {code}"
                    ));
                }
            }
        }
        client.batch_execute("ROLLBACK")?;
    }
    let rows: i64 = client.query_one("SELECT count(*) FROM users", &[])?.get(0);
    if usize::try_from(rows).ok() != Some(stage.oracle.total()) {
        findings.broken(format!(
            "the services' role sees {rows} users, the owner {}",
            stage.oracle.total()
        ));
    }
    Ok(())
}
