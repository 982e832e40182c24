//! Cases as data: the form of `cases/*.toml`, and how one line becomes requests with their right answers.

use serde::Deserialize;

use crate::http::Request;
use crate::oracle::Oracle;
use crate::template::{Template, TemplateError};

/// One file of cases.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// Its rules, in the order they run.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule of the contract with the requests that show it. A rule's fields are the defaults of its cases.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Dotted name, unique.
    pub name: String,
    /// Why the rule exists, or which mistake it finds.
    pub why: String,
    /// Path template in `openapi.yaml`, or `*` for every path that is not in it.
    pub path: String,
    /// Each case is sent with each of these.
    #[serde(default = "only_get")]
    pub methods: Vec<String>,
    /// Expected status.
    pub status: u16,
    /// Expected body: literal, `user:N` or `page:LIMIT:OFFSET`.
    #[serde(default)]
    pub body: String,
    /// How much of the answer is promised.
    #[serde(default)]
    pub check: Check,
    /// Every request on a connection of its own that ends after it, so that nothing after the body is missed.
    #[serde(default)]
    pub close: bool,
    /// All cases on one connection, in order, this many times; the connection must survive.
    #[serde(default)]
    pub one_connection: Option<usize>,
    /// The requests.
    pub cases: Vec<CaseLine>,
}

/// One line of a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseLine {
    /// Name, unique in its rule.
    pub name: String,
    /// Request target, a template (see [`Template`]), sent verbatim.
    pub target: String,
    /// The smallest suite that has the case.
    #[serde(default)]
    pub level: Level,
    /// Sends the case once for each of these.
    #[serde(default)]
    pub each: Each,
    /// Instead of the rule's methods.
    #[serde(default)]
    pub methods: Option<Vec<String>>,
    /// Instead of the rule's status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Instead of the rule's body.
    #[serde(default)]
    pub body: Option<String>,
    /// Additional request headers; values are templates.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Request body, sent as is; the headers must announce it.
    #[serde(default)]
    pub send: String,
}

/// Suites, each one including those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Before every repetition.
    Quick,
    /// One request or a few for each rule and each trap.
    #[default]
    Standard,
    /// Every row of the table.
    Thorough,
}

/// What a case is repeated over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Each {
    /// Sent once.
    #[default]
    Once,
    /// One user for each distinct full name; `n` is its number.
    Name,
    /// Every user; `n` is its number.
    User,
    /// Every page of 200 rows; `offset` is its offset.
    Page,
}

/// How much of an answer is promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// Status, headers, framing and body.
    #[default]
    Everything,
    /// The status alone: the answer comes from a server's HTTP parser.
    Status,
}

/// The right answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// Status code.
    pub status: u16,
    /// Body bytes of a `GET`; a `HEAD` announces their length.
    pub body: Vec<u8>,
    /// How much is promised.
    pub check: Check,
}

/// One request and its right answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What is sent.
    pub request: Request,
    /// What must come back.
    pub expect: Expect,
}

/// A case with everything filled in.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name of its rule.
    pub rule: String,
    /// Its own name.
    pub name: String,
    /// The rule's reason.
    pub why: String,
    /// Path template in `openapi.yaml`, or `*`.
    pub path: String,
    /// Requests in order.
    pub exchanges: Vec<Exchange>,
    /// All of them must be answered on one connection.
    pub one_connection: bool,
}

/// A case that cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("api-contract case `{rule} / {case}`: {source}")]
pub struct CaseError {
    rule: String,
    case: String,
    source: TemplateError,
}

fn only_get() -> Vec<String> {
    vec!["GET".to_owned()]
}

const PAGE_STEP: usize = 200;

impl Rule {
    /// The rule's cases up to `level`, filled in from `oracle`.
    ///
    /// # Errors
    /// When a line asks for something the table or the template language doesn't have.
    pub fn cases(&self, level: Level, oracle: &Oracle) -> Result<Vec<Case>, CaseError> {
        let mut cases = Vec::new();
        for line in self.cases.iter().filter(|line| line.level <= level) {
            let exchanges = self.exchanges(line, oracle).map_err(|source| CaseError {
                rule: self.name.clone(),
                case: line.name.clone(),
                source,
            })?;
            cases.push(self.case(&line.name, exchanges, false));
        }
        let Some(times) = self.one_connection else {
            return Ok(cases);
        };
        let once: Vec<Exchange> = cases.into_iter().flat_map(|case| case.exchanges).collect();
        if once.is_empty() {
            return Ok(Vec::new());
        }
        let all = std::iter::repeat_n(once, times).flatten().collect();
        Ok(vec![self.case("one connection", all, true)])
    }

    fn case(&self, name: &str, exchanges: Vec<Exchange>, one_connection: bool) -> Case {
        Case {
            rule: self.name.clone(),
            name: name.to_owned(),
            why: self.why.clone(),
            path: self.path.clone(),
            exchanges,
            one_connection,
        }
    }

    fn exchanges(&self, line: &CaseLine, oracle: &Oracle) -> Result<Vec<Exchange>, TemplateError> {
        let templates: Vec<Template<'_>> = match line.each {
            Each::Once => vec![Template::new(oracle)],
            Each::Name => oracle
                .one_of_each_name()
                .into_iter()
                .map(|number| Template::new(oracle).with_number(number))
                .collect(),
            Each::User => (1..=oracle.total())
                .map(|number| Template::new(oracle).with_number(number))
                .collect(),
            Each::Page => (0..oracle.total())
                .step_by(PAGE_STEP)
                .map(|offset| Template::new(oracle).with_offset(offset))
                .collect(),
        };
        let mut exchanges = Vec::new();
        for template in templates {
            for method in line.methods.as_ref().unwrap_or(&self.methods) {
                exchanges.push(self.exchange(line, method, &template)?);
            }
        }
        Ok(exchanges)
    }

    fn exchange(
        &self,
        line: &CaseLine,
        method: &str,
        template: &Template<'_>,
    ) -> Result<Exchange, TemplateError> {
        let mut headers = Vec::with_capacity(line.headers.len());
        for (name, value) in &line.headers {
            headers.push((template.expand(name)?, template.expand(value)?));
        }
        Ok(Exchange {
            request: Request {
                method: method.to_owned(),
                target: template.expand(&line.target)?,
                headers,
                body: line.send.clone().into_bytes(),
                // A body wrongly sent after a HEAD shows only when the connection is read to its end.
                close: self.one_connection.is_none() && (self.close || method == "HEAD"),
                plain: false,
            },
            expect: Expect {
                status: line.status.unwrap_or(self.status),
                body: template
                    .body(line.body.as_ref().unwrap_or(&self.body))?
                    .into_bytes(),
                check: self.check,
            },
        })
    }
}
