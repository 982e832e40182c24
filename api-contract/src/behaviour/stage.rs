//! The service, its database and the questions that behaviours put to them.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::Promises;
use super::control::{ControlError, Database, EnvChange, Service};
use super::database::{Owner, secrets};
use super::findings::{Findings, StageError};
use crate::case::{Check, Exchange, Expect};
use crate::http::{Connection, Request};
use crate::judge::Problem;
use crate::oracle::Oracle;
use crate::run::verdict;

pub(super) const POLL: Duration = Duration::from_millis(20);

/// Everything that a behaviour acts on.
pub struct Stage<'a> {
    /// Name of the service in reports.
    pub name: String,
    /// Its process.
    pub service: &'a mut dyn Service,
    /// Its database.
    pub database: &'a mut dyn Database,
    /// The right answers.
    pub oracle: &'a Oracle,
    /// The limits.
    pub promises: Promises,
}

/// A question with its right answer for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Health,
    Ready,
    User(usize),
    Page,
}

impl Ask {
    fn target(self, oracle: &Oracle) -> String {
        match self {
            Self::Health => "/healthz".to_owned(),
            Self::Ready => "/readyz".to_owned(),
            Self::User(number) => format!(
                "/users/{}",
                oracle.user(number).map_or("", |user| user.id.as_str())
            ),
            Self::Page => "/users?limit=3&offset=1".to_owned(),
        }
    }

    /// With the database at hand.
    pub(super) fn fine(self, oracle: &Oracle) -> Exchange {
        let body = match self {
            Self::Health => r#"{"status":"ok"}"#.to_owned(),
            Self::Ready => r#"{"status":"ready"}"#.to_owned(),
            Self::User(number) => oracle.user_body(number).unwrap_or_default(),
            Self::Page => oracle.page_body(3, 1),
        };
        exchange("GET", self.target(oracle), 200, &body)
    }

    /// Without it.
    pub(super) fn unavailable(self, oracle: &Oracle) -> Exchange {
        if self == Self::Health {
            return self.fine(oracle);
        }
        exchange(
            "GET",
            self.target(oracle),
            503,
            r#"{"error":"unavailable"}"#,
        )
    }
}

pub(super) fn exchange(
    method: &str,
    target: impl Into<String>,
    status: u16,
    body: &str,
) -> Exchange {
    Exchange {
        request: Request::new(method, target),
        expect: Expect {
            status,
            body: body.as_bytes().to_vec(),
            check: Check::Everything,
        },
    }
}

/// Asks once, on a connection of its own.
pub(super) fn ask(exchange: &Exchange, address: SocketAddr, limit: Duration) -> Vec<Problem> {
    let answer = Connection::open(address, limit)
        .and_then(|mut connection| connection.exchange(&exchange.request));
    verdict(exchange, &answer)
}

impl Stage<'_> {
    /// The longest that any answer may take.
    pub(super) fn limit(&self) -> Duration {
        self.promises.db_timeout + self.promises.slack
    }

    pub(super) fn owner(&self) -> Result<Owner, StageError> {
        Owner::connect(&self.database.owner_url(), &self.database.service_url())
    }

    /// Starts the service anew with `changes` and waits until it is ready.
    pub(super) fn restart(&mut self, changes: &[EnvChange]) -> Result<(), StageError> {
        self.service.kill()?;
        self.service.start(changes)?;
        self.wait_ready()?;
        Ok(())
    }

    fn wait_ready(&mut self) -> Result<(), ControlError> {
        let limit = self.promises.ready_timeout + self.promises.slack;
        let problems = self.until(&Ask::Ready.fine(self.oracle), limit);
        if problems.is_empty() {
            return Ok(());
        }
        let why: Vec<String> = problems.iter().map(|problem| problem.render("")).collect();
        let log = self.service.log().unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect();
        Err(ControlError::new(format!(
            "the service is not ready {} ms after its start: {}; the end of its log: {}",
            limit.as_millis(),
            why.join(", "),
            tail.into_iter().rev().collect::<Vec<_>>().join(" | "),
        )))
    }

    /// Database up, service running with its usual environment and ready.
    pub(super) fn set(&mut self) -> Result<(), ControlError> {
        self.make_whole()?;
        self.service.kill()?;
        self.service.start(&[])?;
        self.wait_ready()
    }

    /// Undoes what a behaviour may have left of the database.
    pub(super) fn make_whole(&mut self) -> Result<(), ControlError> {
        self.database.resume()?;
        let urls = (self.database.owner_url(), self.database.service_url());
        if Owner::connect(&urls.0, &urls.1).is_err() {
            self.database.start()?;
        }
        Owner::connect(&urls.0, &urls.1)
            .and_then(|mut owner| owner.allow_login())
            .map_err(ControlError::new)
    }

    /// Asks until the answer is right; the last problems where it never was.
    pub(super) fn until(&self, exchange: &Exchange, limit: Duration) -> Vec<Problem> {
        let start = Instant::now();
        loop {
            let problems = ask(exchange, self.service.address(), self.limit());
            if problems.is_empty() || start.elapsed() > limit {
                return problems;
            }
            thread::sleep(POLL);
        }
    }

    /// Recovery by itself: within the limit a first right answer, and from then on only right ones.
    pub(super) fn recovers(&self, findings: &mut Findings) -> Result<(), StageError> {
        let limit = self.promises.recovery + self.promises.slack;
        for question in [Ask::Ready, Ask::User(1), Ask::Page] {
            let exchange = question.fine(self.oracle);
            let problems = self.until(&exchange, limit);
            findings.answer(
                &format!("{} ms after the database was back", limit.as_millis()),
                &exchange,
                self.service.address(),
                problems,
            );
        }
        self.has_its_connections(findings)?;
        self.all_fine("after recovery", findings);
        Ok(())
    }

    /// Twice as many requests at once as there are connections, all answered rightly.
    pub(super) fn all_fine(&self, when: &str, findings: &mut Findings) {
        let questions: Vec<Exchange> = (0..self.promises.db_connections * 2)
            .map(|number| {
                if number % 4 == 0 {
                    Ask::Page.fine(self.oracle)
                } else {
                    Ask::User(1 + number % self.oracle.total()).fine(self.oracle)
                }
            })
            .collect();
        self.together(when, &questions, self.limit(), findings);
    }

    /// The pool is whole again: exactly its budget, within the recovery limit.
    pub(super) fn has_its_connections(&self, findings: &mut Findings) -> Result<(), StageError> {
        let budget = self.promises.db_connections;
        let limit = self.promises.recovery + self.promises.slack;
        let seen = self.owner()?.wait_for_connections(budget, limit)?;
        if seen != budget {
            findings.broken(format!(
                "expected {budget} connections in pg_stat_activity within {} ms, found {seen}",
                limit.as_millis()
            ));
        }
        Ok(())
    }

    /// Asks all questions at the same time, each on a connection of its own.
    pub(super) fn together(
        &self,
        when: &str,
        questions: &[Exchange],
        limit: Duration,
        findings: &mut Findings,
    ) {
        let address = self.service.address();
        let answers: Vec<Vec<Problem>> = thread::scope(|scope| {
            let threads: Vec<_> = questions
                .iter()
                .map(|question| scope.spawn(move || ask(question, address, limit)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| vec![panicked()]))
                .collect()
        });
        for (question, problems) in questions.iter().zip(answers) {
            findings.answer(when, question, address, problems);
        }
    }

    /// 503 in time for everything that needs the database, and `/healthz` at the same moment.
    pub(super) fn is_unavailable(&self, when: &str, at_once: usize, findings: &mut Findings) {
        let kinds = [Ask::User(1), Ask::Page, Ask::Ready, Ask::Health];
        let mut questions: Vec<Exchange> = (0..at_once)
            .map(|number| kinds[number % kinds.len()].unavailable(self.oracle))
            .collect();
        for kind in kinds {
            let mut head = kind.unavailable(self.oracle);
            head.request.method = "HEAD".to_owned();
            head.request.close = true;
            questions.push(head);
        }
        self.together(when, &questions, self.limit(), findings);
    }

    /// The service's log has no password in it.
    pub(super) fn look_for_secrets(&mut self, findings: &mut Findings) {
        let log = match self.service.log() {
            Ok(log) => log,
            Err(error) => return findings.broken(format!("the log cannot be read: {error}")),
        };
        for secret in secrets(&self.database.service_url()) {
            if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
                findings.broken(format!(
                    "the log shows the database's password or URL: {}",
                    line.replace(&secret, "[secret]")
                ));
            }
        }
    }
}

pub(super) fn panicked() -> Problem {
    Problem::Behaviour {
        message: "the suite's own client panicked".to_owned(),
    }
}
