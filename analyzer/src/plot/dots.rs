//! Every repetition as a dot, one row a target, with the typical run and its interval.

use plotters::prelude::*;

use super::{Area, Drawn, INK, TEXT, colour, svg};

/// One target.
#[derive(Debug, Clone)]
pub struct Row {
    /// Target.
    pub label: String,
    /// Its repetitions.
    pub values: Vec<f64>,
    /// The typical run.
    pub estimate: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
}

/// The figure; `None` if there is no positive value.
///
/// # Errors
/// plotters refuses.
pub fn draw(title: &str, rows: &[Row]) -> miette::Result<Option<String>> {
    let Some(range) = super::log_range(
        rows.iter()
            .flat_map(|r| r.values.iter().copied().chain(r.ci.into_iter().flatten())),
    ) else {
        return Ok(None);
    };
    let height = 46 + 52 * rows.len() as u32;
    svg(title, height, |area| paint(area, rows, range)).map(Some)
}

fn paint(area: &Area<'_>, rows: &[Row], [low, high]: [f64; 2]) -> Drawn {
    let n = rows.len() as f64;
    let mut chart = super::rows_over_log(area, [low, high], n, "")?;
    let style = || ("sans-serif", TEXT).into_font().color(&INK);
    for (i, row) in rows.iter().enumerate() {
        let c = colour(i);
        let base = n - i as f64;
        chart.draw_series([Text::new(row.label.clone(), (low, base - 0.06), style())])?;
        // Dots of one row are spread a little, in block order, so that equal values can be seen.
        let many = row.values.len().max(2) as f64 - 1.0;
        let dots = row.values.iter().enumerate().filter(|(_, v)| **v > 0.0);
        chart.draw_series(dots.map(|(k, v)| {
            Circle::new(
                (*v, base - 0.44 - 0.22 * k as f64 / many),
                4,
                c.mix(0.75).filled(),
            )
        }))?;
        if let Some([a, b]) = row.ci.filter(|ci| ci[0] > 0.0) {
            chart.draw_series([PathElement::new(
                vec![(a, base - 0.8), (b, base - 0.8)],
                c.stroke_width(3),
            )])?;
        }
        if let Some(e) = row.estimate.filter(|e| *e > 0.0) {
            chart.draw_series([TriangleMarker::new((e, base - 0.84), 6, INK.filled())])?;
        }
    }
    Ok(())
}
