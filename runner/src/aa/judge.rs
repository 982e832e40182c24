//! From stored blocks to what they show. Pure: repetitions in, figures out. Each experiment is judged by lab-verdict
//! as a run of its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lab_model::results::aa::{
    AaDelay, AaExperiment, AaMetric, AaOutcome, AaPlan, AaReport, Detection, Label, Slowdown,
    SlowdownPlan, host_key,
};
use lab_model::results::{Manifest, Repetition, SCHEMA_VERSION};
use lab_stats::metric::{Metric, Quantity};
use lab_stats::plan::Role;
use lab_stats::quality::{alarm_from, clopper_pearson, false_alarms, pooled_sd};
use lab_stats::report::Comparison;
use lab_stats::{moments, planning, uniformity};
use lab_verdict::Options;
use miette::{IntoDiagnostic as _, miette};

use super::blind::Seal;
use super::forward::Waited;

/// Judges every experiment of which all repetitions are stored. What was slowed is not known here.
///
/// # Errors
/// No session of `bench aa`; figures that are no numbers.
pub fn experiments(
    manifest: &Manifest,
    repetitions: &[Repetition],
) -> miette::Result<Vec<AaExperiment>> {
    let plan = manifest
        .aa
        .as_ref()
        .ok_or_else(|| miette!("{} is no session of `bench aa`", manifest.run_id))?;
    let mut of_one = manifest.clone();
    of_one.plan.repetitions = plan.repetitions;
    let mut judged = Vec::new();
    for experiment in 0..plan.experiments {
        let (first, last) = plan.span(experiment);
        let own: Vec<Repetition> = repetitions
            .iter()
            .filter(|r| (first..=last).contains(&r.block))
            .cloned()
            .collect();
        if own.len() < 2 * plan.repetitions as usize {
            continue;
        }
        // Every experiment is a first look at new data.
        let report =
            lab_verdict::judge_run(&of_one, &own, &[], &Options::default()).into_diagnostic()?;
        let outcomes = report
            .metrics
            .iter()
            .filter(|m| m.role != Role::Descriptive)
            .filter_map(|m| {
                Some((
                    m.metric.clone(),
                    outcome(m.comparisons.first()?, report.alpha),
                ))
            })
            .collect();
        judged.push(AaExperiment {
            experiment: experiment + 1,
            first_block: first,
            last_block: last,
            outcomes,
            delay: None,
        });
    }
    Ok(judged)
}

/// What one comparison says. A test that rejects counts even where another rule withholds its verdict: the promise of
/// 5% is the test's.
fn outcome(c: &Comparison, alpha: f64) -> AaOutcome {
    let below = c.p_adjusted.is_some_and(|p| p < alpha);
    let excludes_one = c.ci.is_some_and(|[low, high]| low > 1.0 || high < 1.0);
    AaOutcome {
        pairs: u32::try_from(c.repetitions).unwrap_or(u32::MAX),
        ratio: c.ratio,
        ci: c.ci,
        p: c.p,
        rejected: below && excludes_one,
        verdict: serde_json::to_value(c.verdict)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default(),
        sd_log_ratio: c.sd_log_ratio,
    }
}

/// Median p50 in milliseconds of the blocks without delay before the first experiment; of all of them where none is
/// valid, since it only sets the size of the delay.
pub fn pilot_p50(plan: &AaPlan, repetitions: &[Repetition]) -> Option<f64> {
    let pilot = || {
        repetitions
            .iter()
            .filter(|r| r.block <= plan.pilot_blocks())
    };
    let p50 = |r: &Repetition| r.metrics.get("p50").copied().flatten();
    median(pilot().filter(|r| r.valid).filter_map(p50))
        .or_else(|| median(pilot().filter_map(p50)))
        .filter(|p50| *p50 > 0.0)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    lab_stats::quantile::quantile(&values, 0.5)
}

/// Writes into each judged experiment what was done to it.
pub fn unseal(
    experiments: &mut [AaExperiment],
    plan: &SlowdownPlan,
    seal: &Seal,
    p50_ms: f64,
    waited: impl Fn(u32, Label) -> Option<Waited>,
) {
    for experiment in experiments {
        let index = experiment.experiment - 1;
        let (Some(slowed), Some(&share)) = (seal.slowed(index), plan.shares.get(index as usize))
        else {
            continue;
        };
        let mut all = Waited::default();
        for one in (experiment.first_block..=experiment.last_block)
            .filter_map(|block| waited(block, slowed))
        {
            all.requests += one.requests;
            all.waited_ns += one.waited_ns;
        }
        experiment.delay = Some(AaDelay {
            slowed,
            share,
            asked_us: share * p50_ms * 1e3,
            waited_us: (all.requests > 0).then(|| all.waited_ns as f64 / 1e3 / all.requests as f64),
        });
    }
}

/// Detection by delay and metric.
pub fn slowdown(
    plan: &AaPlan,
    experiments: &[AaExperiment],
    repetitions: &[Repetition],
    p50_ms: f64,
) -> Slowdown {
    let mut shares: Vec<f64> = experiments
        .iter()
        .filter_map(|e| Some(e.delay.as_ref()?.share))
        .collect();
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    let mut delays = Vec::new();
    for share in shares {
        let own: Vec<(&AaExperiment, &AaDelay)> = experiments
            .iter()
            .filter_map(|e| Some((e, e.delay.as_ref().filter(|d| d.share == share)?)))
            .collect();
        let names = own.first().map(|(e, _)| e.outcomes.keys());
        for name in names.into_iter().flatten() {
            // What the service itself costs is not touched by a delay before it.
            if let Some(metric) = Metric::find(name).filter(|m| m.quantity != Quantity::Cost) {
                delays.push(detection(plan, share, metric, &own, repetitions));
            }
        }
    }
    Slowdown { p50_ms, delays }
}

fn detection(
    plan: &AaPlan,
    share: f64,
    metric: &Metric,
    own: &[(&AaExperiment, &AaDelay)],
    repetitions: &[Repetition],
) -> Detection {
    let mut counts = [0_u64; 3];
    let [experiments, detected, wrong_way] = &mut counts;
    let mut logs = Vec::new();
    for (experiment, delay) in own {
        let Some(outcome) = experiment.outcomes.get(metric.name) else {
            continue;
        };
        let Some(ratio) = outcome.ratio.filter(|r| *r > 0.0) else {
            continue;
        };
        // b over a, turned so that it is slowed over not slowed.
        let log = match delay.slowed {
            Label::B => ratio.ln(),
            Label::A => -ratio.ln(),
        };
        logs.push(log);
        if outcome.p.is_none() {
            continue;
        }
        *experiments += 1;
        if outcome.rejected {
            let worse = (log > 0.0) == (metric.quantity == Quantity::Latency);
            if worse || share == 0.0 {
                *detected += 1;
            } else {
                *wrong_way += 1;
            }
        }
    }
    let expected_ratio = (metric.quantity == Quantity::Latency)
        .then(|| expected_ratio(plan, metric.name, own, repetitions))
        .flatten();
    let [experiments, detected, wrong_way] = counts;
    Detection {
        share,
        metric: metric.name.to_owned(),
        experiments,
        detected,
        wrong_way,
        rate: (experiments > 0).then(|| detected as f64 / experiments as f64),
        ci: clopper_pearson(detected, experiments, 0.05),
        ratio: moments::mean(&logs).map(f64::exp),
        expected_ratio,
    }
}

/// (value without delay + delay) / value without delay, by the label that was not slowed.
fn expected_ratio(
    plan: &AaPlan,
    metric: &str,
    own: &[(&AaExperiment, &AaDelay)],
    repetitions: &[Repetition],
) -> Option<f64> {
    let delays: Vec<f64> = own
        .iter()
        .map(|(_, d)| d.waited_us.unwrap_or(d.asked_us) / 1e3)
        .collect();
    let plain = repetitions.iter().filter(|r| {
        r.valid
            && own.iter().any(|(e, d)| {
                (e.first_block..=e.last_block).contains(&r.block)
                    && r.target == d.slowed.other().of(&plan.target)
            })
    });
    let typical = median(plain.filter_map(|r| r.metrics.get(metric).copied().flatten()))?;
    (typical > 0.0).then_some(1.0 + moments::mean(&delays)? / typical)
}

/// One metric over the experiments in which nothing differed.
fn metric(
    plan: &AaPlan,
    name: &str,
    primary: bool,
    alpha: f64,
    plain: &[&AaExperiment],
) -> AaMetric {
    let outcomes: Vec<&AaOutcome> = plain.iter().filter_map(|e| e.outcomes.get(name)).collect();
    let tested: Vec<(&AaOutcome, f64)> = outcomes.iter().filter_map(|o| Some((*o, o.p?))).collect();
    let alarms = tested.iter().filter(|(o, _)| o.rejected);
    let shown = alarms
        .clone()
        .filter(|(o, _)| o.verdict == "different")
        .count() as u64;
    let judged = false_alarms(alarms.count() as u64, tested.len() as u64);
    let p_values: Vec<f64> = tested.iter().map(|(_, p)| *p).collect();
    let uniform = uniformity::excess_of_small(&p_values);
    let spreads: Vec<(f64, f64)> = outcomes
        .iter()
        .filter_map(|o| Some((o.sd_log_ratio?, f64::from(o.pairs.checked_sub(1)?))))
        .collect();
    let sd = pooled_sd(&spreads);
    AaMetric {
        metric: name.to_owned(),
        primary,
        experiments: judged.experiments,
        false_alarms: judged.different,
        shown,
        rate: judged.rate,
        ci: judged.ci,
        alarm_from: alarm_from(judged.experiments),
        alarm: judged.alarm,
        p_values,
        uniformity_distance: uniform.map(|u| u.distance),
        uniformity_p: uniform.map(|u| u.p),
        sd_log_ratio: sd,
        minimum_detectable_ratio: sd.and_then(|sd| {
            planning::minimum_detectable_ratio(sd, plan.usual_repetitions as usize, alpha)
        }),
    }
}

/// The whole result.
///
/// # Errors
/// No session of `bench aa`.
pub fn report(
    manifest: &Manifest,
    repetitions: &[Repetition],
    experiments: Vec<AaExperiment>,
    slowdown: Option<Slowdown>,
) -> miette::Result<AaReport> {
    let plan = manifest
        .aa
        .clone()
        .ok_or_else(|| miette!("{} is no session of `bench aa`", manifest.run_id))?;
    let plain: Vec<&AaExperiment> = experiments
        .iter()
        .filter(|e| e.delay.as_ref().is_none_or(|d| d.share == 0.0))
        .collect();
    let facts = &manifest.plan;
    let roles: BTreeMap<&String, bool> = facts
        .secondary
        .iter()
        .map(|name| (name, false))
        .chain(facts.primary.iter().map(|name| (name, true)))
        .collect();
    let names = facts.primary.iter().chain(&facts.secondary);
    let metrics = names
        .map(|name| metric(&plan, name, roles[name], facts.alpha, &plain))
        .collect();
    let finished_at = repetitions
        .iter()
        .map(|r| r.finished_at)
        .max()
        .unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(AaReport {
        schema_version: SCHEMA_VERSION,
        run_id: manifest.run_id.clone(),
        finished_at,
        host_key: host_key(manifest.environment.kind, &manifest.environment.host),
        environment: manifest.environment.clone(),
        mode: manifest.mode.clone(),
        profile_name: manifest.profile_name.clone(),
        profile: manifest.profile.clone(),
        alpha: facts.alpha,
        repetitions: u32::try_from(repetitions.len()).unwrap_or(u32::MAX),
        invalid: u32::try_from(repetitions.iter().filter(|r| !r.valid).count()).unwrap_or(u32::MAX),
        metrics,
        experiments,
        slowdown,
        plan,
    })
}
