//! `analyze calibrate`: the method tries out its own error rates (section 13.1 of the method).

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Table};
use lab_stats::simulate::calibrate::{FULL, calibrate};
use lab_verdict::terminal::right;

use crate::cli::CalibrateArgs;
use crate::exit::Exit;
use crate::ui;

/// Prints every line with its Monte-Carlo standard error.
///
/// # Errors
/// None.
pub fn run(args: &CalibrateArgs) -> miette::Result<Exit> {
    let experiments = usize::try_from(args.experiments).unwrap_or(usize::MAX);
    if experiments < FULL {
        ui::note(&format!(
            "{experiments} experiments a line are fewer than {FULL}: the ranges are widened by three standard errors"
        ));
    }
    let lines = calibrate(experiments, args.seed);
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_header(["check", "rate", "standard error", "must lie in", ""]);
    let percent = |x: f64| format!("{:.2}%", 100.0 * x);
    for line in &lines {
        table.add_row([
            Cell::new(&line.name),
            right(percent(line.value)),
            right(percent(line.mcse)),
            right(format!("{} to {}", percent(line.low), percent(line.high))),
            Cell::new(if line.ok { "ok" } else { "OUTSIDE" }),
        ]);
    }
    ui::say(&table.to_string());
    let outside = lines.iter().filter(|l| !l.ok).count();
    ui::say(&format!(
        "{} lines, {outside} outside their range; seed {}",
        lines.len(),
        args.seed
    ));
    Ok(if outside == 0 {
        Exit::Ok
    } else {
        Exit::Regression
    })
}
