//! Sends the cases of a suite to a service and judges the answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::case::{Case, CaseError, Exchange};
use crate::http::{Connection, HttpError, Request, Response};
use crate::judge::{Problem, judge};
use crate::oracle::Oracle;
use crate::report::{CaseResult, Failure, Report};
use crate::suite::Suite;

/// The service under test.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Name in reports.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Limit for one answer; past it the case fails. Not a performance limit: be generous.
    pub timeout: Duration,
}

impl Subject {
    /// A service at `address`, with ten seconds for an answer.
    pub fn new(name: impl Into<String>, address: SocketAddr) -> Self {
        Self {
            name: name.into(),
            address,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Runs `suite` against `subject`; the right answers come from `oracle`.
///
/// Cases share a kept-alive connection as a client's would, but for those that ask for one of their own.
/// A service that cannot be reached fails every case: that is a result, not an error.
///
/// # Errors
/// When a case asks for a row that the table doesn't have: the table is too small for this suite.
pub fn run(suite: &Suite, subject: &Subject, oracle: &Oracle) -> Result<Report, CaseError> {
    let start = Instant::now();
    let cases = suite.cases(oracle)?;
    let mut report = Report {
        subject: format!("{} at {}", subject.name, subject.address),
        suite: suite.name().to_owned(),
        cases: Vec::with_capacity(cases.len()),
        elapsed_ms: 0.0,
    };
    let mut wire = Wire::new(subject);
    for case in &cases {
        let index = report.cases.len();
        report.cases.push(CaseResult {
            rule: case.rule.clone(),
            case: case.name.clone(),
            why: case.why.clone(),
            requests: 0,
            failed: 0,
            failures: Vec::new(),
        });
        run_case(case, index, &mut wire, &mut report);
    }
    report.set_elapsed(start.elapsed());
    Ok(report)
}

fn run_case(case: &Case, index: usize, wire: &mut Wire<'_>, report: &mut Report) {
    if case.one_connection {
        wire.kept = None;
    }
    for (number, exchange) in case.exchanges.iter().enumerate() {
        report.cases[index].requests += 1;
        let answer = wire.send(&exchange.request, index);
        if let Some((culprit, request)) = wire.unannounced_close.take() {
            report.cases[culprit].add(failure(
                &request,
                wire.subject.address,
                vec![Problem::Connection {
                    message: "closed after this answer without announcing `Connection: close`"
                        .to_owned(),
                }],
            ));
        }
        let mut problems = verdict(exchange, &answer);
        let last = number + 1 == case.exchanges.len();
        if case.one_connection && !last && wire.kept.is_none() && answer.is_ok() {
            problems.push(Problem::Connection {
                message: format!("not kept alive after request {}", number + 1),
            });
        }
        if !problems.is_empty() {
            report.cases[index].add(failure(&exchange.request, wire.subject.address, problems));
        }
    }
}

/// Everything wrong with what came back for `exchange`.
pub(crate) fn verdict(exchange: &Exchange, answer: &Result<Response, HttpError>) -> Vec<Problem> {
    match answer {
        Ok(response) => judge(exchange, response),
        Err(error) => vec![Problem::NoAnswer {
            message: error.to_string(),
        }],
    }
}

pub(crate) fn failure(request: &Request, address: SocketAddr, problems: Vec<Problem>) -> Failure {
    const SHOWN: usize = 200;
    let mut target = request.target.clone();
    if target.len() > SHOWN {
        target.truncate(target.floor_char_boundary(SHOWN));
        target.push_str(&format!("... ({} bytes)", request.target.len()));
    }
    Failure {
        request: format!("{} {target}", request.method),
        curl: request.curl(address),
        problems,
    }
}

/// The kept connection, and who used it last.
struct Wire<'a> {
    subject: &'a Subject,
    kept: Option<Kept>,
    unannounced_close: Option<(usize, Request)>,
}

struct Kept {
    connection: Connection,
    case: usize,
    request: Request,
}

impl<'a> Wire<'a> {
    fn new(subject: &'a Subject) -> Self {
        Self {
            subject,
            kept: None,
            unannounced_close: None,
        }
    }

    fn send(&mut self, request: &Request, case: usize) -> Result<Response, HttpError> {
        if request.close {
            return self.open()?.exchange(request);
        }
        if let Some(mut kept) = self.kept.take() {
            let answer = if kept.connection.is_stale() {
                Err(HttpError::ClosedWithoutAnswer)
            } else {
                kept.connection.exchange(request)
            };
            if !matches!(answer, Err(HttpError::ClosedWithoutAnswer)) {
                return self.keep(kept.connection, request, case, answer);
            }
            // The server dropped a connection that it had agreed to keep: its previous answer is at fault.
            self.unannounced_close = Some((kept.case, kept.request));
        }
        let mut connection = self.open()?;
        let answer = connection.exchange(request);
        self.keep(connection, request, case, answer)
    }

    fn open(&self) -> Result<Connection, HttpError> {
        Connection::open(self.subject.address, self.subject.timeout)
    }

    fn keep(
        &mut self,
        connection: Connection,
        request: &Request,
        case: usize,
        answer: Result<Response, HttpError>,
    ) -> Result<Response, HttpError> {
        if answer
            .as_ref()
            .is_ok_and(|response| !response.closed && response.excess.is_empty())
        {
            self.kept = Some(Kept {
                connection,
                case,
                request: request.clone(),
            });
        }
        answer
    }
}
