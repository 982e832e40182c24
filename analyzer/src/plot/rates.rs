//! p99 against arrival rate: the median of the repetitions at each step, a band over them, and the objective.

use plotters::prelude::*;

use super::{Area, Drawn, GRID, INK, TEXT, colour, svg, tick};

/// One step of one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Arrivals per second.
    pub rate: f64,
    /// Lowest, median and highest p99 of the repetitions, in ms.
    pub p99: [f64; 3],
}

/// The figure of one target; `None` if there is nothing to draw. `range` is common to all targets.
///
/// # Errors
/// plotters refuses.
pub fn draw(
    target: &str,
    index: usize,
    points: &[Point],
    objective_ms: f64,
    range: [f64; 2],
) -> miette::Result<Option<String>> {
    if points.is_empty() {
        return Ok(None);
    }
    let title = format!("99th percentile of {target} against arrival rate");
    svg(&title, 280, |area| {
        paint(area, index, points, objective_ms, range)
    })
    .map(Some)
}

fn paint(
    area: &Area<'_>,
    index: usize,
    points: &[Point],
    objective_ms: f64,
    [low, high]: [f64; 2],
) -> Drawn {
    let c = colour(index);
    let top = points.iter().map(|p| p.rate).fold(1.0, f64::max) * 1.04;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(44)
        .build_cartesian_2d(0.0..top, (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(7)
        .disable_y_mesh()
        .disable_y_axis()
        .x_label_formatter(&|x| tick(*x))
        .x_desc("requests per second")
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", TEXT).into_font().color(&INK))
        .draw()?;
    let style = || ("sans-serif", TEXT).into_font().color(&INK);
    for y in super::ticks([low, high]) {
        chart.draw_series([PathElement::new(vec![(0.0, y), (top, y)], GRID)])?;
        chart.draw_series([Text::new(format!("{} ms", tick(y)), (0.0, y), style())])?;
    }
    let red = RGBColor(0xcc, 0x22, 0x22);
    chart.draw_series([PathElement::new(
        vec![(0.0, objective_ms), (top, objective_ms)],
        red.stroke_width(2),
    )])?;
    let at = |i: usize| {
        points
            .iter()
            .map(move |p| (p.rate, p.p99[i].clamp(low, high)))
    };
    let mut outline: Vec<(f64, f64)> = at(2).collect();
    outline.extend(at(0).collect::<Vec<_>>().into_iter().rev());
    chart.draw_series([Polygon::new(outline, c.mix(0.16).filled())])?;
    chart.draw_series([PathElement::new(
        at(1).collect::<Vec<_>>(),
        c.stroke_width(3),
    )])?;
    chart.draw_series(at(1).map(|p| Circle::new(p, 4, c.filled())))?;
    Ok(())
}
