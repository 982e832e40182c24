//! `bench list`.

use std::path::{Path, PathBuf};

use comfy_table::{Table, presets::NOTHING};
use lab_model::results::{RunDir, SweepDir};
use miette::IntoDiagnostic as _;

use crate::cli::OutArgs;
use crate::error::Exit;
use crate::ui;

/// A line a run, newest first.
///
/// # Errors
/// The folder cannot be read.
pub fn run(args: &OutArgs) -> miette::Result<Exit> {
    if !args.out.exists() {
        ui::note(&format!(
            "no results in {} yet: start with `bench run --quick`",
            args.out.display()
        ));
        return Ok(Exit::Ok);
    }
    let mut names: Vec<_> = fs_err::read_dir(&args.out)
        .into_diagnostic()?
        .flatten()
        .map(|e| e.path())
        .flat_map(|p| runs_of(&p))
        .collect();
    names.sort();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "run",
        "mode",
        "load",
        "targets",
        "repetitions",
        "state",
    ]);
    for path in names.iter().rev() {
        let run = RunDir::new(path);
        let row = match (run.manifest(), run.repetitions()) {
            (Ok(manifest), Ok(stored)) => {
                let planned: usize = manifest.order.iter().map(Vec::len).sum();
                let invalid = stored.iter().filter(|(_, r)| !r.valid).count();
                let state = match (stored.len() < planned, invalid) {
                    (true, _) => "incomplete (bench resume)".to_owned(),
                    (false, 0) => "valid".to_owned(),
                    (false, n) => format!("{n} invalid"),
                };
                [
                    path.display().to_string(),
                    manifest.mode,
                    manifest.profile_name,
                    manifest
                        .targets
                        .keys()
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(" "),
                    format!("{}/{planned}", stored.len()),
                    state,
                ]
            }
            (Err(e), _) | (_, Err(e)) => [
                path.display().to_string(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                format!("unreadable: {e}"),
            ],
        };
        table.add_row(row);
    }
    ui::say(&table.to_string());
    Ok(Exit::Ok)
}

/// The folder itself if it is a run; of a sweep, the run of each value.
fn runs_of(path: &Path) -> Vec<PathBuf> {
    if path.join("manifest.json").is_file() {
        return vec![path.to_owned()];
    }
    let sweep = SweepDir::new(path);
    match sweep.sweep() {
        Ok(plan) => {
            let run = |value: &u32| sweep.run(plan.variable, *value).path().to_owned();
            plan.values.iter().map(run).collect()
        }
        Err(_) => Vec::new(),
    }
}
