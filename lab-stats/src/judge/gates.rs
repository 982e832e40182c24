//! Gates before any metric (section 5): who may be called better at all.

use crate::{judge::data::Data, plan::JudgePlan, text};

/// A gate that a target did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `errors` or `saturated`: the kind of the flag.
    pub kind: &'static str,
    /// For people.
    pub text: String,
}

/// Why a target may not be called faster; empty if it may.
pub fn failures(plan: &JudgePlan, data: &Data, target: &str) -> Vec<Failure> {
    let mut reasons = Vec::new();
    let sum = |figure: fn(&crate::session::Repetition) -> Option<u64>| {
        data.valid(target).filter_map(figure).sum::<u64>()
    };
    let (errors, requests) = (sum(|run| run.errors), sum(|run| run.requests));
    let rate = if requests > 0 {
        Some(errors as f64 / requests as f64)
    } else {
        // Imported data may have rates without counts.
        crate::moments::mean(
            &data
                .values(target, "error_rate")
                .iter()
                .map(|(_, rate)| *rate)
                .collect::<Vec<_>>(),
        )
    };
    if let Some(rate) = rate.filter(|rate| *rate > plan.max_error_rate) {
        let (rate, limit) = (
            text::percent(100.0 * rate),
            text::percent(100.0 * plan.max_error_rate),
        );
        let text = format!("{target} failed {rate} of its requests (limit {limit})");
        reasons.push(Failure {
            kind: "errors",
            text,
        });
    }
    let dropped = sum(|run| run.dropped_iterations);
    if dropped > 0 {
        let text = format!(
            "{target} made the load generator drop {dropped} iterations (saturated: tail percentiles are lower bounds)"
        );
        reasons.push(Failure {
            kind: "saturated",
            text,
        });
    }
    reasons
}

/// Why a target has no valid run; `None` if it has one.
pub fn unmeasured(data: &Data, target: &str) -> Option<String> {
    if data.valid(target).next().is_some() {
        return None;
    }
    let all = data.all(target);
    Some(match all.iter().find_map(|run| run.invalid.first()) {
        Some(reason) => format!(
            "{target} is unmeasured: all {} repetitions are invalid ({reason})",
            all.len()
        ),
        None => format!("{target} is unmeasured: it has no repetition"),
    })
}
