//! The result of a session for people.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Table};
use lab_model::results::aa::{AaReport, Detection};
use lab_stats::metric::Metric;
use lab_stats::uniformity;
use lab_verdict::terminal::right;

const BINS: usize = 10;

/// All of it.
pub fn render(report: &AaReport) -> String {
    let plan = &report.plan;
    let p = &report.profile;
    let mut out = format!(
        "{} of {}, {} mode, load {}: {} experiments of {} blocks, {} s warm-up and {} s measured each\n",
        if report.slowdown.is_some() {
            "Slowdown series"
        } else {
            "A/A"
        },
        plan.target,
        report.mode,
        report.profile_name,
        report.experiments.len(),
        plan.repetitions,
        p.warmup_s,
        p.measure_s,
    );
    if (report.experiments.len() as u32) < plan.experiments {
        let _ = writeln!(
            out,
            "{} were planned; the others are not whole and are left out.",
            plan.experiments
        );
    }
    if report.invalid > 0 {
        let _ = writeln!(
            out,
            "{} of {} repetitions do not count (see their receipts); their blocks are left out, as in any run.",
            report.invalid, report.repetitions
        );
    }
    if report.metrics.iter().any(|m| m.experiments > 0) {
        let _ = writeln!(
            out,
            "\nFalse alarms where nothing differs (nominal {})",
            percent(report.alpha)
        );
        let _ = writeln!(out, "{}", false_alarms(report));
        for m in report.metrics.iter().filter(|m| m.alarm) {
            let _ = writeln!(
                out,
                "ALARM at {}: so many false alarms are not believable if the rate is {}. Do not trust small differences here.",
                label(&m.metric),
                percent(report.alpha)
            );
        }
        let _ = writeln!(
            out,
            "\np-values (uniform if nothing differs), {BINS} equal parts of 0 to 1"
        );
        for m in &report.metrics {
            let _ = writeln!(out, " {:<16} {}", label(&m.metric), histogram(&m.p_values));
        }
    } else if report.slowdown.is_none() {
        let _ = writeln!(
            out,
            "\nToo few complete blocks an experiment for a test: 3 are the least."
        );
    }
    if let Some(slowdown) = &report.slowdown {
        let _ = writeln!(
            out,
            "\nDetection of a delay, as a share of p50 = {} ms; labels were opened after the judgement",
            short(slowdown.p50_ms)
        );
        let _ = writeln!(out, "{}", detections(report, &slowdown.delays));
    }
    out.truncate(out.trim_end().len());
    out
}

fn false_alarms(report: &AaReport) -> Table {
    let reach = format!(
        "smallest difference, {} blocks",
        report.plan.usual_repetitions
    );
    let mut table = table(&[
        "metric",
        "false alarms",
        "95% CI",
        "alarm from",
        "with a verdict",
        "p of small p",
        "sd of ratio",
        &reach,
    ]);
    for m in &report.metrics {
        table.add_row(row(
            label(&m.metric),
            [
                format!(
                    "{} of {} ({})",
                    m.false_alarms,
                    m.experiments,
                    or_dash(m.rate, percent)
                ),
                interval(m.ci),
                m.alarm_from.map_or("-".to_owned(), |x| x.to_string()),
                m.shown.to_string(),
                or_dash(m.uniformity_p, |p| format!("{p:.2}")),
                or_dash(m.sd_log_ratio, percent),
                or_dash(m.minimum_detectable_ratio, |r| percent(r - 1.0)),
            ],
        ));
    }
    table
}

fn detections(report: &AaReport, delays: &[Detection]) -> Table {
    let mut table = table(&[
        "delay",
        "waited [us]",
        "metric",
        "found",
        "95% CI",
        "wrong way",
        "slowed / other",
        "expected",
    ]);
    for d in delays {
        let waits: Vec<f64> = report
            .experiments
            .iter()
            .filter_map(|e| e.delay.as_ref().filter(|x| x.share == d.share)?.waited_us)
            .collect();
        let waited = lab_stats::moments::mean(&waits);
        table.add_row(row(
            &percent(d.share),
            [
                or_dash(waited, short),
                label(&d.metric).to_owned(),
                format!("{} of {}", d.detected, d.experiments),
                interval(d.ci),
                d.wrong_way.to_string(),
                or_dash(d.ratio, |r| format!("{r:.3}")),
                or_dash(d.expected_ratio, |r| format!("{r:.3}")),
            ],
        ));
    }
    table
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table
}

fn row<const N: usize>(head: &str, cells: [String; N]) -> Vec<Cell> {
    std::iter::once(Cell::new(head))
        .chain(cells.map(right))
        .collect()
}

fn label(metric: &str) -> &str {
    Metric::find(metric).map_or(metric, |m| m.label())
}

/// Counts by part, and how they look.
fn histogram(p_values: &[f64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let counts = uniformity::histogram(p_values, BINS);
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bars: String = counts
        .iter()
        .map(|&n| match n {
            0 => ' ',
            n => LEVELS[(n * LEVELS.len()).div_ceil(most).clamp(1, LEVELS.len()) - 1],
        })
        .collect();
    let numbers: Vec<String> = counts.iter().map(usize::to_string).collect();
    format!("|{bars}|  {}", numbers.join(" "))
}

fn or_dash(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or("-".to_owned(), text)
}

/// Two significant digits, at least whole percent.
fn percent(share: f64) -> String {
    lab_verdict::laboratory::percent(share)
}

fn interval(ci: Option<[f64; 2]>) -> String {
    ci.map_or("-".to_owned(), lab_verdict::laboratory::interval)
}

/// Three significant digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 6) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_their_counts() {
        assert_eq!(
            histogram(&[0.01, 0.02, 0.05, 0.95, 1.0]),
            "|█        ▆|  3 0 0 0 0 0 0 0 0 2"
        );
        assert_eq!(histogram(&[]), "|          |  0 0 0 0 0 0 0 0 0 0");
    }
}
