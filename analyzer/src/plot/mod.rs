//! One file a figure. Each gives an SVG text to stand inline in the page, drawn by plotters.
//!
//! Ink, grid and band have fixed colours here that the page's style sheet replaces by its own, light or dark.

pub mod dots;
pub mod forest;
pub mod quantiles;
pub mod rates;
pub mod sweep;
pub mod time;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A figure is this wide: two stand side by side on a desk, one fills a phone.
pub const WIDTH: u32 = 500;
/// Text, axes.
pub const INK: RGBColor = RGBColor(0x11, 0x11, 0x11);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// Text size in px.
pub const TEXT: u32 = 16;

/// The area that the figures draw on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing can answer.
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Colours of targets, told apart on white and on black and by most colour-blind readers.
pub fn colour(index: usize) -> RGBColor {
    const COLOURS: [RGBColor; 7] = [
        RGBColor(0x2f, 0x7f, 0xc9),
        RGBColor(0xd9, 0x6c, 0x0d),
        RGBColor(0x1f, 0x9b, 0x72),
        RGBColor(0xb0, 0x57, 0xa8),
        RGBColor(0x9a, 0x87, 0x1f),
        RGBColor(0xcc, 0x4b, 0x4b),
        RGBColor(0x6b, 0x78, 0x8e),
    ];
    COLOURS[index % COLOURS.len()]
}

/// Draws a figure; `title` is what a screen reader says.
///
/// # Errors
/// plotters refuses the ranges.
pub fn svg(
    title: &str,
    height: u32,
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> miette::Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area)
            .and_then(|()| Ok(area.present()?))
            .map_err(|e| miette::miette!("the figure `{title}` cannot be drawn: {e}"))?;
    }
    let title = title
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    Ok(text.replacen(
        "<svg ",
        &format!("<svg role=\"img\" aria-label=\"{title}\" "),
        1,
    ))
}

/// The range of positive values, a little wider, for a logarithmic axis; `None` without any.
pub fn log_range(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let mut range: Option<[f64; 2]> = None;
    for v in values.filter(|v| *v > 0.0 && v.is_finite()) {
        let [low, high] = range.unwrap_or([v; 2]);
        range = Some([low.min(v), high.max(v)]);
    }
    let [low, high] = range?;
    let room = (high / low).powf(0.06).max(1.03);
    Some([
        (low / room).max(f64::MIN_POSITIVE),
        (high * room).min(f64::MAX),
    ])
}

/// An axis label: three significant digits at most.
pub fn tick(value: f64) -> String {
    let digits = if value == 0.0 {
        0.0
    } else {
        (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0)
    };
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Places for ticks of a logarithmic axis: round numbers, three to nine of them.
pub fn ticks([low, high]: [f64; 2]) -> Vec<f64> {
    let ratio = high / low;
    if ratio < 4.0 {
        // So short that it is nearly linear.
        let raw = (high - low) / 5.0;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| *s >= raw)
            .unwrap_or(raw);
        let first = (low / step).ceil() as i64;
        return (first..first + 10)
            .map(|i| i as f64 * step)
            .filter(|v| *v <= high)
            .collect();
    }
    let digits: &[f64] = match ratio {
        r if r < 100.0 => &[1.0, 2.0, 5.0],
        r if r < 3000.0 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    (first..=last)
        .flat_map(|e| digits.iter().map(move |d| d * 10f64.powi(e)))
        .filter(|v| (low..=high).contains(v))
        .collect()
}

/// Rows from 0 to `rows` over a logarithmic axis with ticks of [`ticks`]; the rows' own space is above 0.
///
/// # Errors
/// plotters refuses.
pub fn rows_over_log<'a, 'b>(
    area: &'b Area<'a>,
    [low, high]: [f64; 2],
    rows: f64,
    unit: &str,
) -> Result<RowChart<'b, 'a>, Box<dyn std::error::Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .margin_right(20)
        .build_cartesian_2d((low..high).log_scale(), -0.7..rows)?;
    let style = || {
        ("sans-serif", TEXT)
            .into_font()
            .color(&INK)
            .pos(Pos::new(HPos::Center, VPos::Top))
    };
    for x in ticks([low, high]) {
        chart.draw_series([PathElement::new(vec![(x, 0.0), (x, rows)], GRID)])?;
        chart.draw_series([Text::new(format!("{}{unit}", tick(x)), (x, -0.12), style())])?;
    }
    chart.draw_series([PathElement::new(vec![(low, 0.0), (high, 0.0)], INK)])?;
    Ok(chart)
}

/// What [`rows_over_log`] gives.
pub type RowChart<'b, 'a> =
    ChartContext<'b, SVGBackend<'a>, Cartesian2d<LogCoord<f64>, RangedCoordf64>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_neither_few_nor_many() {
        assert_eq!(ticks([0.9, 11.0]), [1.0, 2.0, 5.0, 10.0]);
        for low in [1e-6, 0.0034, 0.97, 1.0, 7.3, 1234.5] {
            for ratio in [1.03, 1.2, 2.0, 3.9, 4.1, 30.0, 150.0, 2900.0, 1e6] {
                let n = ticks([low, low * ratio]).len();
                assert!((2..=10).contains(&n), "{low} x {ratio}: {n}");
            }
        }
    }

    #[test]
    fn labels_keep_three_digits() {
        assert_eq!(
            [0.0, 0.05, 1.0, 1234.0, 99.68].map(tick),
            ["0", "0.05", "1", "1234", "99.7"]
        );
    }
}
