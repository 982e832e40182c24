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
    println!("{text}");
}

/// What is being done.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Something to look at.
pub fn warn(text: &str) {
    eprintln!("warning: {text}");
}

/// Width and colour of standard output.
pub fn style() -> Style {
    let terminal = std::io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width = columns
        .or_else(|| {
            terminal
                .then(|| comfy_table::Table::new().width())
                .flatten()
        })
        .unwrap_or(100);
    Style {
        width: width.clamp(60, 160),
        colour,
    }
}

/// "3 min 20 s".
pub fn duration(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    match (s / 3600, s % 3600 / 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// An error for people: cause, place, next step.
pub fn report(report: &miette::Report) {
    eprintln!("{report:?}");
}
