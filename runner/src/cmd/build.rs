//! `bench build [TARGET…]`: the build commands of lab.toml.

use std::collections::BTreeSet;
use std::process::Command;

use miette::{IntoDiagnostic as _, WrapErr as _, miette};

use crate::cli::TargetsArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::ui;

/// Builds targets; the same command in the same folder only once.
///
/// # Errors
/// Unknown target, or a build fails (its output is on the terminal).
pub fn run(context: &Context, args: &TargetsArgs) -> miette::Result<Exit> {
    let names: Vec<&String> = if args.targets.is_empty() {
        context.lab.targets.keys().collect()
    } else {
        args.targets.iter().collect()
    };
    let mut done = BTreeSet::new();
    for name in names {
        let target = context.lab.target(name)?;
        if context.inventory.targets.contains_key(name.as_str()) {
            ui::note(&format!("{name}: ready-built by the inventory"));
            continue;
        }
        let Some(command) = &target.build else {
            ui::note(&format!("{name}: nothing to build"));
            continue;
        };
        let words: Vec<String> = command.iter().map(|w| context.fill_build(w)).collect();
        let Some((program, rest)) = words.split_first() else {
            continue;
        };
        if !done.insert((target.dir.clone(), words.clone())) {
            continue;
        }
        ui::note(&format!("{name}: {} (in {})", words.join(" "), target.dir));
        let status = Command::new(program)
            .args(rest)
            .current_dir(context.dir_of(target))
            .env("CARGO_TARGET_DIR", context.cargo_target())
            .status()
            .into_diagnostic()
            .wrap_err_with(|| {
                format!(
                    "cannot run {program} to build {name}; start through ./lab, which provides it"
                )
            })?;
        if !status.success() {
            return Err(miette!(
                "building {name} failed ({status}): its output is above"
            ));
        }
    }
    Ok(Exit::Ok)
}
