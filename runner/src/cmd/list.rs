//! `bench list`.

use comfy_table::{Table, presets::NOTHING};
use lab_model::results::RunDir;
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
        .filter(|p| p.join("manifest.json").is_file())
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
