//! The steps of a rising rate, with what was seen of the host and of k6 in each.

use lab_model::results::{K6Figures, Manifest, Repetition, StepFigures};
use lab_record::Samples;
use lab_verdict::capacity;

use super::figures::columns;
use super::observe::Looks;

/// The steps of one repetition; empty where the load does not look for the capacity.
pub fn steps(
    manifest: &Manifest,
    samples: &Samples,
    k6: Option<&K6Figures>,
    looks: &Looks,
    load_cpus: u32,
) -> Vec<StepFigures> {
    let Some((schedule, _)) = capacity::schedule(manifest) else {
        return Vec::new();
    };
    let (started, duration, failed) = columns(samples);
    let dropped = k6.map_or(0, |k| k.dropped_iterations);
    let mut steps = capacity::steps(manifest, &started, &duration, &failed, dropped);
    let Some(first) = started.first() else {
        return steps;
    };
    let origin = schedule.origin_ns(*first);
    let limits = &manifest.receipt_limits;
    for (i, step) in steps.iter_mut().enumerate() {
        let (from, to) = schedule.window_ns(origin, i);
        step.idle_share = looks.host(from, to, 0.0).and_then(|h| h.idle_share);
        step.generator_cpus = looks
            .cpu(from, to, [None; 3])
            .into_iter()
            .find(|(name, _)| name == "k6")
            .and_then(|(_, used)| used.cpus);
        let full = step
            .idle_share
            .is_some_and(|idle| idle < limits.host_idle_share);
        let most = limits.generator_cpu_share * f64::from(load_cpus);
        step.limited = full || step.generator_cpus.is_some_and(|used| used >= most);
    }
    steps
}

/// What of a repetition's steps and capacity is not what its record says.
pub fn problems(manifest: &Manifest, stored: &Repetition, samples: &Samples) -> Vec<String> {
    // Sorting all requests is only worth it where there are steps.
    let sorted = capacity::schedule(manifest).map(|_| columns(samples));
    let (started, duration, failed) = sorted.unwrap_or_default();
    capacity::problems(manifest, stored, &started, &duration, &failed)
}
