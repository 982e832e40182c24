//! A sweep: where the ranking flips, and each metric against the value.

use std::fmt::Write as _;

use askama::Template;
use lab_verdict::sweep::{judged, ratio, sentences};
use miette::{IntoDiagnostic as _, miette};

use super::html::{Figure, Section, Table};
use super::{label, typical};
use crate::doc::{Document, SweepDocument};
use crate::plot::sweep::{Series, draw};

#[derive(Template)]
#[template(path = "sweep.html")]
struct Page<'a> {
    doc: &'a SweepDocument,
    title: String,
    what: &'static str,
    sentences: Vec<String>,
    receipt: Table,
    sections: Vec<Section>,
    command: String,
}

const ALONE: &str = "Each ratio is judged at its own value, in its own family; the error rate over several values is not controlled.";

fn what(doc: &SweepDocument) -> &'static str {
    doc.sweep.variable.label()
}

fn has_pairs(doc: &SweepDocument) -> bool {
    let first = doc.values.first();
    first.is_some_and(|v| judged(&v.document.report).any(|m| !m.comparisons.is_empty()))
}

fn names(doc: &SweepDocument) -> Vec<&str> {
    doc.values
        .first()
        .map_or_else(Vec::new, |v| super::html::targets(&v.document))
}

/// The page.
///
/// # Errors
/// A figure cannot be drawn.
pub fn html(doc: &SweepDocument) -> miette::Result<String> {
    let values: Vec<String> = doc.sweep.values.iter().map(u32::to_string).collect();
    let page = Page {
        title: format!(
            "{} · {} {}",
            names(doc).join(", "),
            values.join(", "),
            what(doc)
        ),
        what: what(doc),
        sentences: sentences(doc.sweep.variable, &doc.flips, has_pairs(doc)),
        receipt: receipt(doc),
        sections: vec![section(doc, true)?, section(doc, false)?],
        command: doc.sweep.command.join(" "),
        doc,
    };
    page.render().into_diagnostic()
}

fn receipt(doc: &SweepDocument) -> Table {
    let rows = doc.values.iter().map(|v| {
        let all = &v.document.repetitions;
        let bad: Vec<_> = all.iter().filter(|r| !r.invalid.is_empty()).collect();
        let why = bad
            .first()
            .and_then(|r| r.invalid.first())
            .map_or("-", String::as_str);
        vec![
            v.value.to_string(),
            format!("{} of {}", all.len() - bad.len(), all.len()),
            why.to_owned(),
            v.document.provenance.source.clone(),
            v.document.provenance.raw_data_sha256.clone(),
        ]
    });
    Table::new(
        &[
            what(doc),
            "repetitions that count",
            "first reason where one does not",
            "run",
            "raw data, SHA-256",
        ],
        rows.collect(),
    )
    .shown()
}

/// A figure a judged metric: ratios of the pairs, or the targets' own figures.
fn section(doc: &SweepDocument, ratios: bool) -> miette::Result<Section> {
    let mut figures = Vec::new();
    let Some(first) = doc.values.first() else {
        return Err(miette!("a sweep without values"));
    };
    for metric in judged(&first.document.report) {
        let series = if ratios {
            pairs(doc, &metric.metric)
        } else {
            targets(doc, &metric.metric)
        };
        let margin = ratios.then_some(first.document.report.margin);
        let caption = if ratios {
            format!("{}: first over second", label(&metric.metric))
        } else {
            format!("{} [{}]", label(&metric.metric), metric.unit)
        };
        let title = format!("{caption}, against {}", what(doc));
        let Some(svg) = draw(&title, what(doc), &series, margin)? else {
            continue;
        };
        figures.push(Figure {
            caption,
            svg,
            table: table(doc, &metric.metric, ratios),
        });
    }
    let (id, heading, about) = if ratios {
        (
            "ratios",
            "Ratios",
            "The line at each value is the interval over its repetitions, the grey band the margin. Where an interval crosses 1, nothing is shown there.",
        )
    } else {
        (
            "figures",
            "Figures",
            "Typical run at each value, with its interval over repetitions.",
        )
    };
    Ok(Section {
        id,
        heading,
        about: about.to_owned(),
        figures,
    })
}

fn pairs(doc: &SweepDocument, metric: &str) -> Vec<Series> {
    let mut out: Vec<Series> = Vec::new();
    let colours = names(doc);
    for v in &doc.values {
        for c in v
            .document
            .report
            .metric(metric)
            .iter()
            .flat_map(|m| &m.comparisons)
        {
            let Some(ratio) = c.ratio.filter(|r| *r > 0.0) else {
                continue;
            };
            let colour = colours.iter().position(|n| *n == c.a).unwrap_or(0);
            add(
                &mut out,
                format!("{} / {}", c.a, c.b),
                colour,
                (v.value, ratio, c.ci),
            );
        }
    }
    out
}

fn targets(doc: &SweepDocument, metric: &str) -> Vec<Series> {
    let mut out: Vec<Series> = Vec::new();
    for v in &doc.values {
        for (i, t) in v
            .document
            .report
            .metric(metric)
            .iter()
            .flat_map(|m| m.targets.iter().enumerate())
        {
            let Some(estimate) = t.estimate.filter(|e| *e > 0.0) else {
                continue;
            };
            add(&mut out, t.target.clone(), i, (v.value, estimate, t.ci));
        }
    }
    out
}

fn add(
    series: &mut Vec<Series>,
    label: String,
    colour: usize,
    point: (u32, f64, Option<[f64; 2]>),
) {
    if let Some(own) = series.iter_mut().find(|s| s.label == label) {
        own.points.push(point);
        return;
    }
    series.push(Series {
        label,
        points: vec![point],
        colour,
    });
}

fn header(doc: &SweepDocument, metric: &str, ratios: bool) -> Vec<String> {
    let mut header = vec![what(doc).to_owned()];
    if let Some(m) = doc
        .values
        .first()
        .and_then(|v| v.document.report.metric(metric))
    {
        if ratios {
            header.extend(m.comparisons.iter().map(|c| format!("{} / {}", c.a, c.b)));
        } else {
            header.extend(m.targets.iter().map(|t| t.target.clone()));
        }
    }
    header
}

fn cells(document: &Document, metric: &str, ratios: bool) -> Vec<String> {
    let Some(m) = document.report.metric(metric) else {
        return Vec::new();
    };
    if ratios {
        m.comparisons.iter().map(|c| ratio(metric, c)).collect()
    } else {
        m.targets.iter().map(typical).collect()
    }
}

fn table(doc: &SweepDocument, metric: &str, ratios: bool) -> Table {
    let rows = doc.values.iter().map(|v| {
        let mut row = vec![v.value.to_string()];
        row.extend(cells(&v.document, metric, ratios));
        row
    });
    let header = header(doc, metric, ratios);
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    Table::new(&names, rows.collect())
}

/// For a comment: flips first, then a table a metric.
pub fn markdown(doc: &SweepDocument) -> String {
    let mut out = format!("### Sweep of {}\n\n", what(doc));
    for sentence in sentences(doc.sweep.variable, &doc.flips, has_pairs(doc)) {
        let _ = writeln!(out, "- {sentence}");
    }
    for metric in doc
        .values
        .first()
        .into_iter()
        .flat_map(|v| judged(&v.document.report))
    {
        let _ = write!(out, "\n**{} [{}]**\n\n", label(&metric.metric), metric.unit);
        let mut line = |cells: &[String]| {
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        };
        let mut names = header(doc, &metric.metric, false);
        names.extend(header(doc, &metric.metric, true).split_off(1));
        line(&names);
        line(&vec!["--:".to_owned(); names.len()]);
        for v in &doc.values {
            let mut row = vec![v.value.to_string()];
            row.extend(cells(&v.document, &metric.metric, false));
            row.extend(cells(&v.document, &metric.metric, true));
            line(&row);
        }
    }
    let _ = write!(out, "\n{ALONE}");
    out
}

/// The table of each value, with the value in front.
///
/// # Errors
/// Out of memory only.
pub fn csv(doc: &SweepDocument) -> miette::Result<String> {
    let mut out = ::csv::Writer::from_writer(Vec::new());
    for (i, v) in doc.values.iter().enumerate() {
        let text = super::csv::render(&v.document)?;
        let mut rows = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        for (n, row) in rows.records().enumerate() {
            let row = row.into_diagnostic()?;
            if n == 0 && i > 0 {
                continue;
            }
            let first = if n == 0 {
                doc.sweep.variable.name().to_owned()
            } else {
                v.value.to_string()
            };
            out.write_record(std::iter::once(first.as_str()).chain(row.iter()))
                .into_diagnostic()?;
        }
    }
    let bytes = out.into_inner().map_err(|e| miette!("{e}"))?;
    Ok(String::from_utf8(bytes)
        .into_diagnostic()?
        .trim_end()
        .to_owned())
}
