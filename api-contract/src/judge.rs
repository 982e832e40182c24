//! One answer against what was expected.

use serde::{Deserialize, Serialize};

use crate::case::{Check, Exchange};
use crate::difference::Difference;
use crate::http::{Framing, Response};

/// The one content type of the contract, without parameters.
pub const CONTENT_TYPE: &str = "application/json";
/// `Allow` of every 405.
pub const ALLOW: &str = "GET, HEAD";

/// Headers that would mean caching, compression, redirects or tricks; the contract has none of them.
const FORBIDDEN: [&str; 11] = [
    "cache-control",
    "content-encoding",
    "content-language",
    "etag",
    "expires",
    "last-modified",
    "location",
    "set-cookie",
    "trailer",
    "transfer-encoding",
    "vary",
];

/// One way in which an answer is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// No complete HTTP answer.
    NoAnswer {
        /// What happened instead.
        message: String,
    },
    /// Wrong status code.
    Status {
        /// By the contract.
        expected: u16,
        /// Received.
        actual: u16,
    },
    /// A header is wrong, missing, repeated or must not be there.
    Header {
        /// Lower case.
        name: String,
        /// By the contract; `None`: no such header.
        expected: Option<String>,
        /// Received, in order.
        actual: Vec<String>,
    },
    /// Body delimited wrongly, or bytes where none may be.
    Framing {
        /// What is wrong.
        message: String,
    },
    /// Wrong body.
    Body {
        /// Where it differs first.
        difference: Difference,
    },
    /// The connection was not kept, or not closed, as it had to be.
    Connection {
        /// What is wrong.
        message: String,
    },
    /// A promise about time, the database or the process is broken.
    Behaviour {
        /// What was expected, what happened, and what that means.
        message: String,
    },
}

impl Problem {
    /// One or more lines for people.
    pub fn render(&self, indent: &str) -> String {
        match self {
            Self::NoAnswer { message } => format!("{indent}no answer: {message}"),
            Self::Status { expected, actual } => {
                format!("{indent}status: expected {expected}, got {actual}")
            }
            Self::Header {
                name,
                expected,
                actual,
            } => {
                let expected = match expected {
                    Some(value) => format!("{value:?}"),
                    None => "no such header".to_owned(),
                };
                let actual = if actual.is_empty() {
                    "no such header".to_owned()
                } else {
                    actual
                        .iter()
                        .map(|value| format!("{value:?}"))
                        .collect::<Vec<_>>()
                        .join(" and ")
                };
                format!("{indent}header {name}: expected {expected}, got {actual}")
            }
            Self::Framing { message } => format!("{indent}framing: {message}"),
            Self::Body { difference } => {
                format!("{indent}body differs\n{}", difference.render(indent))
            }
            Self::Connection { message } => format!("{indent}connection: {message}"),
            Self::Behaviour { message } => message
                .lines()
                .map(|line| format!("{indent}{line}"))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }
}

/// Everything that is wrong with `response`; empty where it is right.
pub fn judge(exchange: &Exchange, response: &Response) -> Vec<Problem> {
    let expect = &exchange.expect;
    let mut problems = Vec::new();
    if response.status != expect.status {
        problems.push(Problem::Status {
            expected: expect.status,
            actual: response.status,
        });
    }
    if expect.check == Check::Status {
        return problems;
    }
    if response.minor_version != 1 {
        problems.push(Problem::Framing {
            message: format!("answered with HTTP/1.{}", response.minor_version),
        });
    }
    check_headers(exchange, response, &mut problems);
    check_framing(exchange, response, &mut problems);
    if exchange.request.method != "HEAD"
        && let Some(difference) = Difference::first(&expect.body, &response.body)
    {
        problems.push(Problem::Body { difference });
    }
    problems
}

fn check_headers(exchange: &Exchange, response: &Response, problems: &mut Vec<Problem>) {
    let allow = (exchange.expect.status == 405).then_some(ALLOW);
    for (name, expected) in [("content-type", Some(CONTENT_TYPE)), ("allow", allow)] {
        let actual = response.header(name);
        let right = match expected {
            Some(value) => actual.len() == 1 && actual[0] == value,
            None => actual.is_empty(),
        };
        if !right {
            problems.push(Problem::Header {
                name: name.to_owned(),
                expected: expected.map(str::to_owned),
                actual,
            });
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for (name, _) in &response.headers {
        let name = name.to_ascii_lowercase();
        let forbidden = FORBIDDEN.contains(&name.as_str())
            || name.starts_with("x-")
            || name.starts_with("access-control-");
        if forbidden && !seen.contains(&name) {
            problems.push(Problem::Header {
                actual: response.header(&name),
                expected: None,
                name: name.clone(),
            });
        }
        seen.push(name);
    }
}

fn check_framing(exchange: &Exchange, response: &Response, problems: &mut Vec<Problem>) {
    let head = exchange.request.method == "HEAD";
    let lengths = response.header("content-length");
    let expected = exchange.expect.body.len().to_string();
    let received = response.body.len().to_string();
    // A GET's length must fit what came; that this is the right body is judged apart.
    let wanted = if head { &expected } else { &received };
    if lengths.len() != 1 || lengths[0] != *wanted {
        problems.push(Problem::Header {
            name: "content-length".to_owned(),
            expected: Some(wanted.clone()),
            actual: lengths,
        });
    }
    if response.framing == Framing::Chunked {
        problems.push(Problem::Framing {
            message: "chunked, where Content-Length is promised".to_owned(),
        });
    }
    if !response.excess.is_empty() {
        let excess = Difference::first(b"", &response.excess)
            .map(|difference| difference.actual)
            .unwrap_or_default();
        let what = if head {
            "bytes after the head of an answer to HEAD"
        } else {
            "bytes after the end of the body"
        };
        problems.push(Problem::Framing {
            message: format!("{} {what}: {excess}", response.excess.len()),
        });
    }
}
