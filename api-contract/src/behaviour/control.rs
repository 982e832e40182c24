//! What the caller lends: control over the database and over the service's process.

use std::net::SocketAddr;
use std::time::Duration;

/// The caller's means failed; nothing is known about the service.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ControlError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl ControlError {
    /// From any error, or from a text.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl From<std::io::Error> for ControlError {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

impl From<postgres::Error> for ControlError {
    fn from(error: postgres::Error) -> Self {
        // The crate's Display leaves out what the server said.
        let text = match error.as_db_error() {
            Some(server) => format!(
                "PostgreSQL: {} ({})",
                server.message(),
                server.code().code()
            ),
            None => format!("PostgreSQL: {error}"),
        };
        Self::new(text)
    }
}

/// A PostgreSQL cluster that may be mistreated.
pub trait Database {
    /// URL of a superuser in the lab's database, over TCP and without TLS.
    fn owner_url(&self) -> String;

    /// URL that the service uses: the role that can only SELECT.
    fn service_url(&self) -> String;

    /// Ends the server at once; its connections break. Returns when it is gone.
    ///
    /// # Errors
    /// When it is still there.
    fn stop(&mut self) -> Result<(), ControlError>;

    /// Starts the server on the same data and port. Returns when it accepts connections.
    ///
    /// # Errors
    /// When it doesn't come up.
    fn start(&mut self) -> Result<(), ControlError>;

    /// Freezes every process of the server (SIGSTOP): connections stay open, nothing answers.
    ///
    /// # Errors
    /// When it cannot be frozen.
    fn pause(&mut self) -> Result<(), ControlError>;

    /// Undoes [`Database::pause`]; nothing to do for a server that runs or is stopped.
    ///
    /// # Errors
    /// When it cannot be woken.
    fn resume(&mut self) -> Result<(), ControlError>;
}

/// One change to the environment of the next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvChange {
    /// Name of the variable.
    pub name: String,
    /// Its value; `None` removes it.
    pub value: Option<String>,
}

impl EnvChange {
    /// Sets `name`.
    pub fn set(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
        }
    }

    /// Removes `name`.
    pub fn remove(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: None,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Exit code; `None`: ended by a signal.
    pub code: Option<i32>,
}

/// The process of the service under test, not started yet.
pub trait Service {
    /// Names of the variables it is started with.
    fn variables(&self) -> Vec<String>;

    /// Starts it with `changes` to its environment, on a port that is free. Does not wait for anything.
    ///
    /// # Errors
    /// When the program cannot be started.
    fn start(&mut self, changes: &[EnvChange]) -> Result<(), ControlError>;

    /// Where the started process listens, or will.
    fn address(&self) -> SocketAddr;

    /// Sends SIGTERM to its first process.
    ///
    /// # Errors
    /// When there is none.
    fn terminate(&mut self) -> Result<(), ControlError>;

    /// Waits for its end; `None` when it still runs after `limit`. Repeats the answer for an ended process.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    fn wait(&mut self, limit: Duration) -> Result<Option<Exit>, ControlError>;

    /// Ends it and all its processes with SIGKILL, and reaps them. Nothing to do where none runs.
    ///
    /// # Errors
    /// When it is still there.
    fn kill(&mut self) -> Result<(), ControlError>;

    /// What the process started last has written to stderr so far.
    ///
    /// # Errors
    /// When it cannot be read.
    fn log(&mut self) -> Result<String, ControlError>;
}
