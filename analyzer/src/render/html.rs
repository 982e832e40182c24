//! The report as one page: no script, no file beside it, nothing fetched.

use askama::Template;
use lab_model::results::{Manifest, ReceiptLine, Repetition};
use lab_stats::plan::Role;
use lab_stats::report::{MetricReport, Verdict};
use lab_verdict::{fairness, laboratory};
use miette::IntoDiagnostic as _;

use super::{label, short, support, typical, with_interval};
use crate::doc::{Document, RunFigures};
use crate::figures::CURVE;
use crate::plot::{self, dots, forest, quantiles, time};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    doc: &'a Document,
    title: String,
    verdicts: Vec<Sentence>,
    secondary: Vec<Sentence>,
    receipt: Option<Receipt>,
    sections: Vec<Section>,
    flags: Vec<&'a str>,
    environment: String,
    laboratory: Option<&'a str>,
    command: String,
}

struct Sentence {
    class: &'static str,
    text: String,
    notes: Vec<String>,
}

struct Receipt {
    targets: Vec<String>,
    rows: Vec<ReceiptRow>,
    stopped: Vec<String>,
    invalid: Vec<String>,
    total: usize,
}

struct ReceiptRow {
    label: String,
    promised: String,
    cells: Vec<(&'static str, String)>,
}

pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    pub(super) about: String,
    pub(super) figures: Vec<Figure>,
}

pub(super) struct Figure {
    pub(super) caption: String,
    pub(super) svg: String,
    pub(super) table: Table,
}

pub(super) struct Table {
    pub(super) open: bool,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self {
            open: false,
            header: header.iter().map(|h| (*h).to_owned()).collect(),
            rows,
        }
    }

    pub(super) fn shown(mut self) -> Self {
        self.open = true;
        self
    }
}

/// The page.
///
/// # Errors
/// A figure cannot be drawn.
pub fn render(
    doc: &Document,
    receipt: Option<(&Manifest, &[Repetition])>,
) -> miette::Result<String> {
    let title = match receipt {
        Some((m, _)) => format!(
            "{} · {} · {}",
            m.targets.keys().cloned().collect::<Vec<_>>().join(", "),
            m.mode,
            m.profile_name
        ),
        None => doc.provenance.source.clone(),
    };
    let rates = receipt
        .map(|(m, _)| super::rates::section(doc, m))
        .transpose()?;
    let mut sections: Vec<Section> = rates.into_iter().collect();
    sections.extend([
        forest_section(doc)?,
        quantile_section(doc)?,
        dots_section(doc)?,
        figures_section(doc),
        errors_section(doc),
        time_section(doc)?,
        endpoint_section(doc),
    ]);
    let page = Page {
        title,
        verdicts: sentences(doc, Role::Primary),
        secondary: sentences(doc, Role::Secondary),
        receipt: receipt.map(|(m, r)| receipt_of(m, r)),
        sections: sections
            .into_iter()
            .filter(|s| !s.figures.is_empty())
            .collect(),
        flags: doc.report.flags.iter().map(|f| f.text.as_str()).collect(),
        environment: serde_json::to_string_pretty(&doc.report.environment).into_diagnostic()?,
        laboratory: laboratory::line(&doc.report),
        command: doc.provenance.command.join(" "),
        doc,
    };
    page.render().into_diagnostic()
}

fn sentences(doc: &Document, role: Role) -> Vec<Sentence> {
    let of_role = doc.report.metrics.iter().filter(|m| m.role == role);
    of_role
        .flat_map(|m| m.comparisons.iter().map(move |c| (m, c)))
        .map(|(m, c)| Sentence {
            class: match c.verdict {
                Verdict::Different => "different",
                Verdict::Equivalent => "equivalent",
                Verdict::CannotTell => "cannot-tell",
                Verdict::NoVerdict => "no-verdict",
            },
            text: c.sentence(&m.metric),
            notes: c
                .notes
                .iter()
                .filter(|n| n.as_str() != "secondary")
                .cloned()
                .collect(),
        })
        .collect()
}

fn receipt_of(manifest: &Manifest, repetitions: &[Repetition]) -> Receipt {
    let targets: Vec<String> = manifest.targets.keys().cloned().collect();
    let mut kinds: Vec<&ReceiptLine> = Vec::new();
    for line in repetitions.iter().flat_map(|r| &r.receipt) {
        if !kinds.iter().any(|k| k.code == line.code) {
            kinds.push(line);
        }
    }
    let rows = kinds.into_iter().map(|kind| ReceiptRow {
        label: kind.label.clone(),
        promised: kind.promised.clone(),
        cells: targets
            .iter()
            .map(|t| worst(repetitions, t, &kind.code))
            .collect(),
    });
    let invalid = repetitions.iter().filter(|r| !r.valid).map(|r| {
        let why = r
            .reasons
            .first()
            .map_or("no reason given", |x| x.message.as_str());
        format!("block {} of {}: {why}", r.block, r.target)
    });
    Receipt {
        rows: rows.collect(),
        stopped: targets
            .iter()
            .filter_map(|t| fairness::verdict_stopper(t, repetitions.iter()))
            .collect(),
        invalid: invalid.collect(),
        total: repetitions.len(),
        targets,
    }
}

/// A line that failed, else one that could not be observed, else the last.
fn worst(repetitions: &[Repetition], target: &str, code: &str) -> (&'static str, String) {
    let own = repetitions.iter().filter(|r| r.target == target);
    let lines: Vec<&ReceiptLine> = own
        .flat_map(|r| &r.receipt)
        .filter(|l| l.code == code)
        .collect();
    let failed = lines.iter().filter(|l| l.ok == Some(false)).count();
    if let Some(line) = lines.iter().find(|l| l.ok == Some(false)) {
        return (
            "bad",
            format!("NO: {} ({failed} of {})", line.seen, lines.len()),
        );
    }
    match lines.iter().find(|l| l.ok.is_none()).or(lines.last()) {
        Some(line) if line.ok.is_none() => ("unknown", format!("not seen: {}", line.seen)),
        Some(line) => ("good", format!("ok: {}", line.seen)),
        None => ("", String::new()),
    }
}

pub(super) fn targets(doc: &Document) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for t in doc.report.metrics.iter().flat_map(|m| &m.targets) {
        if !names.contains(&t.target.as_str()) {
            names.push(&t.target);
        }
    }
    names
}

fn judged(doc: &Document) -> impl Iterator<Item = &MetricReport> {
    doc.report
        .metrics
        .iter()
        .filter(|m| m.role != Role::Descriptive)
}

fn runs<'a>(doc: &'a Document, target: &str) -> Vec<&'a RunFigures> {
    doc.repetitions
        .iter()
        .filter(|r| r.target == target)
        .collect()
}

fn forest_section(doc: &Document) -> miette::Result<Section> {
    let names = targets(doc);
    let mut figures = Vec::new();
    for m in judged(doc) {
        let rows: Vec<forest::Row> = m
            .comparisons
            .iter()
            .filter_map(|c| {
                Some(forest::Row {
                    label: format!("{} / {}", c.a, c.b),
                    ratio: c.ratio.filter(|r| *r > 0.0)?,
                    ci: c.ci,
                    colour: names.iter().position(|n| *n == c.a).unwrap_or(0),
                })
            })
            .collect();
        let table = m
            .comparisons
            .iter()
            .map(|c| {
                vec![
                    format!("{} / {}", c.a, c.b),
                    with_interval(c.ratio, c.ci),
                    c.ci_simultaneous.map_or("-".to_owned(), |ci| {
                        format!("{} to {}", short(Some(ci[0])), short(Some(ci[1])))
                    }),
                    short(c.p_adjusted),
                    short(c.p_equivalence),
                    c.repetitions.to_string(),
                    c.more_repetitions.map_or("-".to_owned(), |n| n.to_string()),
                ]
            })
            .collect();
        if let Some(svg) = forest::draw(&rows, doc.report.margin)? {
            let better = if m.unit == "req/s" {
                "more is better"
            } else {
                "less is better"
            };
            figures.push(Figure {
                caption: format!("{} [{}], {better}", label(&m.metric), m.unit),
                svg,
                table: Table::new(
                    &[
                        "pair",
                        "ratio",
                        "simultaneous interval",
                        "p (Holm)",
                        "p (equivalence)",
                        "pairs",
                        "more needed",
                    ],
                    table,
                ),
            });
        }
    }
    Ok(Section {
        id: "ratios",
        heading: "Ratios",
        about: format!(
            "First target over second, logarithmic; the line is the {:.0}% interval over repetitions, the grey band the margin of {}%.",
            100.0 * (1.0 - doc.report.alpha),
            plot::tick(100.0 * doc.report.margin)
        ),
        figures,
    })
}

fn quantile_section(doc: &Document) -> miette::Result<Section> {
    let all = doc
        .repetitions
        .iter()
        .flat_map(|r| r.quantiles.iter().copied());
    let range = plot::log_range(all).unwrap_or([0.1, 10.0]);
    let mut figures = Vec::new();
    for (i, target) in targets(doc).into_iter().enumerate() {
        let own = runs(doc, target);
        let curves: Vec<&[f64]> = own.iter().map(|r| r.quantiles.as_slice()).collect();
        let Some(svg) = quantiles::draw(target, i, &curves, range)? else {
            continue;
        };
        let mut header = vec!["block".to_owned()];
        header.extend(CURVE.iter().map(|p| format!("p{}", plot::tick(100.0 * p))));
        let rows = own
            .iter()
            .map(|r| {
                let mut row = vec![r.block.map_or("-".to_owned(), |b| b.to_string())];
                row.extend(r.quantiles.iter().map(|q| short(Some(*q))));
                row
            })
            .collect();
        figures.push(Figure {
            caption: target.to_owned(),
            svg,
            table: Table {
                open: false,
                header,
                rows,
            },
        });
    }
    Ok(Section { id: "quantiles", heading: "Latency by percentile", about: "A thin line a repetition, the band from the lowest to the highest, the bold line their median. All targets have the same axes. Percentiles beyond a repetition's support are drawn but never judged.".to_owned(), figures })
}

fn dots_section(doc: &Document) -> miette::Result<Section> {
    let mut figures = Vec::new();
    for m in judged(doc) {
        let rows: Vec<dots::Row> = m
            .targets
            .iter()
            .map(|t| dots::Row {
                label: t.target.clone(),
                values: t.values.iter().map(|v| v.value).collect(),
                estimate: t.estimate,
                ci: t.ci,
            })
            .collect();
        let title = format!("{} of every repetition", label(&m.metric));
        let Some(svg) = dots::draw(&title, &rows)? else {
            continue;
        };
        let table = m
            .targets
            .iter()
            .flat_map(|t| {
                t.values.iter().map(move |v| {
                    vec![
                        t.target.clone(),
                        v.block.map_or("-".to_owned(), |b| b.to_string()),
                        short(Some(v.value)),
                    ]
                })
            })
            .collect();
        figures.push(Figure {
            caption: format!("{} [{}]", label(&m.metric), m.unit),
            svg,
            table: Table::new(&["target", "block", &m.unit], table),
        });
    }
    Ok(Section { id: "repetitions", heading: "Every repetition", about: "A dot a repetition, in block order from top to bottom; below them the typical run (triangle) with its interval.".to_owned(), figures })
}

fn figures_section(doc: &Document) -> Section {
    let rows = doc
        .report
        .metrics
        .iter()
        .flat_map(|m| {
            m.targets.iter().map(move |t| {
                vec![
                    format!("{} [{}]", label(&m.metric), m.unit),
                    t.target.clone(),
                    typical(t),
                    short(t.pooled),
                    support(t.support).to_owned(),
                    short(t.min),
                    short(t.max),
                    t.cv.map_or("-".to_owned(), |cv| format!("{:.1}%", 100.0 * cv)),
                    t.repetitions.to_string(),
                ]
            })
        })
        .collect();
    let table = Table::new(
        &[
            "metric",
            "target",
            "typical run",
            "pooled",
            "support",
            "lowest",
            "highest",
            "cv",
            "repetitions",
        ],
        rows,
    )
    .shown();
    Section { id: "figures", heading: "Figures", about: "Typical run of this session with its interval. Pooled: over all requests of all repetitions, descriptive, no interval.".to_owned(), figures: vec![Figure { caption: String::new(), svg: String::new(), table }] }
}

fn errors_section(doc: &Document) -> Section {
    let rows = targets(doc)
        .into_iter()
        .map(|t| {
            let own = runs(doc, t);
            let known = own.iter().any(|r| r.requests.is_some());
            let requests: u64 = own.iter().filter_map(|r| r.requests).sum();
            let errors: u64 = own.iter().filter_map(|r| r.errors).sum();
            let worst = own
                .iter()
                .filter_map(|r| r.failed_latency)
                .map(|l| l[1])
                .reduce(f64::max);
            vec![
                t.to_owned(),
                if known {
                    requests.to_string()
                } else {
                    "not known".to_owned()
                },
                errors.to_string(),
                if requests > 0 {
                    format!("{:.4}%", 100.0 * errors as f64 / requests as f64)
                } else {
                    "-".to_owned()
                },
                if errors == 0 && requests > 0 {
                    format!(
                        "{:.4}% (if errors were independent)",
                        300.0 / requests as f64
                    )
                } else {
                    "-".to_owned()
                },
                short(worst),
            ]
        })
        .collect();
    let table = Table::new(
        &[
            "target",
            "requests",
            "errors",
            "rate",
            "95% upper bound",
            "p99 of failed requests, worst repetition [ms]",
        ],
        rows,
    )
    .shown();
    Section {
        id: "errors",
        heading: "Requests and errors",
        about: "Latency of failed requests is kept apart from that of good ones.".to_owned(),
        figures: vec![Figure {
            caption: String::new(),
            svg: String::new(),
            table,
        }],
    }
}

fn time_section(doc: &Document) -> miette::Result<Section> {
    let mut figures = Vec::new();
    for (i, target) in targets(doc).into_iter().enumerate() {
        let own = runs(doc, target);
        let Some(svg) = time::draw(target, i, &own)? else {
            continue;
        };
        let rows = own
            .iter()
            .map(|r| {
                vec![
                    r.block.map_or("-".to_owned(), |b| b.to_string()),
                    r.warm_up
                        .map_or("settled, or too short to say".to_owned(), |w| {
                            format!(
                                "first {} s {:+.1}% off{}",
                                w.cut_s,
                                100.0 * w.log_change.exp_m1(),
                                if w.no_steady_state {
                                    ", no steady state"
                                } else {
                                    ""
                                }
                            )
                        }),
                    if r.stalls.is_empty() {
                        "none".to_owned()
                    } else {
                        r.stalls
                            .iter()
                            .map(|s| {
                                format!(
                                    "second {} for {} s, {:.0}% of the tail",
                                    s.at_s,
                                    s.length_s,
                                    100.0 * s.share_of_tail
                                )
                            })
                            .collect::<Vec<_>>()
                            .join("; ")
                    },
                    r.seconds
                        .iter()
                        .map(|v| short(*v))
                        .collect::<Vec<_>>()
                        .join(" "),
                ]
            })
            .collect();
        figures.push(Figure {
            caption: target.to_owned(),
            svg,
            table: Table::new(
                &["block", "warm-up", "stalls", "median by second [ms]"],
                rows,
            ),
        });
    }
    Ok(Section { id: "time", heading: "Latency over time", about: "Median of each second after the declared warm-up, a line a repetition. Grey: had not settled. Red triangle: stalled (median above five times the run's, or no answer); kept in the data.".to_owned(), figures })
}

fn endpoint_section(doc: &Document) -> Section {
    let rows: Vec<Vec<String>> = doc
        .endpoints
        .iter()
        .map(|e| {
            vec![
                e.endpoint.clone(),
                label(&e.metric).to_owned(),
                e.target.clone(),
                with_interval(e.estimate, e.ci),
                short(e.ratio),
                short(e.p_bh),
                support(e.support).to_owned(),
            ]
        })
        .collect();
    let figures = if rows.is_empty() {
        Vec::new()
    } else {
        vec![Figure {
            caption: String::new(),
            svg: String::new(),
            table: Table::new(
                &[
                    "endpoint",
                    "metric",
                    "target",
                    "typical run [ms]",
                    "ratio to baseline",
                    "q",
                    "support",
                ],
                rows,
            )
            .shown(),
        }]
    };
    Section { id: "endpoints", heading: "By endpoint", about: "Exploratory: q is the false discovery rate over this table (Benjamini-Hochberg), not a verdict.".to_owned(), figures }
}
