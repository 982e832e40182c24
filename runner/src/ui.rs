//! What goes to the terminal: results to standard output, everything else to standard error.
#![allow(clippy::print_stderr, reason = "the one place that prints")]

use std::io::IsTerminal as _;

pub use lab_verdict::terminal::say;

/// What is being done.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Long lines broken between words, where somebody reads them on a terminal; whole elsewhere, for programs.
pub fn folded(text: &str) -> String {
    let terminal = std::io::stderr().is_terminal();
    match terminal_size::terminal_size_of(std::io::stderr()).filter(|_| terminal) {
        Some((columns, _)) => fold(text, usize::from(columns.0)),
        None => text.to_owned(),
    }
}

fn fold(text: &str, columns: usize) -> String {
    let options = textwrap::Options::new(columns.max(40)).subsequent_indent("      ");
    let lines: Vec<String> = text
        .lines()
        .map(|line| textwrap::fill(line, &options))
        .collect();
    lines.join("\n")
}

/// Something to look at.
pub fn warn(text: &str) {
    eprintln!("warning: {text}");
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

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn long_lines_are_broken_between_words_and_short_ones_stay() {
        let text = "short\n  python  1 CPU, 1 workers, 1 pool of 30  Python (FastAPI)";
        let folded = fold(text, 40);
        assert!(folded.lines().all(|line| line.len() <= 40), "{folded}");
        assert_eq!(folded.lines().count(), 3);
        assert!(folded.starts_with("short\n  python  1 CPU"));
        assert_eq!(fold(text, 200), text);
    }
}
