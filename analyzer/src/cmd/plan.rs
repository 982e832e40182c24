//! `analyze plan`: how many repetitions, and how long they take (section 7 of the method).

use std::fmt::Write as _;

use lab_model::results::Manifest;
use lab_stats::plan::Role;
use lab_stats::planning::{Goal, MOST_REPETITIONS, Needed, minimum_detectable_ratio, needed};
use miette::miette;

use crate::cli::PlanArgs;
use crate::doc::Asked;
use crate::exit::Exit;
use crate::run::Run;
use crate::{judge, render, ui};

/// Prints the plan.
///
/// # Errors
/// Neither a pilot nor a standard deviation; a pilot that cannot be read.
pub fn run(args: &PlanArgs) -> miette::Result<Exit> {
    let text = match (&args.pilot, args.sd) {
        (_, Some(sd)) => known(args, sd)?,
        (Some(pilot), None) => from_pilot(args, &Run::open(pilot)?)?,
        (None, None) => {
            return Err(miette!(
                help = "`analyze plan results/` takes a run of 5 blocks or more as pilot; `analyze plan --sd 3%` takes your word",
                "a plan needs the noise: a pilot run or --sd"
            ));
        }
    };
    ui::say(text.trim_end());
    Ok(Exit::Ok)
}

fn known(args: &PlanArgs, sd: f64) -> miette::Result<String> {
    let (margin, family) = (args.margin.unwrap_or(0.05), args.pairs.unwrap_or(1));
    let goal = Goal::resolve(margin, 0.05, family);
    let answer = needed(sd, None, &goal).ok_or_else(|| miette!("--sd {sd} must be above 0"))?;
    let mut out = format!(
        "sd of paired log ratios {:.2}% (given), margin {:.1}%, {family} comparison(s): {}\n",
        100.0 * sd,
        100.0 * margin,
        words(answer)
    );
    if let (Needed::Repetitions(n), Some(seconds)) = (answer, args.block_seconds) {
        let _ = writeln!(out, "{}", duration(n, seconds));
    }
    Ok(out)
}

fn from_pilot(args: &PlanArgs, run: &Run) -> miette::Result<String> {
    let asked = Asked {
        margin: args.margin,
        metrics: args.metrics.clone(),
        ..Asked::default()
    };
    // Planning looks at the spread only, never at a ratio: it is no look.
    let doc = judge::document(run, &run.dir.looks()?, &asked)?;
    let margin = doc.report.margin;
    let mut out = format!(
        "Pilot {}: to find, or to rule out, a difference of {:.1}% with power 80%\n\n",
        run.manifest.run_id,
        100.0 * margin
    );
    let mut most = Some(0);
    let mut fewest = usize::MAX;
    for m in doc
        .report
        .metrics
        .iter()
        .filter(|m| m.role != Role::Descriptive)
    {
        for c in &m.comparisons {
            let name = format!("{} of {} against {}", render::label(&m.metric), c.a, c.b);
            let Some(sd) = c.sd_log_ratio.filter(|_| c.repetitions >= 2) else {
                let _ = writeln!(
                    out,
                    "  {name}: no spread known ({} complete pairs)",
                    c.repetitions
                );
                continue;
            };
            let family = args.pairs.unwrap_or(c.family);
            let goal = Goal::resolve(margin, run.manifest.plan.alpha, family);
            let Some(answer) = needed(sd, Some(c.repetitions), &goal) else {
                let _ = writeln!(out, "  {name}: identical values, no spread known");
                continue;
            };
            let seen = minimum_detectable_ratio(sd, c.repetitions, run.manifest.plan.alpha);
            let _ = writeln!(
                out,
                "  {name}: sd {:.2}% over {} pairs; {}; the pilot itself finds a ratio of {}",
                100.0 * sd,
                c.repetitions,
                words(answer),
                render::short(seen)
            );
            if m.role == Role::Primary {
                most = match (most, answer) {
                    (Some(most), Needed::Repetitions(n)) => Some(n.max(most)),
                    _ => None,
                };
            }
            fewest = fewest.min(c.repetitions);
        }
    }
    if fewest < 5 {
        let _ = writeln!(
            out,
            "\n{fewest} pairs tell little of the spread: 5 are the least, 10 are better."
        );
    }
    if let Some(n) = most.filter(|n| *n > 0) {
        let seconds = args.block_seconds.unwrap_or_else(|| block_seconds(run));
        let _ = writeln!(out, "\nPrimary metrics: {}", duration(n, seconds));
        let _ = writeln!(
            out,
            "  bench run --mode {} --profile {} --repetitions {n}",
            run.manifest.mode, run.manifest.profile_name
        );
    } else if most.is_none() {
        let _ = writeln!(
            out,
            "\nReduce the noise first: more CPUs than the lab needs, nothing else running, longer repetitions."
        );
    }
    Ok(out)
}

fn words(needed: Needed) -> String {
    match needed {
        Needed::Repetitions(n) => format!("{n} repetitions"),
        Needed::TooMany => {
            format!("more than {MOST_REPETITIONS} repetitions: reduce the noise first")
        }
    }
}

fn duration(blocks: usize, block_seconds: f64) -> String {
    let minutes = blocks as f64 * block_seconds / 60.0;
    format!("{blocks} blocks of {block_seconds:.0} s are about {minutes:.0} minutes")
}

/// From the first start to the last end, over the blocks; by the plan where there is one block.
fn block_seconds(run: &Run) -> f64 {
    let starts = run.repetitions.iter().map(|r| r.started_at).min();
    let ends = run.repetitions.iter().map(|r| r.finished_at).max();
    match (starts, ends) {
        (Some(start), Some(end)) => {
            end.duration_since(start).as_secs_f64() / f64::from(run.blocks().max(1))
        }
        _ => planned(&run.manifest),
    }
}

fn planned(m: &Manifest) -> f64 {
    m.targets.len() as f64 * (m.profile.warmup_s + m.profile.measure_s + m.plan.cooldown_s)
}
