//! Stored steps of a rising rate, and the statistics' own; `bench` makes them, `bench validate` and `analyze` check them.

use lab_model::config::Slo;
use lab_model::results::{Bound, Manifest, Repetition, StepFigures, same_figure};
use lab_stats::capacity::{self, Breach, Objective, Schedule};
use lab_stats::quantile::median;

use crate::terminal::{self, Style, right};

/// Name of the metric.
pub const METRIC: &str = "capacity";

/// The schedule and the objective of a run that finds the capacity; `None` for other runs.
pub fn schedule(manifest: &Manifest) -> Option<(Schedule, Objective)> {
    let rates = manifest.profile.step_rates();
    let Slo { p99_ms, error_rate } = manifest.plan.slo.clone()?;
    (!rates.is_empty()).then(|| {
        let step_s = manifest.profile.step_s();
        (Schedule { rates, step_s }, Objective { p99_ms, error_rate })
    })
}

/// The steps of one repetition, from its measured requests (ns, in any order) and k6's count of dropped arrivals.
/// What was observed of the host is filled in by `bench`.
pub fn steps(
    manifest: &Manifest,
    started_at: &[i64],
    duration: &[i64],
    failed: &[bool],
    dropped: u64,
) -> Vec<StepFigures> {
    let Some((schedule, objective)) = schedule(manifest) else {
        return Vec::new();
    };
    capacity::steps(&schedule, &objective, started_at, duration, failed, dropped)
        .into_iter()
        .map(|step| StepFigures {
            rate: step.rate,
            planned: step.planned,
            requests: step.requests,
            errors: step.errors,
            dropped: step.dropped,
            p99_ms: step.p99_ms,
            broke: step.broke.into_iter().map(|b| word(b).to_owned()).collect(),
            idle_share: None,
            generator_cpus: None,
            limited: false,
        })
        .collect()
}

/// Capacity and its bound; `None` when nothing can be said of the service.
pub fn figure(steps: &[StepFigures]) -> Option<(f64, Option<Bound>)> {
    let marked: Vec<(u32, bool, bool)> = steps
        .iter()
        .map(|s| (s.rate, s.broke.is_empty(), s.limited))
        .collect();
    let found = capacity::capacity(&marked)?;
    let bound = found.bound.map(|bound| match bound {
        capacity::Bound::AtLeast => Bound::AtLeast,
        capacity::Bound::AtMost => Bound::AtMost,
    });
    Some((f64::from(found.rate), bound))
}

/// What of the stored steps and capacity does not follow from the raw record.
pub fn problems(
    manifest: &Manifest,
    stored: &Repetition,
    started_at: &[i64],
    duration: &[i64],
    failed: &[bool],
) -> Vec<String> {
    let dropped = stored.k6.as_ref().map_or(0, |k| k.dropped_iterations);
    let again = steps(manifest, started_at, duration, failed, dropped);
    let mut problems = Vec::new();
    if again.len() != stored.steps.len() {
        problems.push(format!(
            "{} steps are stored, the plan has {}",
            stored.steps.len(),
            again.len()
        ));
        return problems;
    }
    let counts = |s: &StepFigures| {
        (
            s.rate,
            s.planned,
            s.requests,
            s.errors,
            s.dropped,
            s.broke.clone(),
        )
    };
    for (was, is) in stored.steps.iter().zip(&again) {
        if counts(was) != counts(is) || !same_figure(was.p99_ms, is.p99_ms) {
            problems.push(format!(
                "the step of {} req/s is not what the raw record says",
                is.rate
            ));
        }
    }
    let found = figure(&stored.steps);
    let was = stored.metrics.get(METRIC).copied().flatten();
    if was != found.map(|f| f.0) || stored.bounds.get(METRIC).copied() != found.and_then(|f| f.1) {
        problems.push("the capacity does not follow from the steps".to_owned());
    }
    problems
}

/// The statistics' name of a stored bound.
pub(crate) fn from_wire(bound: Bound) -> capacity::Bound {
    match bound {
        Bound::AtLeast => capacity::Bound::AtLeast,
        Bound::AtMost => capacity::Bound::AtMost,
    }
}

/// What to write before a figure that is only a bound.
pub fn words(bound: Option<capacity::Bound>) -> &'static str {
    match bound {
        Some(capacity::Bound::AtLeast) => "at least ",
        Some(capacity::Bound::AtMost) => "at most ",
        None => "",
    }
}

/// What a reader must know of the figure.
pub(crate) fn remark(manifest: &Manifest) -> Option<String> {
    let (schedule, objective) = schedule(manifest)?;
    let first = schedule.rates.first()?;
    Some(format!(
        "capacity is the highest step that met the objective (p99 at most {} ms, at most {}% failed, no arrival dropped); \
         it is known to one step: {} steps of {first} req/s, {} s each",
        objective.p99_ms,
        100.0 * objective.error_rate,
        schedule.rates.len(),
        schedule.step_s,
    ))
}

fn word(breach: Breach) -> &'static str {
    match breach {
        Breach::P99 => "p99",
        Breach::Errors => "errors",
        Breach::Dropped => "dropped",
    }
}

/// For a terminal: a row a step, with the median p99 of each target's valid repetitions and how often it met the
/// objective. `None` where the load has no steps.
pub fn table(manifest: &Manifest, repetitions: &[Repetition], style: Style) -> Option<String> {
    let rates = manifest.profile.step_rates();
    let counted = |target: &str| -> Vec<&Repetition> {
        let own = repetitions.iter().filter(|r| r.valid && r.target == target);
        own.filter(|r| r.steps.len() == rates.len()).collect()
    };
    if rates.is_empty() || manifest.targets.keys().all(|t| counted(t).is_empty()) {
        return None;
    }
    let mut table = terminal::plain(style);
    let names = std::iter::once("requests/s".to_owned()).chain(manifest.targets.keys().cloned());
    table.set_header(names.map(right).collect::<Vec<_>>());
    for (i, rate) in rates.iter().enumerate() {
        let mut row = vec![right(rate.to_string())];
        for target in manifest.targets.keys() {
            let own = counted(target);
            let p99: Vec<f64> = own.iter().filter_map(|r| r.steps[i].p99_ms).collect();
            let met = own.iter().filter(|r| r.steps[i].broke.is_empty()).count();
            let p99 = median(&p99).map_or("no answer".to_owned(), |v| {
                format!("{} ms", terminal::short(v))
            });
            row.push(right(format!("{p99}, met {met}/{}", own.len())));
        }
        table.add_row(row);
    }
    Some(format!(
        "{} (median p99 over repetitions, and how often the step met the objective)\n{table}",
        style.heading("Latency against rate")
    ))
}
