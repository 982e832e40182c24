//! Receipt and verdict as text for a terminal: the receipt before any verdict, the verdict in plain words first.

mod grid;
mod plain;
mod style;

use std::fmt::Write as _;

use grid::{GLUE, Grid};
use lab_model::results::{Manifest, ReceiptLine, Repetition};
use lab_stats::plan::Role;
use lab_stats::report::{MetricReport, Report, Verdict};
pub use plain::{plain, right};
pub use style::Style;

use crate::{capacity, fairness, laboratory};

/// A result, to standard output.
pub fn say(text: &str) {
    use std::io::Write as _;
    // A reader that has seen enough (`| head`) is no error.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// The fairness receipt over all repetitions: one row a promise, one column a target, worst case shown.
pub fn receipt(manifest: &Manifest, repetitions: &[Repetition], style: Style) -> String {
    let targets: Vec<&String> = manifest.targets.keys().collect();
    let row = |(code, label, promised): (String, String, String)| {
        let cells = targets.iter().map(|t| worst(repetitions, t, &code));
        (format!("{label}: {promised}"), cells.collect())
    };
    let grid = Grid {
        corner: "receipt: promised".to_owned(),
        names: targets.iter().map(|t| (*t).clone()).collect(),
        rows: lines(repetitions).into_iter().map(row).collect(),
        boxed: true,
    };
    let mut out = style.heading("Receipt") + " (the worst of each target's repetitions)\n";
    let _ = writeln!(out, "{}", grid.render(usize::from(style.width)));
    let stopped: Vec<String> = targets
        .iter()
        .filter_map(|t| fairness::verdict_stopper(t, repetitions.iter()))
        .collect();
    for sentence in &stopped {
        let _ = writeln!(
            out,
            "{} {sentence}",
            style.paint("31;1", "Ranking stopped:")
        );
    }
    let spoiled = repetitions.iter().filter(|r| !r.valid).count();
    if spoiled > 0 {
        let _ = writeln!(
            out,
            "{spoiled} of {} repetitions do not count:",
            repetitions.len()
        );
        for target in &targets {
            let all: Vec<&Repetition> = repetitions
                .iter()
                .filter(|r| &r.target == *target)
                .collect();
            let bad: Vec<&&Repetition> = all.iter().filter(|r| !r.valid).collect();
            let Some(first) = bad.first() else { continue };
            let why = first
                .reasons
                .first()
                .map_or("no reason given", |reason| reason.message.as_str());
            let head = format!(
                "{target}: {} of {}, block {}:",
                bad.len(),
                all.len(),
                first.block
            );
            bullet(&mut out, &format!("  {head}"), why, style);
        }
    } else if stopped.is_empty() && !repetitions.is_empty() {
        let _ = writeln!(
            out,
            "The receipt balances: {} of {} repetitions count.",
            repetitions.len(),
            repetitions.len()
        );
    }
    out
}

/// Codes, labels and promises in the order of the first repetition that has them.
fn lines(repetitions: &[Repetition]) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    for line in repetitions.iter().flat_map(|r| &r.receipt) {
        if !found.iter().any(|(code, _, _)| *code == line.code) {
            found.push((line.code.clone(), line.label.clone(), line.promised.clone()));
        }
    }
    found
}

/// A line that failed, else one that could not be observed, else the last one; with its count when it failed.
fn worst(repetitions: &[Repetition], target: &str, code: &str) -> String {
    let all: Vec<&ReceiptLine> = repetitions
        .iter()
        .filter(|r| r.target == target)
        .flat_map(|r| &r.receipt)
        .filter(|l| l.code == code)
        .collect();
    let failed: Vec<&&ReceiptLine> = all.iter().filter(|l| l.ok == Some(false)).collect();
    if let Some(line) = failed.first() {
        return format!("NO {} ({} of {})", line.seen, failed.len(), all.len());
    }
    match all.iter().find(|l| l.ok.is_none()).or(all.last()) {
        Some(line) if line.ok.is_none() => format!("? {}", line.seen),
        Some(line) => format!("ok {}", line.seen),
        None => "-".to_owned(),
    }
}

/// Verdict sentences first, then the figures.
pub fn verdict(report: &Report, style: Style) -> String {
    let mut out = style.heading("Verdict") + "\n";
    if nothing_judged(report) {
        // One sentence instead of the same refusal for every pair and metric.
        let why = report
            .flags
            .iter()
            .find(|f| f.kind == "unmeasured")
            .map_or("no pair could be judged", |f| &f.text);
        for line in wrap(&format!("no verdict: {why}"), style.width - 4, "") {
            let _ = writeln!(out, "   {}", style.paint("31;1", &line));
        }
        return out;
    }
    for metric in report
        .metrics
        .iter()
        .filter(|m| m.role != Role::Descriptive)
    {
        for comparison in &metric.comparisons {
            let sentence = comparison.sentence(&metric.metric);
            let code = match comparison.verdict {
                Verdict::Different => "32;1",
                Verdict::Equivalent => "36;1",
                Verdict::CannotTell => "33;1",
                Verdict::NoVerdict => "31;1",
            };
            let mark = if metric.role == Role::Primary || sentence.contains("[secondary]") {
                ""
            } else {
                " [secondary]"
            };
            for (i, line) in wrap(&format!("{sentence}{mark}"), style.width - 4, "")
                .into_iter()
                .enumerate()
            {
                let text = if metric.role == Role::Primary {
                    style.paint(code, &line)
                } else {
                    line
                };
                let _ = writeln!(out, "{} {text}", if i == 0 { " *" } else { "  " });
            }
        }
    }
    out.push('\n');
    out.push_str(&style.heading("Figures"));
    let _ = writeln!(
        out,
        " (typical run of this session, {:.0}% interval over repetitions)",
        100.0 * (1.0 - report.alpha)
    );
    let _ = writeln!(out, "{}", figures(report, style));
    if let Some(line) = laboratory::line(report) {
        let _ = writeln!(out);
        bullet(&mut out, "host:", line, style);
    }
    let mut notes: Vec<&String> = report.notes.iter().collect();
    notes.extend(
        report
            .metrics
            .iter()
            .flat_map(|m| &m.comparisons)
            .flat_map(|c| &c.notes),
    );
    notes.dedup();
    let mut seen = std::collections::BTreeSet::new();
    // "secondary" is already marked on its line.
    for note in notes
        .into_iter()
        .filter(|n| n.as_str() != "secondary" && seen.insert(n.as_str()))
    {
        bullet(&mut out, "note:", note, style);
    }
    for flag in report.flags.iter().filter(|f| f.kind != "invalid_run") {
        bullet(&mut out, "flag:", &flag.text, style);
    }
    out
}

/// No figure at all: every repetition is invalid.
fn nothing_judged(report: &Report) -> bool {
    report
        .metrics
        .iter()
        .flat_map(|m| &m.targets)
        .all(|t| t.estimate.is_none())
}

/// A head and its text, wrapped with an indent.
fn bullet(out: &mut String, head: &str, text: &str, style: Style) {
    for line in wrap(&format!("{head} {text}"), style.width, "      ") {
        let _ = writeln!(out, "{line}");
    }
}

/// An interval such as 0.90-1.10 stays in one line.
fn wrap(text: &str, width: u16, indent: &str) -> Vec<String> {
    let options = textwrap::Options::new(usize::from(width))
        .subsequent_indent(indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(Into::into).collect()
}

fn figures(report: &Report, style: Style) -> String {
    let names: Vec<String> = report
        .metrics
        .first()
        .map(|m| m.targets.iter().map(|t| t.target.clone()).collect())
        .unwrap_or_default();
    let row = |m: &MetricReport| {
        let cells = names
            .iter()
            // An interval is not broken.
            .map(|n| figure(m, n).replace(", ", &format!(",{GLUE}")))
            .collect();
        (format!("{} [{}]", m.metric, m.unit), cells)
    };
    let grid = Grid {
        corner: "metric".to_owned(),
        rows: report.metrics.iter().map(row).collect(),
        names: names.clone(),
        boxed: false,
    };
    grid.render(usize::from(style.width))
}

pub(crate) fn figure(metric: &MetricReport, target: &str) -> String {
    let Some(t) = metric.targets.iter().find(|t| t.target == target) else {
        return "-".to_owned();
    };
    let side = capacity::words(t.bound);
    match (t.estimate, t.ci) {
        (Some(estimate), Some([low, high])) => {
            format!(
                "{side}{} [{}, {}]",
                short(estimate),
                short(low),
                short(high)
            )
        }
        (Some(estimate), None) => format!("{side}{}", short(estimate)),
        _ => "-".to_owned(),
    }
}

/// Three significant digits, no exponent.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 6) as usize)
}
