//! The plan of a session: one run of many blocks, cut into experiments.

use std::path::PathBuf;

use lab_model::results::aa::{self, AaPlan, Label, SlowdownPlan};
use miette::{IntoDiagnostic as _, miette};

use super::blind::Seal;
use crate::cli::RunArgs;
use crate::cmd::aa::AaArgs;
use crate::context::Context;
use crate::run::engine;
use crate::run::plan::Plan;

/// Blocks without delay before a slowdown series; fewer where an experiment has fewer.
const PILOT_BLOCKS: u32 = 3;
/// Experiments that STATISTICS 12 asks for.
const EXPERIMENTS: u32 = 40;
/// Experiments of each delay.
const EXPERIMENTS_OF_A_DELAY: u32 = 10;

/// What will run.
#[derive(Debug)]
pub struct AaSession {
    /// lab.toml with both labels as targets.
    pub context: Context,
    /// As of any run.
    pub plan: Plan,
    /// The folder that gets the session's folder.
    pub out: PathBuf,
    /// Which label is slowed; `None` without delays.
    pub seal: Option<Seal>,
}

/// lab.toml and inventory with a target under both labels.
///
/// # Errors
/// No such target.
pub fn labelled(context: &Context, target: &str) -> miette::Result<Context> {
    let mut context = context.clone();
    let original = context.lab.target(target)?.clone();
    let built = context.inventory.targets.get(target).cloned();
    for label in Label::BOTH {
        let name = label.of(target);
        let mut copy = original.clone();
        copy.title = format!("{} as {name}", original.title);
        context.lab.targets.insert(name.clone(), copy);
        if let Some(built) = &built {
            context.inventory.targets.insert(name, built.clone());
        }
    }
    Ok(context)
}

impl AaSession {
    /// Makes the plan.
    ///
    /// # Errors
    /// Unknown names, times that k6 cannot keep.
    pub fn new(context: &Context, args: &AaArgs) -> miette::Result<Self> {
        let target = args
            .target
            .as_deref()
            .ok_or_else(|| miette!("which target?"))?;
        let context = labelled(context, target)?;
        let experiments = experiments(args);
        let seal = (!args.slowdown.is_empty()).then(|| Seal::draw(experiments));
        let slowdown = match &seal {
            None => None,
            Some(seal) => Some(SlowdownPlan {
                pilot_blocks: PILOT_BLOCKS.min(args.repetitions),
                shares: shares(&args.slowdown, experiments),
                sealed_sha256: seal.digest()?,
            }),
        };
        let facts = AaPlan {
            target: target.to_owned(),
            experiments,
            repetitions: args.repetitions,
            usual_repetitions: context.lab.plan.repetitions,
            slowdown,
        };
        let profile = args
            .profile
            .clone()
            .unwrap_or_else(|| context.lab.plan.quick.profile.clone());
        let run = RunArgs {
            mode: args.mode.clone(),
            profile: Some(profile),
            targets: Label::BOTH.map(|l| l.of(target)).to_vec(),
            repetitions: Some(facts.blocks()),
            quick: false,
            thorough: false,
            measure: args.measure_s,
            seed: args.seed,
            list: false,
            out: args.out.clone(),
            k6_summary_dir: None,
            limits: args.limits.clone(),
        };
        let mut plan = Plan::new(&context, &run)?;
        if let Some(warmup) = args.warmup_s {
            let least = if plan.profile.executor.is_open() {
                1.0
            } else {
                0.1
            };
            if !(least..=86_400.0).contains(&warmup) {
                return Err(miette!(
                    "--warmup-s must be between {least} and 86400 seconds"
                ));
            }
            plan.profile.warmup_s = warmup;
        }
        plan.facts.cooldown_s = args.cooldown_s;
        plan.facts.baseline = Label::A.of(target);
        "aa".clone_into(&mut plan.facts.kind);
        plan.aa = Some(facts);
        let host = lab_limits::probe(&lab_limits::real())
            .into_diagnostic()?
            .host;
        let host = serde_json::to_value(&host).into_diagnostic()?;
        let key = aa::host_key(engine::environment_kind(), &host);
        Ok(Self {
            context,
            plan,
            out: aa::folder(&args.out, &key),
            seal,
        })
    }

    /// The plan for people.
    pub fn text(&self) -> String {
        let mut out = self.plan.text();
        if let Some(aa) = &self.plan.aa {
            out.push_str(&format!(
                "\n  {} experiments of {} blocks",
                aa.experiments, aa.repetitions
            ));
            if let Some(slowdown) = &aa.slowdown {
                out.push_str(&format!(
                    ", after {} blocks that measure p50 without delay",
                    slowdown.pilot_blocks
                ));
            }
        }
        out
    }
}

/// Experiments in all: `--experiments` is for each delay.
fn experiments(args: &AaArgs) -> u32 {
    if args.slowdown.is_empty() {
        return args.experiments.unwrap_or(EXPERIMENTS);
    }
    let each = args.experiments.unwrap_or(EXPERIMENTS_OF_A_DELAY);
    each * u32::try_from(args.slowdown.len()).unwrap_or(u32::MAX)
}

/// The delay of each experiment: all delays in turn, so that a host that changes meets all of them alike.
fn shares(delays: &[f64], experiments: u32) -> Vec<f64> {
    delays
        .iter()
        .copied()
        .cycle()
        .take(experiments as usize)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delay_has_its_turn_in_every_round() {
        let all = shares(&[0.0, 0.05, 0.2], 9);
        assert_eq!(all.len(), 9);
        for round in all.chunks(3) {
            assert_eq!(round, [0.0, 0.05, 0.2]);
        }
    }
}
