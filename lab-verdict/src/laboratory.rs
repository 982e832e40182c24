//! What A/A experiments showed of this host: one line beside every verdict, so that nobody reads a difference that
//! the host cannot see.

use std::path::Path;

use lab_model::results::Manifest;
use lab_model::results::aa::{AaReport, newest};
use lab_stats::metric::Metric;
use lab_stats::report::Report;
use serde_json::json;

/// The key in the report's environment.
const KEY: &str = "aa";

/// Puts the line, and the figures behind it, into the report's environment. `run` is the folder of the run; that of
/// all results is the one above it, or two above in a sweep.
pub fn attach(report: &mut Report, run: &Path, manifest: &Manifest) {
    if manifest.aa.is_some() {
        return;
    }
    let found = run
        .ancestors()
        .skip(1)
        .take(2)
        .find_map(|results| newest(results, &manifest.environment));
    let baseline = manifest
        .targets
        .keys()
        .find(|t| **t == manifest.plan.baseline);
    let target = baseline.or_else(|| manifest.targets.keys().next());
    let value = json!({
        "text": text(found.as_ref(), target.map_or("TARGET", String::as_str)),
        "session": found.as_ref().map(|r| r.run_id.clone()),
        "metrics": found.map(|r| r.metrics),
    });
    if let Some(environment) = report.environment.as_object_mut() {
        environment.insert(KEY.to_owned(), value);
    }
}

/// The line, where [`attach`] has put one.
pub fn line(report: &Report) -> Option<&str> {
    report.environment.get(KEY)?.get("text")?.as_str()
}

/// Makes a new report say what a stored one says of the host: later A/A sessions do not change it.
pub fn keep(report: &mut Report, stored: &Report) {
    let Some(environment) = report.environment.as_object_mut() else {
        return;
    };
    match stored.environment.get(KEY) {
        Some(value) => environment.insert(KEY.to_owned(), value.clone()),
        None => environment.remove(KEY),
    };
}

/// The line in words; without a report, how to get one.
pub fn text(report: Option<&AaReport>, target: &str) -> String {
    let Some((report, m)) = report.and_then(|r| Some((r, r.primary()?))) else {
        return format!("no A/A run on this host: `bench aa {target}`");
    };
    let name = Metric::find(&m.metric).map_or(m.metric.as_str(), |m| m.label());
    let rate = m.rate.map_or("-".to_owned(), percent);
    let ci = m.ci.map_or("-".to_owned(), interval);
    let mut out = format!(
        "A/A on this host ({}, {}, {}): {} of {} false alarms at {name} ({rate}, 95% CI {ci})",
        report.finished_at.strftime("%Y-%m-%d"),
        report.plan.target,
        report.mode,
        m.false_alarms,
        m.experiments,
    );
    if m.alarm {
        out.push_str(", which 5% does not explain: do not trust small differences");
    }
    if let Some(ratio) = m.minimum_detectable_ratio {
        out.push_str(&format!(
            "; smallest difference it can see with {} repetitions of {} s: {}",
            report.plan.usual_repetitions,
            report.profile.measure_s,
            percent(ratio - 1.0)
        ));
    }
    out
}

/// A share as a percentage with two significant digits: 0.6%, 5%, 17%, 120%.
pub fn percent(share: f64) -> String {
    format!("{}%", number(100.0 * share))
}

/// Two shares as "0.6 to 17%".
pub fn interval(ci: [f64; 2]) -> String {
    let [low, high] = ci.map(|share| number(100.0 * share));
    format!("{low} to {high}%")
}

fn number(percent: f64) -> String {
    let text = if percent.abs() >= 9.95 {
        format!("{percent:.0}")
    } else {
        format!("{percent:.1}")
    };
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_for_people() {
        for (share, shown) in [
            (0.0, "0%"),
            (0.006, "0.6%"),
            (0.05, "5%"),
            (0.0612, "6.1%"),
            (0.169, "17%"),
            (0.0996, "10%"),
            (3.0, "300%"),
        ] {
            assert_eq!(percent(share), shown);
        }
        assert_eq!(interval([0.00611, 0.1692]), "0.6 to 17%");
    }

    #[test]
    fn without_a_report_it_says_how_to_get_one() {
        assert_eq!(text(None, "go"), "no A/A run on this host: `bench aa go`");
    }
}
