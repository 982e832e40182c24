//! From a run to its document: lab-verdict judges, the diagnostics add what only raw requests show.

use std::collections::BTreeMap;

use lab_model::digest;
use lab_model::results::{Look, Manifest, Repetition, StepFigures};
use lab_stats::diagnostics::{self, Cell};
use lab_stats::multiplicity::benjamini_hochberg;
use lab_stats::plan::{JudgePlan, Role};
use lab_stats::report::Flag;
use lab_stats::session::Session;
use lab_stats::{judge, physics};
use miette::{IntoDiagnostic as _, miette};

use crate::doc::{Asked, Document, EndpointRow, Position, Provenance, RunFigures, StepRow};
use crate::figures::Figures;
use crate::run::Run;

/// Judges a run.
///
/// # Errors
/// Options that do not fit the run; figures that are no numbers.
pub fn document(run: &Run, looks: &[Look], asked: &Asked) -> miette::Result<Document> {
    known_targets(&run.manifest, asked)?;
    let options = asked.options();
    let plan = lab_verdict::plan(&run.manifest, looks, &options);
    let mut session = lab_verdict::session(&run.manifest, &run.repetitions);
    session.pooled.clone_from(&run.pooled);
    let mut report = judge(&plan, &session).into_diagnostic()?;
    lab_verdict::laboratory::attach(&mut report, run.dir.path(), &run.manifest);
    for (repetition, figures) in run.repetitions.iter().zip(&run.figures) {
        if let Some(figures) = figures {
            let observed = observed(&run.manifest, repetition, figures);
            flags(
                &repetition.target,
                Some(repetition.block.into()),
                figures,
                &observed,
                &mut report.flags,
            );
        }
    }
    if run.manifest.profile.executor.rises() {
        let settling = ["warming_up", "no_steady_state", "stall"];
        report
            .flags
            .retain(|f| !settling.contains(&f.kind.as_str()));
    }
    let figures: Vec<Option<&Figures>> = run.figures.iter().map(Option::as_ref).collect();
    Ok(Document {
        report,
        repetitions: run_figures(&session, &figures),
        endpoints: endpoints(&plan, &session, &figures)?,
        positions: positions(&plan, &session),
        steps: steps(&run.repetitions),
        limits: Vec::new(),
        provenance: provenance(run, looks, asked),
    })
}

fn steps(repetitions: &[Repetition]) -> Vec<StepRow> {
    let rows = |r: &Repetition| {
        let (target, block, valid) = (r.target.clone(), r.block, r.valid);
        let of = move |step: StepFigures| StepRow {
            target: target.clone(),
            block,
            valid,
            step,
        };
        r.steps.clone().into_iter().map(of)
    };
    repetitions.iter().flat_map(rows).collect()
}

fn known_targets(manifest: &Manifest, asked: &Asked) -> miette::Result<()> {
    if let Some(baseline) = &asked.baseline
        && !manifest.targets.contains_key(baseline)
    {
        let names: Vec<&str> = manifest.targets.keys().map(String::as_str).collect();
        return Err(miette!(
            help = format!("this run has {}", names.join(", ")),
            "--baseline {baseline}: no such target in {}",
            manifest.run_id
        ));
    }
    let plan = &manifest.plan;
    for metric in &asked.metrics {
        let known = [&plan.primary, &plan.secondary, &plan.descriptive];
        if !known.iter().any(|names| names.contains(metric)) {
            let names: Vec<&str> = known.into_iter().flatten().map(String::as_str).collect();
            return Err(miette!(
                help = format!("the plan has {}", names.join(", ")),
                "--metric {metric}: not in the plan of {}",
                manifest.run_id
            ));
        }
    }
    Ok(())
}

/// What the physics checks can use.
fn observed(manifest: &Manifest, r: &Repetition, figures: &Figures) -> physics::Observed {
    let summary = &figures.summary;
    let profile = &manifest.profile;
    let constant = serde_json::to_value(profile.executor).is_ok_and(|v| v == "constant-vus");
    let counts = |f: fn(&lab_stats::summary::RunSummary) -> u64| figures.endpoints.values().map(f);
    physics::Observed {
        vus: constant.then_some(f64::from(profile.vus)),
        think_time_s: profile.think_time_ms as f64 / 1000.0,
        rate: (summary.seconds > 0.0).then(|| summary.requests as f64 / summary.seconds),
        // The mean of the good answers is the mean of all only where none failed.
        mean_ms: summary
            .latency
            .filter(|_| summary.errors == 0)
            .map(|l| l.mean),
        latency: summary.latency,
        requests: Some(summary.requests),
        parts: vec![("endpoint".to_owned(), counts(|s| s.requests).collect())],
        other_counts: r
            .k6
            .iter()
            .map(|k6| ("k6".to_owned(), k6.requests))
            .collect(),
        planned_s: Some(profile.measure_s),
        seconds: Some(summary.seconds),
        clock_step_back_ns: None,
    }
}

/// Warm-up, stalls and physics of one repetition.
pub fn flags(
    target: &str,
    block: Option<u64>,
    figures: &Figures,
    observed: &physics::Observed,
    flags: &mut Vec<Flag>,
) {
    let place = block.map_or_else(|| target.to_owned(), |b| format!("{target} in block {b}"));
    let mut add = |kind: &str, text: String| {
        flags.push(Flag {
            kind: kind.to_owned(),
            target: Some(target.to_owned()),
            block,
            metric: None,
            text,
        });
    };
    if let Some(w) = figures.seconds.warm_up() {
        let change = 100.0 * w.log_change.exp_m1();
        if w.no_steady_state {
            add(
                "no_steady_state",
                format!(
                    "{place} never settled: its level changed by {change:.1}% and went on changing"
                ),
            );
        } else {
            add(
                "warming_up",
                format!(
                    "{place} was still warming up: its first {} s were {change:+.1}% off",
                    w.cut_s
                ),
            );
        }
    }
    for s in figures.seconds.stalls() {
        add(
            "stall",
            format!(
                "{place} stalled at second {} for {} s, {:.0}% of its requests over p99; kept in the data",
                s.at_s,
                s.length_s,
                100.0 * s.share_of_tail
            ),
        );
    }
    for check in physics::check(observed).into_iter().filter(|c| !c.ok) {
        add(
            "physics",
            format!("{place}: {} does not hold: {}", check.name, check.text),
        );
    }
}

/// The list of repetitions.
pub fn run_figures(session: &Session, figures: &[Option<&Figures>]) -> Vec<RunFigures> {
    let one = |(r, f): (&lab_stats::session::Repetition, &Option<&Figures>)| RunFigures {
        target: r.target.clone(),
        block: r.block,
        slot: r.slot.map(|s| s + 1),
        invalid: r.invalid.clone(),
        requests: r.requests,
        errors: r.errors,
        failed_latency: f
            .and_then(|f| f.summary.failed_latency)
            .map(|l| [l.p50, l.p99]),
        metrics: r.metrics.clone(),
        support: r.support.clone(),
        warm_up: f.and_then(|f| f.seconds.warm_up()),
        stalls: f.map(|f| f.seconds.stalls()).unwrap_or_default(),
        seconds: f.map_or_else(Vec::new, |f| {
            f.seconds.seconds.iter().map(|s| s.median_ms).collect()
        }),
        quantiles: f.map_or_else(Vec::new, |f| f.curve.clone()),
    };
    session.repetitions.iter().zip(figures).map(one).collect()
}

/// Percentiles by endpoint: exploratory, with the false discovery rate over the whole table.
///
/// # Errors
/// As [`judge`].
pub fn endpoints(
    plan: &JudgePlan,
    session: &Session,
    figures: &[Option<&Figures>],
) -> miette::Result<Vec<EndpointRow>> {
    let mut names: Vec<&String> = figures
        .iter()
        .flatten()
        .flat_map(|f| f.endpoints.keys())
        .collect();
    names.sort();
    names.dedup();
    let mut plan = plan.clone();
    plan.roles = ["p50", "p95", "p99"]
        .map(|m| (m.to_owned(), Role::Secondary))
        .to_vec();
    let mut rows = Vec::new();
    for name in names {
        let mut own = session.clone();
        own.pooled = BTreeMap::new();
        for (repetition, figures) in own.repetitions.iter_mut().zip(figures) {
            let summary = figures.and_then(|f| f.endpoints.get(name));
            repetition.metrics = summary.map(|s| s.metrics()).unwrap_or_default();
            repetition.support = summary.map(|s| s.support.clone()).unwrap_or_default();
        }
        let report = judge(&plan, &own).into_diagnostic()?;
        for metric in &report.metrics {
            for t in &metric.targets {
                let pair = metric.comparisons.iter().find(|c| c.a == t.target);
                rows.push(EndpointRow {
                    endpoint: name.clone(),
                    metric: metric.metric.clone(),
                    target: t.target.clone(),
                    estimate: t.estimate,
                    ci: t.ci,
                    ratio: pair.and_then(|c| c.ratio),
                    p: pair.and_then(|c| c.p),
                    p_bh: None,
                    support: t.support,
                });
            }
        }
    }
    let tested: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].p.is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|&i| rows[i].p).collect();
    for (i, q) in tested.into_iter().zip(benjamini_hochberg(&p)) {
        rows[i].p_bh = Some(q);
    }
    Ok(rows)
}

/// Does the place in the block matter?
fn positions(plan: &JudgePlan, session: &Session) -> Vec<Position> {
    let mut found = Vec::new();
    for (metric, _) in plan.roles.iter().filter(|(_, role)| *role == Role::Primary) {
        let mut cells = Vec::new();
        let mut slots = Vec::new();
        for r in session.repetitions.iter().filter(|r| r.is_valid()) {
            let target = plan.targets.iter().position(|t| *t == r.target);
            if let (Some(target), Some(block), Some(slot), Some(value)) = (
                target,
                r.block,
                r.slot,
                r.value(metric).filter(|v| *v > 0.0),
            ) {
                cells.push(Cell {
                    target,
                    block,
                    log: value.ln(),
                });
                slots.push(slot + 1);
            }
        }
        if cells.is_empty() {
            continue;
        }
        let effects = diagnostics::position_effect(&slots, &diagnostics::residuals(&cells));
        found.extend(effects.into_iter().map(|(slot, mean)| Position {
            metric: metric.clone(),
            slot,
            mean_log_residual: mean,
        }));
    }
    found
}

fn provenance(run: &Run, looks: &[Look], asked: &Asked) -> Provenance {
    let m = &run.manifest;
    let mut lines = String::new();
    for r in &run.repetitions {
        let digest = r
            .files
            .get("samples.parquet")
            .map_or("none", String::as_str);
        lines.push_str(&format!("{} {} {digest}\n", r.target, r.block));
    }
    Provenance {
        tool: format!("analyze {}", env!("CARGO_PKG_VERSION")),
        source: m.run_id.clone(),
        created_at: Some(m.created_at.to_string()),
        command: m.command.clone(),
        raw_data_sha256: digest::of_bytes(lines.as_bytes()),
        lab_toml_sha256: m.versions.sha256.get("lab.toml").cloned(),
        revision: m.versions.revision.clone(),
        versions: m.versions.programs.clone(),
        asked: asked.clone(),
        look: u32::try_from(looks.len()).unwrap_or(u32::MAX).max(1),
    }
}
