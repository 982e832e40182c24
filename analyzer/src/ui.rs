//! What goes to the terminal: results to standard output, everything else to standard error.
#![allow(clippy::print_stderr, reason = "the one place that prints")]

pub use lab_verdict::terminal::say;

/// A remark.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// An error for people.
pub fn report(report: &miette::Report) {
    eprintln!("{report:?}");
}
