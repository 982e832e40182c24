//! A sweep: the same comparison at several values of one budget or load, all interleaved in the same blocks.
//!
//! Each value is a run of its own with its own manifest, so nothing that reads a run can mix two values.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lab_model::results::{
    Cell, Manifest, RunDir, SCHEMA_VERSION, Sweep, SweepCell, SweepDir, SweepPart, SweepVariable,
};
use miette::{IntoDiagnostic as _, miette};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha12Rng;

use super::engine::{self, Comparison, Stand, Turn};
use super::plan::Plan;
use super::verdict;
use crate::cli::{LimitArgs, RunArgs, SweepArgs};
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::ui;

/// What will run.
#[derive(Debug, Clone)]
pub struct SweepPlan {
    /// What is varied.
    pub variable: SweepVariable,
    /// The plan of each value, rising.
    pub plans: Vec<(u32, Plan)>,
    /// Seed of the order.
    pub seed: u64,
    /// Targets and values by block.
    pub order: Vec<Vec<SweepCell>>,
}

impl SweepPlan {
    /// Makes the plan.
    ///
    /// # Errors
    /// As [`Plan::new`]; fewer than two values; a value that a target or Postgres cannot have.
    pub fn new(context: &Context, args: &SweepArgs) -> miette::Result<Self> {
        let (variable, given) = if args.varied.vus.is_empty() {
            (SweepVariable::DbConnections, &args.varied.db_connections)
        } else {
            (SweepVariable::Vus, &args.varied.vus)
        };
        let values = rising(given)?;
        let mut plans = Vec::new();
        let mut run = args.run.clone();
        for value in &values {
            let plan = at(context, &run, variable, *value)?;
            // All values share the seed of the first: the same block, the same requests.
            run.seed = Some(plan.seed);
            plans.push((*value, plan));
        }
        let Some((_, first)) = plans.first() else {
            return Err(without_values());
        };
        let seed = first.seed;
        let targets: Vec<String> = first.targets.keys().cloned().collect();
        let order = order(&values, &targets, first.facts.repetitions, seed);
        let mut plan = Self {
            variable,
            plans,
            seed,
            order,
        };
        let sweep = plan.sweep("", Timestamp::UNIX_EPOCH, Vec::new());
        for (value, own) in &mut plan.plans {
            own.order = sweep.order_at(*value);
        }
        Ok(plan)
    }

    fn values(&self) -> Vec<u32> {
        self.plans.iter().map(|(value, _)| *value).collect()
    }

    fn sweep(&self, id: &str, now: Timestamp, command: Vec<String>) -> Sweep {
        Sweep {
            schema_version: SCHEMA_VERSION,
            sweep_id: id.to_owned(),
            created_at: now,
            command,
            variable: self.variable,
            values: self.values(),
            seed: self.seed,
            order: self.order.clone(),
        }
    }

    /// A name for the folder.
    fn id(&self, now: Timestamp) -> Option<String> {
        let (_, first) = self.plans.first()?;
        let varied = self.variable.name().replace('_', "-");
        Some(format!("{}-sweep-{varied}", first.run_id(now)))
    }

    /// The plan for people.
    pub fn text(&self) -> String {
        let Some((_, first)) = self.plans.first() else {
            return String::new();
        };
        let values: Vec<String> = self.values().iter().map(u32::to_string).collect();
        let seconds: f64 = self.plans.iter().map(|(_, p)| p.seconds()).sum();
        format!(
            "Sweep of {}: {}; in every block each of {} targets at each value, in random order; about {} in all. Each value:\n{}",
            self.variable.label(),
            values.join(", "),
            first.targets.len(),
            ui::duration(seconds),
            first.text()
        )
    }
}

/// The plan at one value.
fn at(
    context: &Context,
    run: &RunArgs,
    variable: SweepVariable,
    value: u32,
) -> miette::Result<Plan> {
    match variable {
        SweepVariable::DbConnections => {
            let mut context = context.clone();
            context.lab = context.lab.with_connections(&run.mode, value)?;
            Plan::new(&context, run)
        }
        SweepVariable::Vus => {
            let mut plan = Plan::new(context, run)?;
            if plan.profile.executor.is_open() {
                return Err(miette!(
                    help = "choose a closed loop, such as --profile read-heavy",
                    "profile {} sets the rate: its users are only the cap of the load generator",
                    plan.profile_name
                ));
            }
            plan.profile.vus = value;
            Ok(plan)
        }
    }
}

/// The values, sorted; two or more, each once and above 0.
fn rising(given: &[u32]) -> miette::Result<Vec<u32>> {
    let mut values = given.to_vec();
    values.sort_unstable();
    values.dedup();
    if values.len() != given.len() {
        return Err(miette!("a value stands twice in {given:?}"));
    }
    if values.first() == Some(&0) {
        return Err(miette!(
            "0 is no value of a sweep: a service cannot run on nothing"
        ));
    }
    if values.len() < 2 {
        return Err(miette!(
            help = "for one value use `bench run`",
            "a sweep needs two values or more"
        ));
    }
    Ok(values)
}

/// For each block every (value, target) once, in an order that follows from the seed (ChaCha12, as the order of a run).
pub fn order(values: &[u32], targets: &[String], blocks: u32, seed: u64) -> Vec<Vec<SweepCell>> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let all: Vec<SweepCell> = values
        .iter()
        .flat_map(|value| {
            targets.iter().map(|target| SweepCell {
                value: *value,
                target: target.clone(),
            })
        })
        .collect();
    (0..blocks)
        .map(|_| {
            let mut block = all.clone();
            block.shuffle(&mut rng);
            block
        })
        .collect()
}

/// The order of one value's run, from the seed alone.
pub fn order_at(part: &SweepPart, targets: &[String], blocks: u32, seed: u64) -> Vec<Vec<String>> {
    order(&part.values, targets, blocks, seed)
        .into_iter()
        .map(|block| {
            let own = block.into_iter().filter(|cell| cell.value == part.value);
            own.map(|cell| cell.target).collect()
        })
        .collect()
}

/// Where a sweep comes from.
pub enum Source {
    /// A new plan.
    New {
        /// The plan.
        plan: Box<SweepPlan>,
        /// Folder of results.
        out: PathBuf,
        /// The command line, for the record.
        command: Vec<String>,
    },
    /// An interrupted sweep.
    Resume(SweepDir),
}

/// One value's run.
struct Part {
    value: u32,
    manifest: Manifest,
    run: RunDir,
}

/// Runs to the end; gives the exit code.
///
/// # Errors
/// As a run.
pub fn run(
    context: &Context,
    source: Source,
    limits: &LimitArgs,
    summary_dir: Option<&Path>,
    interrupt: &Interrupt,
) -> miette::Result<Exit> {
    let now = Timestamp::now();
    let (id, mode, targets) = match &source {
        Source::New { plan, .. } => {
            let (_, first) = plan.plans.first().ok_or_else(without_values)?;
            let id = plan.id(now).unwrap_or_default();
            (id, first.mode.clone(), engine::names(&first.targets))
        }
        Source::Resume(dir) => {
            let sweep = dir.sweep()?;
            let parts = stored(dir, &sweep)?;
            let first = &parts.first().ok_or_else(without_values)?.manifest;
            let targets = engine::names(&first.targets);
            (sweep.sweep_id, first.mode.clone(), targets)
        }
    };
    let mut stand = Stand::open(context, &id, &mode, limits, interrupt)?;
    let facts = stand.facts(&targets)?;
    let (sweep, dir, parts) = open(source, &facts, &id, now)?;
    // With the smallest budget: what answers right there does so with more.
    let first = parts.first().ok_or_else(without_values)?;
    let outcome = engine::verify_contract(&stand.lab(&first.manifest, &first.run)).and_then(|()| {
        let turns = turns(&sweep, &parts)?;
        engine::take(&turns, &mut stand, summary_dir, &mut Comparison)
    });
    stand.close()?;
    for part in &parts {
        part.run.clear_scratch()?;
    }
    if let Err(error) = outcome {
        engine::say_how_to_go_on(context, &error, dir.path());
        return Err(error);
    }
    let runs: Vec<(u32, &Manifest, &RunDir)> = parts
        .iter()
        .map(|p| (p.value, &p.manifest, &p.run))
        .collect();
    let all_valid = verdict::print_sweep(&sweep, &runs)?;
    Ok(engine::ended(dir.path(), all_valid))
}

fn without_values() -> miette::Report {
    miette!("a sweep without values")
}

/// What is not stored yet, in its order; the slot is the place among the targets of the same value.
fn turns<'a>(sweep: &Sweep, parts: &'a [Part]) -> miette::Result<Vec<Turn<'a>>> {
    let mut done = Vec::new();
    for part in parts {
        for (_, r) in part.run.repetitions()? {
            done.push((part.value, r.target, r.block));
        }
    }
    let mut turns = Vec::new();
    for (block, cells) in (1..).zip(&sweep.order) {
        for (i, cell) in cells.iter().enumerate() {
            let slot = 1 + cells[..i].iter().filter(|c| c.value == cell.value).count();
            let part = parts
                .iter()
                .find(|p| p.value == cell.value)
                .ok_or_else(|| {
                    miette!(
                        "sweep.json: {} is in the order and not among the values",
                        cell.value
                    )
                })?;
            if !done.contains(&(cell.value, cell.target.clone(), block)) {
                turns.push(Turn {
                    manifest: &part.manifest,
                    run: &part.run,
                    cell: Cell {
                        target: cell.target.clone(),
                        block,
                    },
                    slot: u32::try_from(slot).unwrap_or(u32::MAX),
                    value: Some(format!("{} {}", part.value, sweep.variable.label())),
                });
            }
        }
    }
    Ok(turns)
}

/// Beginning of the names of sweeps that are being made.
const ASIDE: &str = ".partial-";

/// What a killed runner left of a sweep that had not begun; there is one runner at a time.
fn clear_aside(out: &Path) -> miette::Result<()> {
    if !out.exists() {
        return Ok(());
    }
    for entry in fs_err::read_dir(out).into_diagnostic()? {
        let entry = entry.into_diagnostic()?;
        if entry.file_name().to_string_lossy().starts_with(ASIDE) {
            fs_err::remove_dir_all(entry.path()).into_diagnostic()?;
        }
    }
    Ok(())
}

fn stored(dir: &SweepDir, sweep: &Sweep) -> miette::Result<Vec<Part>> {
    sweep
        .values
        .iter()
        .map(|value| {
            let run = dir.run(sweep.variable, *value);
            Ok(Part {
                value: *value,
                manifest: run.manifest()?,
                run,
            })
        })
        .collect()
}

fn open(
    source: Source,
    facts: &engine::Facts,
    id: &str,
    now: Timestamp,
) -> miette::Result<(Sweep, SweepDir, Vec<Part>)> {
    let (plan, out, command) = match source {
        Source::Resume(dir) => {
            let sweep = dir.sweep()?;
            let parts = stored(&dir, &sweep)?;
            for part in &parts {
                engine::same_lab(&part.manifest, facts)?;
            }
            return Ok((sweep, dir, parts));
        }
        Source::New { plan, out, command } => {
            (plan, std::path::absolute(out).into_diagnostic()?, command)
        }
    };
    let sweep = plan.sweep(id, now, command.clone());
    // Made aside and renamed: a sweep is there with all its manifests or not at all.
    clear_aside(&out)?;
    let aside = SweepDir::new(out.join(format!("{ASIDE}{id}")));
    aside.create(&sweep)?;
    let values = sweep.values.clone();
    for (value, own) in plan.plans {
        let run_id = format!("{id}/{}", SweepDir::run_name(sweep.variable, value));
        let mut manifest = engine::manifest(own, facts.clone(), &run_id, now, command.clone());
        manifest.sweep = Some(SweepPart {
            sweep_id: id.to_owned(),
            variable: sweep.variable,
            value,
            values: values.clone(),
        });
        aside.run(sweep.variable, value).create(&manifest)?;
    }
    let dir = SweepDir::new(out.join(id));
    fs_err::rename(aside.path(), dir.path()).into_diagnostic()?;
    lab_model::atomic::sync_dir(&out).into_diagnostic()?;
    let parts = stored(&dir, &sweep)?;
    Ok((sweep, dir, parts))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_every_target_at_every_value_and_follows_from_the_seed() {
        let targets = ["go", "python"].map(str::to_owned);
        let made = order(&[5, 10, 30], &targets, 20, 7);
        for block in &made {
            let mut sorted = block.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), 6);
        }
        assert_eq!(made, order(&[5, 10, 30], &targets, 20, 7));
        assert_ne!(made, order(&[5, 10, 30], &targets, 20, 8));
        // Interleaved: values do not stay together.
        let turns = |b: &Vec<SweepCell>| b.windows(2).filter(|w| w[0].value != w[1].value).count();
        assert!(made.iter().any(|b| turns(b) > 2));
    }

    #[test]
    fn values_are_two_or_more_and_differ() {
        assert_eq!(rising(&[30, 5]).unwrap(), [5, 30]);
        for wrong in [&[5][..], &[5, 5], &[0, 5], &[]] {
            assert!(rising(wrong).is_err(), "{wrong:?}");
        }
    }
}
