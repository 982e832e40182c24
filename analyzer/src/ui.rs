//! What goes to the terminal: results to standard output, everything else to standard error.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one place that prints"
)]

use std::io::IsTerminal as _;

use lab_verdict::terminal::Style;

/// A result.
pub fn say(text: &str) {
    use std::io::Write as _;
    // A reader that has seen enough (`| head`) is no error.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A remark.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// An error for people.
pub fn report(report: &miette::Report) {
    eprintln!("{report:?}");
}

/// Width and colour of standard output.
pub fn style() -> Style {
    let terminal = std::io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width: u16 = columns
        .or_else(|| terminal_size::terminal_size().map(|(w, _)| w.0))
        .unwrap_or(100);
    Style {
        width: width.clamp(60, 160),
        colour,
    }
}
