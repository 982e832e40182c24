//! Latency against percentile: a line a repetition, a band over them, a bold line for their median.

use lab_stats::quantile::median;
use plotters::prelude::*;

use super::{Area, Drawn, GRID, INK, TEXT, colour, svg, tick};
use crate::figures::CURVE;

/// The figure of one target; `None` if there is nothing to draw.
///
/// # Errors
/// plotters refuses.
pub fn draw(
    target: &str,
    index: usize,
    curves: &[&[f64]],
    range: [f64; 2],
) -> miette::Result<Option<String>> {
    let curves: Vec<&[f64]> = curves
        .iter()
        .copied()
        .filter(|c| c.len() == CURVE.len())
        .collect();
    if curves.is_empty() {
        return Ok(None);
    }
    let title = format!("Latency of {target} by percentile, a line a repetition");
    svg(&title, 280, |area| paint(area, index, &curves, range)).map(Some)
}

/// Nines: 1 is p90, 2 is p99.
fn place(p: f64) -> f64 {
    -(1.0 - p).log10()
}

fn paint(area: &Area<'_>, index: usize, curves: &[&[f64]], [low, high]: [f64; 2]) -> Drawn {
    let c = colour(index);
    let last = place(CURVE[CURVE.len() - 1]);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(40)
        .y_label_area_size(58)
        .build_cartesian_2d(0.0..last, (low..high).log_scale())?;
    chart
        .configure_mesh()
        // Whole nines: p90, p99, p99.9.
        .x_labels(4)
        .x_label_formatter(&|x| percentile(*x))
        .y_label_formatter(&|y| tick(*y))
        .y_desc("ms")
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", TEXT).into_font().color(&INK))
        .draw()?;
    let column = |i: usize| -> Vec<f64> { curves.iter().map(|curve| curve[i].max(low)).collect() };
    let edge = |i: usize, pick: fn(f64, f64) -> f64| {
        (
            place(CURVE[i]),
            column(i).into_iter().reduce(pick).unwrap_or(low),
        )
    };
    let mut outline: Vec<(f64, f64)> = (0..CURVE.len()).map(|i| edge(i, f64::max)).collect();
    outline.extend((0..CURVE.len()).rev().map(|i| edge(i, f64::min)));
    chart.draw_series([Polygon::new(outline, c.mix(0.16).filled())])?;
    for curve in curves {
        let points: Vec<(f64, f64)> = CURVE
            .iter()
            .zip(*curve)
            .map(|(p, v)| (place(*p), v.max(low)))
            .collect();
        chart.draw_series([PathElement::new(points, c.mix(0.6).stroke_width(1))])?;
    }
    let middle: Vec<(f64, f64)> = (0..CURVE.len())
        .filter_map(|i| Some((place(CURVE[i]), median(&column(i))?)))
        .collect();
    chart.draw_series([PathElement::new(middle, c.stroke_width(3))])?;
    Ok(())
}

/// The name of a percentile by its nines; never rounded up to p100.
fn percentile(nines: f64) -> String {
    let p = 100.0 * (1.0 - 10f64.powf(-nines));
    if p < 99.9 {
        return format!("p{}", tick(p));
    }
    format!("p{}", (p * 1000.0).floor() / 1000.0)
}
