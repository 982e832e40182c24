//! A sweep in words and tables. Every comparison stays inside one value; only verdicts are set side by side.

use std::fmt::Write as _;

use comfy_table::{Cell, Table};
use lab_model::results::{Manifest, Repetition, Sweep, SweepVariable};
use lab_stats::metric::Metric;
use lab_stats::plan::Role;
use lab_stats::report::{Comparison, MetricReport, Report, Verdict};
use lab_stats::sweep::{Flip, flips};

use crate::terminal::{self, Style, right};

/// Metrics that get verdicts, by the first value's report.
pub fn judged(report: &Report) -> impl Iterator<Item = &MetricReport> {
    report
        .metrics
        .iter()
        .filter(|m| m.role != Role::Descriptive)
}

/// Who is shown to be ahead of whom, in a word or two.
pub fn word(metric: &str, comparison: &Comparison) -> String {
    match comparison.verdict {
        Verdict::Different => {
            let ratio = comparison.ratio.unwrap_or(1.0);
            let a = ahead(metric, ratio);
            format!("{} ahead", if a { &comparison.a } else { &comparison.b })
        }
        Verdict::Equivalent => "equivalent".to_owned(),
        Verdict::CannotTell => "can't tell".to_owned(),
        Verdict::NoVerdict => "no verdict".to_owned(),
    }
}

/// Is the first target of a ratio the better one?
fn ahead(metric: &str, ratio: f64) -> bool {
    let higher =
        Metric::find(metric).is_some_and(|m| m.better() == lab_stats::metric::Better::Higher);
    (ratio > 1.0) == higher
}

/// Where the ranking turns round; one sentence each, or one that says that none is shown.
/// `pairs`: are there any?
pub fn sentences(variable: SweepVariable, found: &[Flip], pairs: bool) -> Vec<String> {
    if !pairs {
        return vec!["One target: there is no ranking, only its figures at each value.".to_owned()];
    }
    if found.is_empty() {
        return vec![
            "No flip is shown: no pair has a verdict one way at one value and the other way at another; where it cannot be told, nothing is claimed.".to_owned(),
        ];
    }
    let one = |f: &Flip| {
        let first = if ahead(&f.metric, f.ratio_from) {
            [&f.a, &f.b]
        } else {
            [&f.b, &f.a]
        };
        let label = Metric::find(&f.metric).map_or(f.metric.as_str(), |m| m.label());
        let what = variable.label();
        format!(
            "The ranking flips at {label}: {} is ahead of {} with {} {what}, {} with {} (ratio {}/{} {} and {}).",
            first[0],
            first[1],
            f.from,
            first[1],
            f.to,
            f.a,
            f.b,
            terminal::short(f.ratio_from),
            terminal::short(f.ratio_to),
        )
    };
    found.iter().map(one).collect()
}

/// The receipts in short, flips first, then a table a metric.
pub fn text(
    sweep: &Sweep,
    runs: &[(u32, &Manifest, &[Repetition], &Report)],
    style: Style,
) -> String {
    let mut out = String::new();
    for (value, manifest, repetitions, _) in runs {
        let valid = repetitions.iter().filter(|r| r.valid).count();
        let _ = writeln!(
            out,
            "Receipt with {value} {}: {valid} of {} repetitions count.",
            sweep.variable.label(),
            repetitions.len()
        );
        if valid < repetitions.len() {
            let _ = writeln!(out, "{}", terminal::receipt(manifest, repetitions, style));
        }
    }
    let reports: Vec<(u32, &Report)> = runs.iter().map(|(v, _, _, r)| (*v, *r)).collect();
    let _ = writeln!(out, "\n{}", style.heading("Where does the ranking flip?"));
    let pairs = reports
        .first()
        .is_some_and(|(_, r)| judged(r).any(|m| !m.comparisons.is_empty()));
    for sentence in sentences(sweep.variable, &flips(&reports), pairs) {
        for line in textwrap::wrap(&sentence, usize::from(style.width)) {
            let _ = writeln!(out, "{line}");
        }
    }
    let Some((_, first)) = reports.first() else {
        return out;
    };
    for metric in judged(first) {
        let name = Metric::find(&metric.metric).map_or(metric.metric.as_str(), |m| m.label());
        let _ = write!(out, "\n{} [{}]\n", style.heading(name), metric.unit);
        for ratios in [false, true] {
            if ratios && metric.comparisons.is_empty() {
                continue;
            }
            let rows = table(sweep.variable, &metric.metric, &reports, ratios, style);
            let _ = writeln!(out, "{rows}");
        }
    }
    let _ = writeln!(
        out,
        "\nEach ratio is judged at its own value, in its own family; the error rate over several values is not controlled."
    );
    for remark in first.notes.iter() {
        let _ = writeln!(out, "note: {remark}");
    }
    out
}

/// A row a value: the targets' typical runs, or the ratios with interval and verdict.
fn table(
    variable: SweepVariable,
    metric: &str,
    reports: &[(u32, &Report)],
    ratios: bool,
    style: Style,
) -> Table {
    let mut table = terminal::plain(style);
    let cells = |m: &MetricReport, head: bool| -> Vec<Cell> {
        let targets = m.targets.iter().filter(|_| !ratios).map(|t| {
            if head {
                t.target.clone()
            } else {
                terminal::figure(m, &t.target)
            }
        });
        let pairs = m.comparisons.iter().filter(|_| ratios).map(|c| {
            if head {
                format!("{} / {}", c.a, c.b)
            } else {
                ratio(metric, c)
            }
        });
        targets.chain(pairs).map(right).collect()
    };
    let first = reports.first().and_then(|(_, r)| r.metric(metric));
    let names = first.map(|m| cells(m, true)).unwrap_or_default();
    table.set_header(std::iter::once(right(variable.label().to_owned())).chain(names));
    for (value, report) in reports {
        let own = report
            .metric(metric)
            .map(|m| cells(m, false))
            .unwrap_or_default();
        table.add_row(std::iter::once(right(value.to_string())).chain(own));
    }
    table
}

/// "2.02 [1.00, 4.09] go ahead".
pub fn ratio(metric: &str, c: &Comparison) -> String {
    let Some(ratio) = c.ratio else {
        return word(metric, c);
    };
    let ci = c.ci.map_or(String::new(), |[low, high]| {
        let [low, high] = [low, high].map(terminal::short);
        format!(" [{low}, {high}]")
    });
    format!("{}{ci} {}", terminal::short(ratio), word(metric, c))
}
