//! The answer of the gate, for a terminal and for a comment on a pull request.

use std::fmt::Write as _;

use lab_stats::gate::{Basis, GateLine, GateReport, GateVerdict};

use super::markdown::escape;
use super::{label, with_interval};

/// Rows of a comment; more are counted.
const MOST_ROWS: usize = 40;
/// Characters of a name or a sentence in it.
const LONGEST_TEXT: usize = 300;

/// One sentence a line, the verdict last.
pub fn table(report: &GateReport) -> String {
    let mut out = String::new();
    for line in &report.lines {
        let _ = writeln!(
            out,
            "{} {}: {}",
            line.target,
            label(&line.metric),
            line.text
        );
    }
    let _ = write!(out, "verdict: {}", word(report.verdict));
    out
}

/// Verdict first, then a table with the worst first.
pub fn markdown(report: &GateReport, base: &str, new: &str) -> String {
    let mut out = format!("### Performance gate: {}\n\n", word(report.verdict));
    let _ = writeln!(out, "{} against {}", cell(new), cell(base));
    out.push_str(
        "\n| target | metric | NEW / BASE, above 1 is worse | verdict |\n|---|---|--:|---|\n",
    );
    let mut lines: Vec<&GateLine> = report.lines.iter().collect();
    lines.sort_by_key(|line| rank(line.verdict));
    for line in lines.iter().take(MOST_ROWS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            cell(&line.target),
            label(&line.metric),
            with_interval(line.ratio, line.ci),
            cell(&line.text)
        );
    }
    if let Some(more) = lines.len().checked_sub(MOST_ROWS).filter(|n| *n > 0) {
        let _ = writeln!(out, "\nand {more} more: `--format json` has all");
    }
    if let Some(line) = lines.first() {
        let _ = write!(
            out,
            "\n<sub>Intervals are over repetitions; {}.</sub>",
            basis(line.basis)
        );
    }
    out
}

fn cell(text: &str) -> String {
    let short: String = text.chars().take(LONGEST_TEXT).collect();
    escape(&short)
}

fn rank(verdict: GateVerdict) -> u8 {
    match verdict {
        GateVerdict::Regression => 0,
        GateVerdict::Inconclusive => 1,
        GateVerdict::SmallChange => 2,
        GateVerdict::Pass => 3,
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::SameBlocks => "both ran in the same blocks",
        Basis::Control => "an unchanged control ran in both sessions",
        Basis::DifferentSessions => "different sessions without a control",
    }
}

fn word(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Regression => "regression",
        GateVerdict::Pass => "pass",
        GateVerdict::SmallChange => "pass, with a small change",
        GateVerdict::Inconclusive => "inconclusive",
    }
}

#[cfg(test)]
mod tests {
    use super::super::markdown::LONGEST;
    use super::*;
    use lab_stats::report::Method;

    #[test]
    fn a_comment_is_never_too_long_and_the_worst_comes_first() {
        let line = |i: usize| GateLine {
            metric: "p99".to_owned(),
            target: format!("t{i}|{}", "<b>_*".repeat(400)),
            ratio: Some(1.2),
            ci: Some([1.1, 1.3]),
            upper_one_sided: None,
            p: None,
            p_adjusted: None,
            method: Method::Welch,
            basis: Basis::Control,
            repetitions: [10, 10],
            verdict: if i == 99 {
                GateVerdict::Regression
            } else {
                GateVerdict::Pass
            },
            text: "x".repeat(10_000),
        };
        let report = GateReport {
            schema_version: 1,
            lines: (0..100).map(line).collect(),
            verdict: GateVerdict::Regression,
        };
        let text = markdown(&report, "results/a", "results/b");
        assert!(text.len() < LONGEST, "{}", text.len());
        assert!(text.contains("| t99") && text.contains("and 60 more"));
        assert!(!text.contains("<b>") && text.starts_with("### Performance gate: regression"));
    }
}
