//! Stored repetitions as the statistics want them.

use lab_model::results::{Look, Manifest, Repetition};
use lab_stats::plan::{JudgePlan, Looks, Pairs};
use lab_stats::report::Report;
use lab_stats::session::{Repetition as Figures, Session};
use lab_stats::support::{PercentileSupport, Support};
use lab_stats::{JudgeError, judge};

use crate::{capacity, fairness};

/// What a reader may change of the plan; everything else was fixed before the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Compare every pair instead of each target with the baseline.
    pub all_pairs: bool,
    /// One family over all pairs and all verdict metrics.
    pub strict: bool,
    /// Another baseline.
    pub baseline: Option<String>,
    /// Another equivalence margin (0.05 = 5%).
    pub margin: Option<f64>,
    /// Only these metrics; all of the plan when empty.
    pub metrics: Vec<String>,
    /// Ratios were shown while the run was going on.
    pub peeked: bool,
}

/// The plan for the judgement: the manifest's, with the reader's options.
pub fn plan(manifest: &Manifest, looks: &[Look], options: &Options) -> JudgePlan {
    let facts = &manifest.plan;
    let baseline = options.baseline.as_ref().unwrap_or(&facts.baseline);
    // A run without its usual baseline (`-t rust-sqlx -t python`) compares with its first target.
    let baseline = if manifest.targets.contains_key(baseline) {
        baseline.as_str()
    } else {
        first(manifest)
    };
    let wanted = |names: &[String]| -> Vec<String> {
        names
            .iter()
            .filter(|n| options.metrics.is_empty() || options.metrics.contains(n))
            .cloned()
            .collect()
    };
    let mut plan = JudgePlan::new(manifest.targets.keys().cloned(), baseline).with_roles(
        &wanted(&facts.primary),
        &wanted(&facts.secondary),
        &wanted(&facts.descriptive),
    );
    plan.titles = manifest
        .targets
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if options.all_pairs {
        plan.pairs = Pairs::All;
    }
    plan.alpha = facts.alpha;
    plan.margin = options.margin.unwrap_or(facts.margin);
    plan.strict = options.strict;
    plan.repetitions = Some(facts.repetitions);
    plan.looks = Looks {
        planned: facts.looks,
        number: u32::try_from(looks.len()).unwrap_or(u32::MAX).max(1),
        peeked: options.peeked,
    };
    plan.max_error_rate = manifest.receipt_limits.error_rate;
    plan.open_loop = manifest.profile.executor.is_open();
    if manifest.profile.executor.finds_capacity() {
        // The profile breaks every service: errors past the capacity are no reason to refuse it.
        plan.max_error_rate = 1.0;
        plan.remarks.extend(crate::capacity::remark(manifest));
    }
    plan
}

fn first(manifest: &Manifest) -> &str {
    manifest.targets.keys().next().map_or("", String::as_str)
}

/// The repetitions as data of one session, with the reasons why some do not count.
pub fn session(manifest: &Manifest, repetitions: &[Repetition]) -> Session {
    let figures = |r: &Repetition| {
        let mut invalid: Vec<String> = r
            .reasons
            .iter()
            .map(|reason| reason.message.clone())
            .collect();
        if !r.valid && invalid.is_empty() {
            invalid.push("marked invalid without a reason".to_owned());
        }
        if let Some(stopper) = fairness::verdict_stopper(&r.target, repetitions.iter()) {
            invalid = vec![stopper];
        }
        Figures {
            target: r.target.clone(),
            block: Some(u64::from(r.block)),
            slot: Some(r.slot.saturating_sub(1)),
            invalid,
            // Where the load rises until arrivals are dropped, they break their step and nothing else.
            dropped_iterations: r
                .k6
                .as_ref()
                .filter(|_| !manifest.profile.executor.finds_capacity())
                .map(|k| k.dropped_iterations),
            requests: Some(r.requests),
            errors: r.metrics.get("error_rate").copied().flatten().map(|rate| {
                // A rate of whole requests: rounding gives the count back.
                (rate * r.requests as f64).round() as u64
            }),
            metrics: r.metrics.clone(),
            support: r
                .support
                .iter()
                .map(|(name, s)| (name.clone(), support(s)))
                .collect(),
            bounds: r
                .bounds
                .iter()
                .map(|(name, bound)| (name.clone(), capacity::from_wire(*bound)))
                .collect(),
            place: None,
        }
    };
    Session {
        repetitions: repetitions.iter().map(figures).collect(),
        environment: serde_json::to_value(&manifest.environment).unwrap_or_default(),
        ..Session::default()
    }
}

fn support(stored: &lab_model::results::Support) -> PercentileSupport {
    PercentileSupport {
        tau: stored.tau,
        n_eff: stored.n_eff,
        exceedances: stored.exceedances.unwrap_or(0.0),
        label: match stored.label.as_str() {
            "ok" => Support::Ok,
            "weak" => Support::Weak,
            _ => Support::TooFew,
        },
    }
}

/// Judges a run.
///
/// # Errors
/// Figures that are no numbers, duplicates: see [`JudgeError`].
pub fn judge_run(
    manifest: &Manifest,
    repetitions: &[Repetition],
    looks: &[Look],
    options: &Options,
) -> Result<Report, JudgeError> {
    judge(
        &plan(manifest, looks, options),
        &session(manifest, repetitions),
    )
}
