//! For a comment on a pull request: verdicts first, tables folded away, never longer than such a comment may be.

use std::fmt::Write as _;

use lab_model::results::{Manifest, Repetition, unbalanced};
use lab_stats::plan::Role;
use lab_stats::report::Verdict;
use lab_verdict::laboratory;

use super::{label, short, support, typical};
use crate::doc::Document;

/// GitHub takes 65,536 characters.
pub const LONGEST: usize = 60_000;
const MOST_FLAGS: usize = 20;

/// The whole text.
pub fn render(doc: &Document, receipt: Option<(&Manifest, &[Repetition])>) -> String {
    let mut out = String::from("### Verdict\n\n");
    for (m, c) in doc
        .report
        .metrics
        .iter()
        .filter(|m| m.role != Role::Descriptive)
        .flat_map(|m| m.comparisons.iter().map(move |c| (m, c)))
    {
        let sentence = escape(&c.sentence(&m.metric));
        let decided = matches!(c.verdict, Verdict::Different | Verdict::Equivalent);
        let _ = match (m.role, decided) {
            (Role::Primary, true) => writeln!(out, "- **{sentence}**"),
            (Role::Primary, false) => writeln!(out, "- {sentence}"),
            _ => writeln!(out, "- {sentence}"),
        };
    }
    if let Some((_, repetitions)) = receipt {
        let valid = repetitions.iter().filter(|r| r.valid).count();
        let broken = repetitions
            .iter()
            .filter(|r| unbalanced(&r.receipt).next().is_some())
            .count();
        let _ = writeln!(
            out,
            "\nReceipt: {valid} of {} repetitions count, {broken} do not balance.",
            repetitions.len()
        );
    }
    if let Some(line) = laboratory::line(&doc.report) {
        // Our own words, and the only place with code in them.
        let _ = writeln!(out, "\n{line}.");
    }
    for limit in &doc.limits {
        let _ = writeln!(out, "\nLimit: {}", escape(limit));
    }
    let _ = write!(
        out,
        "\n<details><summary>Figures: typical run, {:.0}% interval over repetitions</summary>\n\n",
        100.0 * (1.0 - doc.report.alpha)
    );
    out.push_str("| metric | target | typical run | pooled | support | repetitions |\n|---|---|--:|--:|---|--:|\n");
    for m in &doc.report.metrics {
        for t in &m.targets {
            let _ = writeln!(
                out,
                "| {} [{}] | {} | {} | {} | {} | {} |",
                label(&m.metric),
                m.unit,
                escape(&t.target),
                typical(t),
                short(t.pooled),
                support(t.support),
                t.repetitions
            );
        }
    }
    out.push_str("\n</details>\n");
    let flags = &doc.report.flags;
    if !flags.is_empty() {
        let _ = write!(
            out,
            "\n<details><summary>{} flags</summary>\n\n",
            flags.len()
        );
        for f in flags.iter().take(MOST_FLAGS) {
            let _ = writeln!(out, "- {}", escape(&f.text));
        }
        if flags.len() > MOST_FLAGS {
            let _ = writeln!(
                out,
                "- and {} more: `--format json` has all",
                flags.len() - MOST_FLAGS
            );
        }
        out.push_str("\n</details>\n");
    }
    let p = &doc.provenance;
    let end = format!(
        "\n{} of `{}`, raw data sha256 `{}`",
        p.tool,
        p.source.replace('`', "'"),
        p.raw_data_sha256
    );
    if out.len() + end.len() > LONGEST {
        let mut cut = LONGEST - end.len() - 200;
        while !out.is_char_boundary(cut) {
            cut -= 1;
        }
        out.truncate(cut);
        out.push_str("\n\n(cut to fit a comment: `--format json` has all)\n");
    }
    out.push_str(&end);
    out
}

/// Names from data may hold anything: they must not become markup.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
