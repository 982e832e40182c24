//! Which lines of the receipt are promises of fairness.
//!
//! A host that was disturbed spoils a repetition: its block is left out for that pair, and the rest may still tell
//! enough. A broken promise is another thing: a service that took more connections, ran other SQL or gave wrong
//! answers even once did not run the same race, so none of its repetitions is ranked.

use lab_model::results::{ReceiptLine, Repetition, unbalanced};

/// Codes of receipt lines that stop the ranking of a target when they fail once.
pub const PROMISES: [&str; 10] = [
    "limits_in_force",
    "service_cpu",
    "processes",
    "connections_peak",
    "statements",
    "queries_per_request",
    "rows_per_query",
    "answers",
    "transactions",
    "follows_database",
];

/// The broken promises of one repetition.
pub fn broken(repetition: &Repetition) -> impl Iterator<Item = &ReceiptLine> {
    unbalanced(&repetition.receipt).filter(|line| PROMISES.contains(&line.code.as_str()))
}

/// One sentence if any repetition of a target broke a promise.
pub fn verdict_stopper<'a>(
    target: &str,
    repetitions: impl Iterator<Item = &'a Repetition>,
) -> Option<String> {
    let mut first: Option<(&ReceiptLine, u32)> = None;
    let mut count = 0;
    for repetition in repetitions.filter(|r| r.target == target) {
        if let Some(line) = broken(repetition).next() {
            count += 1;
            first.get_or_insert((line, repetition.block));
        }
    }
    let (line, block) = first?;
    Some(format!(
        "the receipt of {target} does not balance: {}: promised {}, seen {} (block {block}; {count} repetition{} in all)",
        line.label,
        line.promised,
        line.seen,
        if count == 1 { "" } else { "s" },
    ))
}
