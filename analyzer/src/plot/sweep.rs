//! A figure against the values of a sweep: a line a series, an interval at each value.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Drawn, GRID, INK, TEXT, colour, svg, tick};

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// A target, or a pair.
    pub label: String,
    /// Value, estimate, interval.
    pub points: Vec<(u32, f64, Option<[f64; 2]>)>,
    /// Which colour.
    pub colour: usize,
}

/// The figure; `None` if there is no positive value. `margin`: the series are ratios, equivalent within it.
///
/// # Errors
/// plotters refuses.
pub fn draw(
    title: &str,
    what: &str,
    series: &[Series],
    margin: Option<f64>,
) -> miette::Result<Option<String>> {
    let ends = series.iter().flat_map(|s| {
        s.points
            .iter()
            .flat_map(|(_, v, ci)| ci.unwrap_or([*v; 2]).into_iter().chain([*v]))
    });
    let band = margin.map(|m| [1.0 / (1.0 + m), 1.0 + m]);
    let all: Vec<f64> = ends
        // An interval of a few repetitions may span decades: a ratio is cut at a factor of 30.
        .map(|v| {
            if band.is_some() {
                v.clamp(1.0 / 30.0, 30.0)
            } else {
                v
            }
        })
        .chain(band.into_iter().flatten())
        .collect();
    let Some(range) = super::log_range(all.into_iter()) else {
        return Ok(None);
    };
    let height = 260 + 20 * series.len() as u32;
    svg(title, height, |area| paint(area, what, series, band, range)).map(Some)
}

fn paint(
    area: &Area<'_>,
    what: &str,
    series: &[Series],
    band: Option<[f64; 2]>,
    [low, high]: [f64; 2],
) -> Drawn {
    let mut values: Vec<u32> = series
        .iter()
        .flat_map(|s| s.points.iter().map(|p| p.0))
        .collect();
    values.sort_unstable();
    values.dedup();
    let ends = values
        .first()
        .zip(values.last())
        .map(|(a, b)| [f64::from(*a), f64::from(*b)]);
    let [first, last] = ends.unwrap_or([1.0, 2.0]);
    let (left, right) = (
        first / (last / first).powf(0.12),
        last * (last / first).powf(0.08),
    );
    // Names stand above the data, the values below it.
    let unit = (high / low).powf(1.0 / 12.0);
    let (floor, roof) = (
        low / unit.powf(2.2),
        high * unit.powf(1.3 * series.len() as f64),
    );
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .build_cartesian_2d((left..right).log_scale(), (floor..roof).log_scale())?;
    let style = |h, v| {
        ("sans-serif", TEXT)
            .into_font()
            .color(&INK)
            .pos(Pos::new(h, v))
    };
    for y in super::ticks([low, high]) {
        let text = if band.is_some() {
            format!("{}x", tick(y))
        } else {
            tick(y)
        };
        chart.draw_series([PathElement::new(vec![(left, y), (right, y)], GRID)])?;
        chart.draw_series([Text::new(text, (left, y), style(HPos::Left, VPos::Bottom))])?;
    }
    for value in &values {
        let x = f64::from(*value);
        chart.draw_series([PathElement::new(vec![(x, low), (x, high)], GRID)])?;
        chart.draw_series([Text::new(
            value.to_string(),
            (x, low / unit.powf(0.15)),
            style(HPos::Center, VPos::Top),
        )])?;
    }
    let text = style(HPos::Right, VPos::Bottom);
    chart.draw_series([Text::new(what.to_owned(), (right, floor), text)])?;
    chart.draw_series([PathElement::new(vec![(left, low), (right, low)], INK)])?;
    if let Some([a, b]) = band {
        let grey = RGBColor(0x88, 0x88, 0x88).mix(0.18).filled();
        chart.draw_series([Rectangle::new([(left, a), (right, b)], grey)])?;
        chart.draw_series([PathElement::new(vec![(left, 1.0), (right, 1.0)], INK)])?;
    }
    for (i, s) in series.iter().enumerate() {
        let c = colour(s.colour);
        // Beside each other, so that intervals do not hide one another.
        let aside =
            1.0 + 0.012 * (last / first).ln() * (i as f64 - (series.len() as f64 - 1.0) / 2.0);
        let at = |(value, y, _): &(u32, f64, Option<[f64; 2]>)| {
            (f64::from(*value) * aside, y.clamp(low, high))
        };
        chart.draw_series([PathElement::new(
            s.points.iter().map(at).collect::<Vec<_>>(),
            c.mix(0.5).stroke_width(1),
        )])?;
        for point in &s.points {
            let (x, y) = at(point);
            if let Some(ci) = point.2 {
                let [a, b] = ci.map(|v| v.clamp(low, high));
                chart.draw_series([PathElement::new(vec![(x, a), (x, b)], c.stroke_width(3))])?;
            }
            chart.draw_series([Circle::new((x, y), 4, c.filled())])?;
        }
        let y = roof / unit.powf(1.3 * i as f64 + 0.1);
        let short = (last / first).powf(0.04);
        chart.draw_series([PathElement::new(
            vec![
                (left, y / unit.powf(0.6)),
                (left * short, y / unit.powf(0.6)),
            ],
            c.stroke_width(4),
        )])?;
        chart.draw_series([Text::new(
            s.label.clone(),
            (left * short.powf(1.3), y),
            style(HPos::Left, VPos::Top),
        )])?;
    }
    Ok(())
}
