//! One file a figure. Each gives an SVG text to stand inline in the page, drawn by plotters.
//!
//! Ink, grid and band have fixed colours here that the page's style sheet replaces by its own, light or dark.

pub mod dots;
pub mod forest;
pub mod quantiles;
pub mod time;

use plotters::coord::Shift;
use plotters::prelude::*;

/// A figure is this wide: two stand side by side on a desk, one fills a phone.
pub const WIDTH: u32 = 500;
/// Text, axes.
pub const INK: RGBColor = RGBColor(0x11, 0x11, 0x11);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// Text size in px.
pub const TEXT: u32 = 13;

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
