//! The database seen by its owner: who is connected, what ran, and a lock that holds every reader.

use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls};

use super::control::ControlError;
use super::findings::StageError;
use super::stage::POLL;

/// How long PostgreSQL waits for one ended connection to be gone, in ms.
const END_LIMIT_MS: i64 = 5_000;

/// A superuser's connection, and the name of the services' role.
pub(super) struct Owner {
    client: Client,
    role: String,
}

/// One row of `pg_stat_statements`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub query: String,
    pub calls: i64,
    pub rows: i64,
}

impl Owner {
    pub(super) fn connect(owner_url: &str, service_url: &str) -> Result<Self, StageError> {
        let role = config(service_url)?
            .get_user()
            .ok_or_else(|| ControlError::new("the service's URL names no role"))?
            .to_owned();
        let mut config = config(owner_url)?;
        config.connect_timeout(Duration::from_secs(5));
        let client = config.connect(NoTls)?;
        Ok(Self { client, role })
    }

    pub(super) fn connections(&mut self) -> Result<usize, StageError> {
        let row = self.client.query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = $1",
            &[&self.role],
        )?;
        Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX))
    }

    pub(super) fn application_names(&mut self) -> Result<Vec<String>, StageError> {
        let rows = self.client.query(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = $1 ORDER BY 1",
            &[&self.role],
        )?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Connections of the role that wait for a lock.
    pub(super) fn waiting(&mut self) -> Result<usize, StageError> {
        let row = self.client.query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'",
            &[&self.role],
        )?;
        Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX))
    }

    /// Connections of the role with an open transaction, and the statement each of them is at.
    pub(super) fn transactions(&mut self) -> Result<Vec<String>, StageError> {
        let rows = self.client.query(
            "SELECT state || ' at ' || query FROM pg_stat_activity \
             WHERE usename = $1 AND xact_start IS NOT NULL ORDER BY 1",
            &[&self.role],
        )?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Waits until the role has `count` connections; the last number seen.
    pub(super) fn wait_for_connections(
        &mut self,
        count: usize,
        limit: Duration,
    ) -> Result<usize, StageError> {
        let start = Instant::now();
        loop {
            let seen = self.connections()?;
            if seen == count || start.elapsed() > limit {
                return Ok(seen);
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until at least `count` connections of the role wait for a lock; false when they never did.
    pub(super) fn wait_for_waiting(
        &mut self,
        count: usize,
        limit: Duration,
    ) -> Result<bool, StageError> {
        let start = Instant::now();
        while self.waiting()? < count {
            if start.elapsed() > limit {
                return Ok(false);
            }
            thread::sleep(POLL);
        }
        Ok(true)
    }

    /// Nobody can read `users` until the lock is dropped.
    pub(super) fn lock(&mut self) -> Result<Lock<'_>, StageError> {
        // An idle connection that holds `users` in an open transaction would keep us waiting for ever.
        self.client.batch_execute(
            "BEGIN; SET LOCAL lock_timeout = '10s'; LOCK TABLE users IN ACCESS EXCLUSIVE MODE",
        )?;
        Ok(Lock {
            client: &mut self.client,
        })
    }

    pub(super) fn reset_statements(&mut self) -> Result<(), StageError> {
        self.client
            .query("SELECT pg_stat_statements_reset()", &[])?;
        Ok(())
    }

    /// What the role ran since the reset, ordered by text.
    pub(super) fn statements(&mut self) -> Result<Vec<Statement>, StageError> {
        let rows = self.client.query(
            "SELECT query, sum(calls)::bigint, sum(rows)::bigint FROM pg_stat_statements \
             JOIN pg_roles ON pg_roles.oid = userid WHERE rolname = $1 GROUP BY query ORDER BY query",
            &[&self.role],
        )?;
        let mut statements: Vec<Statement> = rows
            .iter()
            .map(|row| Statement {
                query: row.get(0),
                calls: row.get(1),
                rows: row.get(2),
            })
            .collect();
        statements.sort();
        Ok(statements)
    }

    /// Ends every connection of the role that is open now; a service may open new ones meanwhile.
    pub(super) fn kill_connections(&mut self) -> Result<(), StageError> {
        self.client.query(
            "SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity WHERE usename = $1",
            &[&self.role, &END_LIMIT_MS],
        )?;
        Ok(())
    }

    /// The role cannot log in any more, and has no connection left. A login under way may have passed the check
    /// already, and shows its role only when it is through: all that have none yet are ended too (PostgreSQL 18
    /// lists them, in state `starting`).
    pub(super) fn lock_out(&mut self) -> Result<(), StageError> {
        self.alter_role("NOLOGIN")?;
        let start = Instant::now();
        loop {
            let ended = self.client.query(
                "SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity \
                 WHERE backend_type = 'client backend' AND coalesce(usename, $1) = $1",
                &[&self.role, &END_LIMIT_MS],
            )?;
            if ended.is_empty() {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(30) {
                return Err(
                    ControlError::new("connections of the service's role do not end").into(),
                );
            }
        }
    }

    pub(super) fn allow_login(&mut self) -> Result<(), StageError> {
        self.alter_role("LOGIN")
    }

    fn alter_role(&mut self, option: &str) -> Result<(), StageError> {
        let role = self.role.replace('"', "\"\"");
        Ok(self
            .client
            .batch_execute(&format!("ALTER ROLE \"{role}\" {option}"))?)
    }
}

/// An exclusive lock on `users`.
pub(super) struct Lock<'a> {
    client: &'a mut Client,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // A connection that broke has lost its lock as well.
        let _ = self.client.batch_execute("ROLLBACK");
    }
}

pub(super) fn config(url: &str) -> Result<Config, StageError> {
    Ok(url.parse::<Config>()?)
}

/// Texts that no log may show: the URL and its password.
pub(super) fn secrets(service_url: &str) -> Vec<String> {
    let mut secrets = vec![service_url.to_owned()];
    if let Some(password) = config(service_url)
        .ok()
        .and_then(|config| config.get_password().map(<[u8]>::to_vec))
    {
        secrets.push(String::from_utf8_lossy(&password).into_owned());
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// The server's address in `url`, and the same URL with another one.
pub(super) fn address_in(
    url: &str,
) -> Result<(SocketAddr, impl Fn(SocketAddr) -> String + use<>), StageError> {
    let broken = || {
        ControlError::new(
            "the service's URL must have the form postgres://role:password@host:port/database",
        )
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(broken)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, host) = authority.rsplit_once('@').ok_or_else(broken)?;
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:5432")
    };
    let address = host.to_socket_addrs()?.next().ok_or_else(broken)?;
    let (scheme, login, path) = (scheme.to_owned(), login.to_owned(), path.to_owned());
    Ok((address, move |other| {
        format!("{scheme}://{login}@{other}{path}")
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_address_in_a_url_can_be_changed() {
        let (address, with) =
            address_in("postgres://role:p%40ss@127.0.0.1:5433/bench?sslmode=disable").unwrap();
        assert_eq!(address, "127.0.0.1:5433".parse().unwrap());
        assert_eq!(
            with("127.0.0.1:9".parse().unwrap()),
            "postgres://role:p%40ss@127.0.0.1:9/bench?sslmode=disable"
        );
        let (address, _) = address_in("postgres://role@127.0.0.1/bench").unwrap();
        assert_eq!(address.port(), 5432);
        assert!(address_in("host=/run user=x").is_err());
    }

    #[test]
    fn the_password_is_a_secret_decoded_and_as_written() {
        assert_eq!(
            secrets("postgres://role:p%40ss@127.0.0.1/bench"),
            ["postgres://role:p%40ss@127.0.0.1/bench", "p@ss"]
        );
        assert_eq!(
            secrets("postgres://role@127.0.0.1/bench"),
            ["postgres://role@127.0.0.1/bench"]
        );
    }
}
