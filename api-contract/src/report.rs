//! What a suite found, for programs (serde) and for people.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::Problem;

/// Failures kept per case: one wrong rule may break ten thousand requests.
pub(crate) const KEPT_FAILURES: usize = 5;

/// Result of one suite on one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was checked.
    pub subject: String,
    /// Name of the suite.
    pub suite: String,
    /// One result per case, in the order they ran.
    pub cases: Vec<CaseResult>,
    /// Wall time in milliseconds.
    pub elapsed_ms: f64,
}

/// Result of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    /// Rule it belongs to.
    pub rule: String,
    /// Name within the rule.
    pub case: String,
    /// Why the rule exists.
    pub why: String,
    /// Requests sent.
    pub requests: usize,
    /// Requests with a wrong answer, or promises broken.
    pub failed: usize,
    /// The first of them in full.
    pub failures: Vec<Failure>,
}

/// One request whose answer is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Method and target, shortened where it is very long; empty for a broken promise without a request.
    pub request: String,
    /// The same request for a shell.
    pub curl: String,
    /// Everything wrong with the answer.
    pub problems: Vec<Problem>,
}

impl CaseResult {
    /// Nothing was wrong.
    pub fn passed(&self) -> bool {
        self.failed == 0
    }

    pub(crate) fn add(&mut self, failure: Failure) {
        self.failed += 1;
        if self.failures.len() < KEPT_FAILURES {
            self.failures.push(failure);
        }
    }
}

impl Report {
    /// Every case passed. A suite without cases does not.
    pub fn passed(&self) -> bool {
        !self.cases.is_empty() && self.cases.iter().all(CaseResult::passed)
    }

    /// Cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.iter().filter(|case| !case.passed())
    }

    /// Requests sent in all.
    pub fn requests(&self) -> usize {
        self.cases.iter().map(|case| case.requests).sum()
    }

    /// The first failure, for an error message: which case, which request, which byte.
    pub fn first_difference(&self) -> Option<String> {
        let case = self.failed().next()?;
        let mut text = format!("{} / {}", case.rule, case.case);
        if let Some(failure) = case.failures.first() {
            text.push('\n');
            text.push_str(&failure.render("  "));
        }
        Some(text)
    }

    /// Failed cases in full and a line of totals.
    pub fn render(&self) -> String {
        self.render_at_most(usize::MAX)
    }

    /// Like [`Report::render`], with the first `cases` that failed: a service that is wrong everywhere needs no more.
    pub fn render_at_most(&self, cases: usize) -> String {
        let mut text = String::new();
        for case in self.failed().take(cases) {
            text.push_str(&case.render());
            text.push('\n');
        }
        let failed = self.failed().count();
        if failed > cases {
            text.push_str(&format!("and {} more cases\n", failed - cases));
        }
        text.push_str(&format!(
            "{}: {} of {} cases of suite `{}` passed ({} requests, {:.0} ms)\n",
            self.subject,
            self.cases.len() - failed,
            self.cases.len(),
            self.suite,
            self.requests(),
            self.elapsed_ms,
        ));
        text
    }

    pub(crate) fn set_elapsed(&mut self, elapsed: Duration) {
        self.elapsed_ms = elapsed.as_secs_f64() * 1000.0;
    }
}

impl CaseResult {
    fn render(&self) -> String {
        let mut text = format!("FAILED {} / {}\n", self.rule, self.case);
        for failure in &self.failures {
            text.push_str(&failure.render("  "));
            text.push('\n');
        }
        if self.failed > self.failures.len() {
            text.push_str(&format!(
                "  and {} more requests of this case\n",
                self.failed - self.failures.len()
            ));
        }
        text.push_str(&format!("  rule: {}\n", self.why));
        text
    }
}

impl Failure {
    fn render(&self, indent: &str) -> String {
        let mut lines = Vec::new();
        if !self.request.is_empty() {
            lines.push(format!("{indent}{}", self.request));
        }
        let inner = format!("{indent}  ");
        lines.extend(self.problems.iter().map(|problem| problem.render(&inner)));
        if !self.curl.is_empty() {
            lines.push(format!("{inner}try: {}", self.curl));
        }
        lines.join("\n")
    }
}
