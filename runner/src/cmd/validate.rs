//! `bench validate RUN`: every file again, from the raw record up.

use lab_model::digest;
use lab_model::results::{Cell, Manifest, Repetition, RunDir, SweepDir, differences};
use std::path::Path;

use crate::cli::ValidateArgs;
use crate::error::Exit;
use crate::run::{capacity, figures, order, sweep};
use crate::ui;

/// Prints every problem.
///
/// # Errors
/// The run cannot be read at all.
pub fn run(args: &ValidateArgs) -> miette::Result<Exit> {
    if SweepDir::is_one(&args.run) {
        return all_values(&SweepDir::new(&args.run));
    }
    one(&args.run)
}

/// Every value of a sweep; the worst answer counts.
fn all_values(dir: &SweepDir) -> miette::Result<Exit> {
    let sweep = dir.sweep()?;
    let mut exit = Exit::Ok;
    for value in &sweep.values {
        if one(dir.run(sweep.variable, *value).path())? != Exit::Ok {
            exit = Exit::SomeInvalid;
        }
    }
    Ok(exit)
}

fn one(path: &Path) -> miette::Result<Exit> {
    let run = RunDir::new(path);
    let manifest = run.manifest()?;
    let stored = run.repetitions()?;
    let mut problems = plan_problems(&manifest);
    let mut missing = 0;
    for (block, targets) in (1..).zip(&manifest.order) {
        for target in targets {
            let cell = Cell {
                target: target.clone(),
                block,
            };
            if !run
                .repetition_dir(&manifest, &cell)
                .join("repetition.json")
                .is_file()
            {
                missing += 1;
            }
        }
    }
    if missing > 0 {
        problems.push(format!(
            "{missing} planned repetitions are missing: `bench resume {}` goes on",
            path.display()
        ));
    }
    for (folder, repetition) in &stored {
        let cell = Cell {
            target: repetition.target.clone(),
            block: repetition.block,
        };
        let place = format!("block {} of {}", repetition.block, repetition.target);
        if *folder != run.repetition_dir(&manifest, &cell) {
            problems.push(format!(
                "{place}: lies in {}, where it does not belong",
                folder.display()
            ));
        }
        problems.extend(
            repetition_problems(&manifest, folder, repetition)
                .into_iter()
                .map(|p| format!("{place}: {p}")),
        );
    }
    let invalid = stored.iter().filter(|(_, r)| !r.valid).count();
    for problem in &problems {
        ui::say(&format!("problem: {problem}"));
    }
    ui::say(&format!(
        "{}: {} repetitions, {invalid} marked invalid, {} problems",
        manifest.run_id,
        stored.len(),
        problems.len()
    ));
    Ok(if problems.is_empty() {
        Exit::Ok
    } else {
        Exit::SomeInvalid
    })
}

fn plan_problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    let names: Vec<String> = manifest.targets.keys().cloned().collect();
    let blocks = manifest.plan.repetitions;
    let expected = match &manifest.sweep {
        None => order::blocks(&names, blocks, manifest.seed),
        Some(part) => sweep::order_at(part, &names, blocks, manifest.seed),
    };
    if expected != manifest.order {
        problems.push("manifest.json: the order does not follow from its seed".to_owned());
    }
    if manifest.versions.sha256.get("lab.toml")
        != Some(&digest::of_bytes(manifest.lab_toml.as_bytes()))
    {
        problems
            .push("manifest.json: lab_toml is not the one whose digest was recorded".to_owned());
    }
    problems
}

fn repetition_problems(manifest: &Manifest, folder: &Path, r: &Repetition) -> Vec<String> {
    let mut problems = Vec::new();
    if r.run_id != manifest.run_id || r.mode != manifest.mode || r.profile != manifest.profile_name
    {
        problems.push("belongs to another run".to_owned());
    }
    let planned = (r.block as usize)
        .checked_sub(1)
        .and_then(|b| manifest.order.get(b));
    let slot = planned.and_then(|o| o.iter().position(|t| *t == r.target));
    if slot.map(|s| s + 1) != Some(r.slot as usize) {
        problems.push("is not in the plan at this place".to_owned());
    }
    if r.valid != r.reasons.is_empty() {
        problems.push("valid and reasons contradict each other".to_owned());
    }
    for (name, expected) in &r.files {
        match digest::of_file(&folder.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(_) => problems.push(format!("{name} has changed since it was stored")),
            Err(e) => problems.push(e.to_string()),
        }
    }
    if !r.files.contains_key("samples.parquet") {
        if r.valid {
            problems.push("is valid without a record of its requests".to_owned());
        }
        return problems;
    }
    match figures::read(&folder.join("samples.parquet")) {
        Err(e) => problems.push(format!("{e:?}")),
        Ok((samples, again)) => {
            problems.extend(capacity::problems(manifest, r, &samples));
            problems.extend(differences(r, &again.metrics, again.requests, again.failed));
        }
    }
    problems
}
