//! Median latency second by second, a line a repetition; where it had not settled and where it hung is marked.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Drawn, GRID, INK, TEXT, colour, svg, tick};
use crate::doc::RunFigures;

/// The figure of one target; `None` if there is nothing to draw.
///
/// # Errors
/// plotters refuses.
pub fn draw(target: &str, index: usize, runs: &[&RunFigures]) -> miette::Result<Option<String>> {
    let Some(range) = super::log_range(
        runs.iter()
            .flat_map(|r| r.seconds.iter().flatten().copied()),
    ) else {
        return Ok(None);
    };
    let title = format!("Median latency of {target} over the seconds of each repetition");
    svg(&title, 230, |area| paint(area, index, runs, range)).map(Some)
}

fn paint(area: &Area<'_>, index: usize, runs: &[&RunFigures], [low, high]: [f64; 2]) -> Drawn {
    let c = colour(index);
    let longest = runs
        .iter()
        .map(|r| r.seconds.len())
        .max()
        .unwrap_or(1)
        .max(2);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(44)
        .build_cartesian_2d(0.0..longest as f64, (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(8)
        .disable_y_mesh()
        .disable_y_axis()
        .x_label_formatter(&|x| tick(*x))
        .x_desc("seconds of measuring")
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", TEXT).into_font().color(&INK))
        .draw()?;
    // Labels stand on their lines, inside: a short range has no room for an axis of decades.
    let style = || {
        let text = ("sans-serif", TEXT).into_font().color(&INK);
        text.pos(Pos::new(HPos::Left, VPos::Bottom))
    };
    for y in super::ticks([low, high]) {
        chart.draw_series([PathElement::new(vec![(0.0, y), (longest as f64, y)], GRID)])?;
        chart.draw_series([Text::new(format!("{} ms", tick(y)), (0.0, y), style())])?;
    }
    for run in runs {
        if let Some(w) = run.warm_up {
            let area = [(0.0, low), (w.cut_s as f64, high)];
            chart.draw_series([Rectangle::new(
                area,
                RGBColor(0x88, 0x88, 0x88).mix(0.12).filled(),
            )])?;
        }
        for part in pieces(&run.seconds) {
            if let [alone] = part[..] {
                chart.draw_series([Circle::new(alone, 2, c.filled())])?;
            }
            chart.draw_series([PathElement::new(part, c.mix(0.8).stroke_width(1))])?;
        }
        for s in &run.stalls {
            let x = s.at_s as f64 + 0.5;
            let y = run.seconds.get(s.at_s).copied().flatten().unwrap_or(high);
            chart.draw_series([TriangleMarker::new(
                (x, y.clamp(low, high)),
                7,
                RGBColor(0xcc, 0x22, 0x22).filled(),
            )])?;
        }
    }
    Ok(())
}

/// A second without an answer breaks the line.
fn pieces(seconds: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut out: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (i, value) in seconds.iter().enumerate() {
        match value {
            Some(v) => {
                if let Some(piece) = out.last_mut() {
                    piece.push((i as f64 + 0.5, *v));
                }
            }
            None => out.push(Vec::new()),
        }
    }
    out.retain(|piece| !piece.is_empty());
    out
}
