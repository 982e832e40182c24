//! What a behaviour found while it ran.

use std::net::SocketAddr;

use super::control::ControlError;
use crate::case::Exchange;
use crate::judge::Problem;
use crate::report::Failure;
use crate::run::failure;

/// The stage broke down in the middle of a behaviour.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StageError(#[from] ControlError);

impl From<postgres::Error> for StageError {
    fn from(error: postgres::Error) -> Self {
        Self(error.into())
    }
}

impl From<std::io::Error> for StageError {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

/// Failures collected so far.
#[derive(Debug, Default)]
pub struct Findings {
    pub(super) requests: usize,
    pub(super) failures: Vec<Failure>,
}

impl Findings {
    /// A promise without a request is broken.
    pub(super) fn broken(&mut self, message: impl Into<String>) {
        self.failures.push(Failure {
            request: String::new(),
            curl: String::new(),
            problems: vec![Problem::Behaviour {
                message: message.into(),
            }],
        });
    }

    /// Notes a request, and what was wrong with its answer; `when` tells people the moment.
    pub(super) fn answer(
        &mut self,
        when: &str,
        exchange: &Exchange,
        address: SocketAddr,
        problems: Vec<Problem>,
    ) {
        self.requests += 1;
        if problems.is_empty() {
            return;
        }
        let mut found = failure(&exchange.request, address, problems);
        found.request = format!("{when}: {}", found.request);
        self.failures.push(found);
    }
}
