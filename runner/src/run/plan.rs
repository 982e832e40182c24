//! The plan of a run: lab.toml with the options of the command line, fixed before the first request.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::Timestamp;
use lab_model::config::{Budget, Profile};
use lab_model::results::PlanFacts;
use lab_model::results::aa::AaPlan;
use miette::miette;

use super::order;
use crate::cli::RunArgs;
use crate::context::Context;

/// What will run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Mode.
    pub mode: String,
    /// Name of the load.
    pub profile_name: String,
    /// The load with options applied.
    pub profile: Profile,
    /// For the judgement.
    pub facts: PlanFacts,
    /// Titles by target.
    pub targets: IndexMap<String, String>,
    /// Budgets by target.
    pub budgets: BTreeMap<String, Budget>,
    /// Seed.
    pub seed: u64,
    /// Targets by block.
    pub order: Vec<Vec<String>>,
    /// One target under two labels.
    pub aa: Option<AaPlan>,
}

/// Seconds that a repetition takes besides its load: start, readiness, pre-check, the pauses around
/// the measured phase, drain, storing. A first guess for
/// the ETA; the real figure replaces it after the first repetition.
pub const OVERHEAD_S: f64 = 2.0;

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// Unknown names, targets named twice, a measured phase that is too short.
    pub fn new(context: &Context, args: &RunArgs) -> miette::Result<Self> {
        let lab = &context.lab;
        lab.mode(&args.mode)?;
        let kind = if args.quick {
            "quick"
        } else if args.thorough {
            "thorough"
        } else {
            "default"
        };
        let usual = if args.quick {
            &lab.plan.quick.profile
        } else {
            &lab.plan.profile
        };
        let profile_name = args.profile.clone().unwrap_or_else(|| usual.clone());
        let mut profile = lab.profile(&profile_name)?.clone();
        if args.thorough {
            profile.measure_s = lab.plan.thorough.measure_s;
        }
        if let Some(seconds) = args.measure {
            if !(1.0..=86_400.0).contains(&seconds) {
                return Err(miette!("--measure must be between 1 and 86400 seconds"));
            }
            profile.measure_s = seconds;
        }
        let repetitions = args.repetitions.unwrap_or(match kind {
            "quick" => lab.plan.quick.repetitions,
            "thorough" => lab.plan.thorough.repetitions,
            _ => lab.plan.repetitions,
        });
        let names: Vec<String> = if args.targets.is_empty() {
            lab.targets.keys().cloned().collect()
        } else {
            args.targets.clone()
        };
        let mut targets = IndexMap::new();
        let mut budgets = BTreeMap::new();
        for name in &names {
            budgets.insert(name.clone(), lab.budget(&args.mode, name)?);
            if targets
                .insert(name.clone(), lab.target(name)?.title.clone())
                .is_some()
            {
                return Err(miette!(
                    help = "`bench aa TARGET` compares a target with itself",
                    "target {name} is named twice"
                ));
            }
        }
        let finds_capacity = profile.executor.finds_capacity();
        let [primary, secondary, descriptive] = roles(&lab.plan, finds_capacity);
        let seed = args.seed.unwrap_or_else(random_seed);
        Ok(Self {
            mode: args.mode.clone(),
            profile_name,
            facts: PlanFacts {
                repetitions,
                looks: lab.plan.looks,
                margin: lab.plan.margin,
                alpha: lab.plan.alpha,
                baseline: lab.plan.baseline.clone(),
                primary,
                secondary,
                descriptive,
                cooldown_s: lab.plan.cooldown_s,
                kind: kind.to_owned(),
                slo: finds_capacity.then(|| lab.plan.slo.clone()),
            },
            order: order::blocks(&names, repetitions, seed),
            targets,
            budgets,
            profile,
            seed,
            aa: None,
        })
    }

    /// Planned seconds, set-up included.
    pub fn seconds(&self) -> f64 {
        let one =
            self.profile.warmup_s + self.profile.measure_s + self.facts.cooldown_s + OVERHEAD_S;
        let blocks: usize = self.order.iter().map(Vec::len).sum();
        one * blocks as f64 + 2.0 * self.targets.len() as f64 + 3.0
    }

    /// A name for the folder: when, which mode, which load.
    pub fn run_id(&self, now: Timestamp) -> String {
        format!(
            "{}-{}",
            now.strftime("%Y%m%dT%H%M%SZ"),
            match &self.aa {
                None => format!("{}-{}", self.mode, self.profile_name),
                Some(aa) if aa.slowdown.is_some() => format!("slowdown-{}", aa.target),
                Some(aa) => format!("aa-{}", aa.target),
            }
        )
    }

    /// The plan for people.
    pub fn text(&self) -> String {
        let p = &self.profile;
        let load = match p.rate {
            Some(rate) if p.executor.finds_capacity() => format!(
                "{} steps up to {rate} requests/s, at most {} users",
                p.step_rates().len(),
                p.vus
            ),
            Some(rate) => format!("{rate} requests/s, at most {} users", p.vus),
            None => format!("{} users", p.vus),
        };
        let mut out = format!(
            "{} mode, {} ({load}): {} blocks of {} targets, {} s warm-up and {} s measured each; about {}\n",
            self.mode,
            self.profile_name,
            self.facts.repetitions,
            self.targets.len(),
            p.warmup_s,
            p.measure_s,
            crate::ui::duration(self.seconds()),
        );
        for (name, title) in &self.targets {
            let b = &self.budgets[name];
            let pools = if b.processes == 1 {
                format!("1 pool of {}", b.pool_size)
            } else {
                format!("{} pools of {}", b.processes, b.pool_size)
            };
            let plural = |n: u32| if n == 1 { "" } else { "s" };
            out.push_str(&format!(
                "  {name:<20} {} CPU{}, {} worker{}, {pools}  {title}\n",
                b.cpus,
                plural(b.cpus),
                b.workers,
                plural(b.workers)
            ));
        }
        out.push_str(&format!("  seed {}", self.seed));
        out
    }
}

/// Primary, secondary and descriptive metrics. Where the load rises until the service breaks, the question is the
/// capacity; figures over all steps together, broken ones included, only describe.
fn roles(plan: &lab_model::config::Plan, finds_capacity: bool) -> [Vec<String>; 3] {
    let usual = [&plan.primary, &plan.secondary, &plan.descriptive];
    if finds_capacity {
        let all = usual.into_iter().flatten().cloned().collect();
        return [
            vec![lab_verdict::capacity::METRIC.to_owned()],
            Vec::new(),
            all,
        ];
    }
    usual.map(Clone::clone)
}

/// Recorded in the manifest; small enough to be typed again.
fn random_seed() -> u64 {
    u64::from(rand::random::<u32>())
}
