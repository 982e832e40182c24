//! For a terminal: receipt and verdict as `bench` prints them, then what only raw requests show.

use std::fmt::Write as _;

use comfy_table::{Cell, Table};
use lab_model::results::{Manifest, Repetition};
use lab_verdict::terminal::{self, Style, right};

use super::{label, short, support, with_interval};
use crate::doc::Document;

/// The whole text. `receipt` is there for runs of the lab.
pub fn render(doc: &Document, receipt: Option<(&Manifest, &[Repetition])>, style: Style) -> String {
    let mut out = String::new();
    if let Some((manifest, repetitions)) = receipt {
        let _ = writeln!(out, "{}", terminal::receipt(manifest, repetitions, style));
    }
    for limit in &doc.limits {
        let _ = writeln!(out, "limit: {limit}");
    }
    out.push_str(&terminal::verdict(&doc.report, style));
    if let Some((manifest, repetitions)) = receipt
        && let Some(steps) = lab_verdict::capacity::table(manifest, repetitions, style)
    {
        let _ = writeln!(out, "{steps}");
    }
    let _ = write!(
        out,
        "\nPooled over all requests (descriptive, no interval) and support of each percentile\n{}\n",
        pooled(doc, style)
    );
    if !doc.endpoints.is_empty() {
        let _ = write!(
            out,
            "\nBy endpoint (exploratory; q: false discovery rate over this table)\n{}\n",
            endpoints(doc, style)
        );
    }
    let p = &doc.provenance;
    let _ = write!(
        out,
        "\n{} of {}, raw data sha256 {}",
        p.tool, p.source, p.raw_data_sha256
    );
    out
}

fn table(style: Style, header: &[&str]) -> Table {
    let mut table = terminal::plain(style);
    table.set_header(header);
    table
}

fn pooled(doc: &Document, style: Style) -> Table {
    let mut table = table(
        style,
        &["metric", "target", "pooled", "support", "min", "max", "cv"],
    );
    for metric in &doc.report.metrics {
        for t in metric.targets.iter().filter(|t| t.pooled.is_some()) {
            table.add_row(vec![
                Cell::new(format!("{} [{}]", label(&metric.metric), metric.unit)),
                Cell::new(&t.target),
                right(short(t.pooled)),
                Cell::new(support(t.support)),
                right(short(t.min)),
                right(short(t.max)),
                right(t.cv.map_or("-".to_owned(), |cv| format!("{:.1}%", 100.0 * cv))),
            ]);
        }
    }
    table
}

fn endpoints(doc: &Document, style: Style) -> Table {
    let mut table = table(
        style,
        &[
            "endpoint",
            "metric",
            "target",
            "typical run [ms]",
            "ratio",
            "q",
            "support",
        ],
    );
    for row in &doc.endpoints {
        table.add_row(vec![
            Cell::new(&row.endpoint),
            Cell::new(label(&row.metric)),
            Cell::new(&row.target),
            right(with_interval(row.estimate, row.ci)),
            right(short(row.ratio)),
            right(short(row.p_bh)),
            Cell::new(support(row.support)),
        ]);
    }
    table
}
