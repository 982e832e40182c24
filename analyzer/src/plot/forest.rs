//! Ratios with their intervals, one row a comparison.

use plotters::prelude::*;

use super::{Area, Drawn, INK, TEXT, colour, svg, tick};

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// "rust-sqlx / go, p99".
    pub label: String,
    /// The ratio.
    pub ratio: f64,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// Which colour.
    pub colour: usize,
}

/// The figure; `None` without rows. `margin` is shaded.
///
/// # Errors
/// plotters refuses.
pub fn draw(rows: &[Row], margin: f64) -> miette::Result<Option<String>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let height = 40 + 42 * rows.len() as u32;
    svg("Ratios of targets with their intervals", height, |area| {
        paint(area, rows, margin)
    })
    .map(Some)
}

fn paint(area: &Area<'_>, rows: &[Row], margin: f64) -> Drawn {
    let band = [1.0 / (1.0 + margin), 1.0 + margin];
    let ends = rows
        .iter()
        .flat_map(|r| r.ci.unwrap_or([r.ratio; 2]))
        .chain(rows.iter().map(|r| r.ratio))
        .chain(band);
    // An interval of a few repetitions may span decades: it is cut at a factor of 30.
    let [low, high] =
        super::log_range(ends.map(|v| v.clamp(1.0 / 30.0, 30.0))).unwrap_or([0.5, 2.0]);
    let n = rows.len() as f64;
    let mut chart = super::rows_over_log(area, [low, high], n, "x")?;
    chart.draw_series([Rectangle::new(
        [(band[0], 0.0), (band[1], n)],
        RGBColor(0x88, 0x88, 0x88).mix(0.18).filled(),
    )])?;
    chart.draw_series([PathElement::new(vec![(1.0, 0.0), (1.0, n)], INK)])?;
    for (i, row) in rows.iter().enumerate() {
        let y = n - i as f64 - 0.68;
        let c = colour(row.colour);
        let [a, b] = row.ci.unwrap_or([row.ratio; 2]).map(|v| v.clamp(low, high));
        chart.draw_series([PathElement::new(vec![(a, y), (b, y)], c.stroke_width(3))])?;
        chart.draw_series([Circle::new((row.ratio.clamp(low, high), y), 5, c.filled())])?;
        let text = format!("{}: {}x", row.label, tick(row.ratio));
        let style = ("sans-serif", TEXT).into_font().color(&INK);
        chart.draw_series([Text::new(text, (low, n - i as f64 - 0.05), style)])?;
    }
    Ok(())
}
