//! Requests of an imported file, row by row.

use lab_stats::physics::{Observed, clock_step_back};
use lab_stats::seconds::MOST_SECONDS;
use lab_stats::session::Repetition;

use super::error::Problem;
use super::{Imported, Kind};
use crate::figures::Figures;
use crate::samples::Measured;

/// Rows that are kept of one file: 19 bytes each.
pub const MOST_ROWS: usize = 50_000_000;
/// Different names; more are put together (a script that does not group its URLs has one for each).
const MOST_NAMES: usize = 50;
const OTHERS: &str = "(other names)";
const SECOND: i64 = 1_000_000_000;
/// ms; and how far the times of one run may lie apart, in ns (a week, less the longest request).
const LONGEST_REQUEST: f64 = 86_400_000.0;
const LONGEST_RUN: u64 = (MOST_SECONDS - 86_400) as u64 * SECOND as u64;

/// What of a file counts.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Seconds after the first request that are warm-up.
    pub skip_s: f64,
    /// Only this scenario.
    pub scenario: Option<String>,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// When it ended, ns since the Unix epoch.
    pub ended: i64,
    /// ms, as text has it.
    pub duration_ms: f64,
    /// Whether it failed.
    pub failed: bool,
    /// Name of the request.
    pub name: &'a str,
    /// Scenario.
    pub scenario: &'a str,
}

/// Collects them.
#[derive(Debug, Default)]
pub struct Rows {
    measured: Measured,
    scenarios: Vec<String>,
    /// Arrivals that could not be started.
    pub dropped: f64,
    /// Fewest and most users.
    pub users: Option<[f64; 2]>,
    /// Every time was a whole second.
    pub coarse: bool,
    last_name: u16,
    first: Option<i64>,
}

impl Rows {
    /// Empty.
    pub fn new() -> Self {
        Self {
            coarse: true,
            ..Self::default()
        }
    }

    /// Takes a request in.
    ///
    /// # Errors
    /// A duration that is none; too many rows.
    pub fn push(
        &mut self,
        row: u64,
        request: &Request<'_>,
        choice: &Choice,
    ) -> Result<(), Problem> {
        let d = request.duration_ms;
        if !d.is_finite() || d < 0.0 {
            return Err(Problem::row(row, format!("a duration of {d} ms")));
        }
        if d > LONGEST_REQUEST {
            let text = format!("a duration of {d} ms is more than a day");
            return Err(Problem::row(row, text));
        }
        let first = *self.first.get_or_insert(request.ended);
        if request.ended.abs_diff(first) > LONGEST_RUN {
            let text = "its time is days away from the first row's: two runs in one file, or a damaged time";
            return Err(Problem::row(row, text));
        }
        if !self.scenarios.iter().any(|s| s == request.scenario)
            && self.scenarios.len() < MOST_NAMES
        {
            self.scenarios.push(request.scenario.to_owned());
        }
        if choice
            .scenario
            .as_ref()
            .is_some_and(|s| s != request.scenario)
        {
            return Ok(());
        }
        if self.measured.duration.len() == MOST_ROWS {
            return Err(Problem::row(row, format!("more than {MOST_ROWS} requests")));
        }
        let ns = (d * 1e6).round() as i64;
        self.coarse &= request.ended % SECOND == 0;
        self.measured
            .started_at
            .push(request.ended.saturating_sub(ns));
        self.measured.duration.push(ns);
        self.measured.failed.push(request.failed);
        let name = self.name(request.name);
        self.measured.endpoint.push(name);
        Ok(())
    }

    fn name(&mut self, name: &str) -> u16 {
        let names = &mut self.measured.endpoints;
        if names
            .get(usize::from(self.last_name))
            .is_some_and(|n| n == name)
        {
            return self.last_name;
        }
        let name = if names.len() >= MOST_NAMES && !names.iter().any(|n| n == name) {
            OTHERS
        } else {
            name
        };
        let id = names.iter().position(|n| n == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        // There are never more than MOST_NAMES + 1.
        self.last_name = u16::try_from(id).unwrap_or(u16::MAX);
        self.last_name
    }

    /// Notes a number of users.
    pub fn user_count(&mut self, users: f64) {
        if users.is_finite() {
            let [low, high] = self.users.unwrap_or([users; 2]);
            self.users = Some([low.min(users), high.max(users)]);
        }
    }

    /// The repetition.
    ///
    /// # Errors
    /// No request.
    pub fn finish(mut self, kind: Kind, choice: &Choice) -> Result<Imported, Problem> {
        let mut cannot = Vec::new();
        let first = self.measured.started_at.iter().min().copied();
        let Some(first) = first else {
            return Err(Problem::Nothing {
                what: if choice.scenario.is_some() {
                    "no request of this scenario"
                } else {
                    "no request"
                },
            });
        };
        if choice.skip_s > 0.0 {
            self.skip(first.saturating_add((choice.skip_s * 1e9) as i64));
            if self.measured.duration.is_empty() {
                return Err(Problem::Nothing {
                    what: "no request after the seconds to skip",
                });
            }
        } else {
            cannot
                .push("it declares no warm-up: none was cut (--skip-seconds cuts one)".to_owned());
        }
        if self.scenarios.len() > 1 && choice.scenario.is_none() {
            cannot.push(format!(
                "its scenarios are mixed: {} (--scenario picks one)",
                self.scenarios.join(", ")
            ));
        }
        if self.coarse {
            cannot.push(
                "its times are whole seconds: stalls and clock steps below a second cannot be seen"
                    .to_owned(),
            );
        }
        let m = &self.measured;
        let (figures, _) = Figures::of(m).map_err(|e| Problem::Form(e.to_string()))?;
        let summary = &figures.summary;
        let ends: Vec<i64> = m
            .started_at
            .iter()
            .zip(&m.duration)
            .map(|(s, d)| s.saturating_add(*d))
            .collect();
        let step = clock_step_back(&ends, &vec![0; ends.len()]);
        let observed = Observed {
            vus: self
                .users
                .filter(|[low, high]| low == high && *low > 0.0)
                .map(|u| u[0]),
            // A closed loop's law needs the whole time; whole seconds blur it, pauses of the script are not known.
            rate: None,
            latency: summary.latency,
            requests: Some(summary.requests),
            parts: vec![(
                "endpoint".to_owned(),
                figures.endpoints.values().map(|s| s.requests).collect(),
            )],
            seconds: Some(summary.seconds),
            clock_step_back_ns: Some(step),
            ..Observed::default()
        };
        let repetition = Repetition {
            dropped_iterations: Some(self.dropped.max(0.0) as u64),
            requests: Some(summary.requests),
            errors: Some(summary.errors),
            metrics: summary.metrics(),
            support: summary.support.clone(),
            ..Repetition::default()
        };
        Ok(Imported {
            kind,
            repetition,
            figures: Some(figures),
            observed,
            cannot,
        })
    }

    fn skip(&mut self, until: i64) {
        let m = &mut self.measured;
        let keep: Vec<bool> = m.started_at.iter().map(|s| *s >= until).collect();
        let mut i = 0..;
        m.started_at.retain(|_| keep[i.next().unwrap_or(0)]);
        let mut i = 0..;
        m.duration.retain(|_| keep[i.next().unwrap_or(0)]);
        let mut i = 0..;
        m.failed.retain(|_| keep[i.next().unwrap_or(0)]);
        let mut i = 0..;
        m.endpoint.retain(|_| keep[i.next().unwrap_or(0)]);
    }
}
