//! Latency against rate: the steps of a run that finds the capacity.

use lab_model::results::Manifest;
use lab_stats::quantile::median;

use super::html::{Figure, Section, Table, targets};
use super::short;
use crate::doc::{Document, StepRow};
use crate::plot::{self, rates};

/// The section; without figures where the load has no steps.
///
/// # Errors
/// A figure cannot be drawn.
pub fn section(doc: &Document, manifest: &Manifest) -> miette::Result<Section> {
    let mut figures = Vec::new();
    if let Some(slo) = &manifest.plan.slo {
        let points: Vec<(&str, Vec<rates::Point>)> = targets(doc)
            .into_iter()
            .map(|t| (t, points(doc, t)))
            .collect();
        let all = points.iter().flat_map(|(_, p)| p).flat_map(|p| p.p99);
        let range = plot::log_range(all.chain([slo.p99_ms])).unwrap_or([0.1, 100.0]);
        for (i, (target, points)) in points.iter().enumerate() {
            let Some(svg) = rates::draw(target, i, points, slo.p99_ms, range)? else {
                continue;
            };
            figures.push(Figure {
                caption: (*target).to_owned(),
                svg,
                table: table(doc, target),
            });
        }
    }
    let about = match &manifest.plan.slo {
        Some(slo) => format!(
            "99th percentile of the requests that started in each step: the line is the median of the repetitions, the band reaches from the lowest to the highest. Red: the objective, {} ms. A step also breaks by failed requests (above {}%) or by arrivals that found no free user. All targets have the same steps and the same axes.",
            plot::tick(slo.p99_ms),
            plot::tick(100.0 * slo.error_rate)
        ),
        None => String::new(),
    };
    Ok(Section {
        id: "rates",
        heading: "Latency against rate",
        about,
        figures,
    })
}

fn rows<'a>(doc: &'a Document, target: &str) -> Vec<&'a StepRow> {
    doc.steps
        .iter()
        .filter(|r| r.target == target && r.valid)
        .collect()
}

/// Lowest, median and highest p99 at each rate.
fn points(doc: &Document, target: &str) -> Vec<rates::Point> {
    let own = rows(doc, target);
    let mut steps: Vec<u32> = own.iter().map(|r| r.step.rate).collect();
    steps.sort_unstable();
    steps.dedup();
    let of = |rate: u32| {
        let p99: Vec<f64> = own
            .iter()
            .filter(|r| r.step.rate == rate)
            .filter_map(|r| r.step.p99_ms)
            .filter(|v| *v > 0.0)
            .collect();
        let low = p99.iter().copied().reduce(f64::min)?;
        let high = p99.iter().copied().reduce(f64::max)?;
        Some(rates::Point {
            rate: f64::from(rate),
            p99: [low, median(&p99)?, high],
        })
    };
    steps.into_iter().filter_map(of).collect()
}

fn table(doc: &Document, target: &str) -> Table {
    let header = [
        "requests/s",
        "block",
        "p99 [ms]",
        "requests",
        "errors",
        "dropped",
        "broke",
        "idle CPU",
        "CPU of k6",
    ];
    let mut own = rows(doc, target);
    own.sort_by_key(|r| (r.step.rate, r.block));
    let row = |r: &&StepRow| {
        let s = &r.step;
        let mut broke = if s.broke.is_empty() {
            "nothing".to_owned()
        } else {
            s.broke.join(", ")
        };
        if s.limited {
            broke.push_str(" (the host or k6 was the limit)");
        }
        vec![
            s.rate.to_string(),
            r.block.to_string(),
            short(s.p99_ms),
            format!("{} of {}", s.requests, s.planned),
            s.errors.to_string(),
            s.dropped.to_string(),
            broke,
            s.idle_share
                .map_or("-".to_owned(), |v| format!("{:.1}%", 100.0 * v)),
            short(s.generator_cpus),
        ]
    };
    Table::new(&header, own.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_model::results::StepFigures;

    #[test]
    fn invalid_repetitions_and_steps_without_answers_are_no_points() {
        let row = |block, valid, rate, p99_ms| StepRow {
            target: "go".to_owned(),
            block,
            valid,
            step: StepFigures {
                rate,
                planned: 10,
                requests: 10,
                errors: 0,
                dropped: 0,
                p99_ms,
                broke: Vec::new(),
                idle_share: None,
                generator_cpus: None,
                limited: false,
            },
        };
        let steps = vec![
            row(1, true, 500, Some(3.0)),
            row(2, true, 500, Some(5.0)),
            row(3, true, 500, Some(4.0)),
            row(4, false, 500, Some(99.0)),
            row(1, true, 1000, None),
        ];
        let doc: Result<Document, _> = serde_json::from_value(serde_json::json!({
            "schema_version": 1, "metrics": [], "flags": [], "environment": null, "notes": [], "alpha": 0.05, "margin": 0.05,
            "repetitions": [], "endpoints": [], "positions": [], "steps": steps, "limits": [],
            "provenance": crate::doc::Provenance::default(),
        }));
        let points = doc.map(|d| points(&d, "go")).unwrap_or_default();
        let want = rates::Point {
            rate: 500.0,
            p99: [3.0, 4.0, 5.0],
        };
        assert_eq!(points, [want]);
    }
}
