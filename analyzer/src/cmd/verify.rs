//! `analyze verify RUN`: every file and every number again, from the raw record up.

use std::path::Path;

use lab_model::digest;
use lab_model::results::{Look, RunDir, SweepDir, same_figure};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde_json::Value;

use crate::cli::VerifyArgs;
use crate::doc::Document;
use crate::exit::Exit;
use crate::run::Run;
use crate::{judge, ui};

/// Names the first thing that differs.
///
/// # Errors
/// The run or the report cannot be read at all.
pub fn run(args: &VerifyArgs) -> miette::Result<Exit> {
    if SweepDir::is_one(&args.run) {
        return all_values(args);
    }
    if let Some(problem) = files(&args.run)? {
        ui::say(&format!("differs: {problem}"));
        return Ok(Exit::Regression);
    }
    // A stored figure that does not follow from its record is an error with the figure's name.
    let run = match Run::open(&args.run) {
        Ok(run) => run,
        Err(e) => {
            ui::say(&format!("differs: {e}"));
            return Ok(Exit::Regression);
        }
    };
    ui::say(&format!(
        "{} repetitions of {}: files and figures are as stored",
        run.repetitions.len(),
        run.manifest.run_id
    ));
    let Some(path) = &args.report else {
        return Ok(Exit::Ok);
    };
    let bytes = fs_err::read(path).into_diagnostic()?;
    let (stored, doc): (Value, Document) = serde_json::from_slice(&bytes)
        .and_then(|v: Value| Ok((v.clone(), serde_json::from_value(v)?)))
        .into_diagnostic()
        .wrap_err_with(|| format!("{} is no report of `analyze --format json`", path.display()))?;
    let wanted = again(&run, &doc)?;
    match first_difference("", &stored, &wanted) {
        Some(problem) => {
            ui::say(&format!("differs: {}: {problem}", path.display()));
            Ok(Exit::Regression)
        }
        None => {
            ui::say(&format!(
                "{}: {} numbers are those of the raw records",
                path.display(),
                numbers(&wanted)
            ));
            Ok(Exit::Ok)
        }
    }
}

/// Every value of a sweep; a report belongs to one of them.
fn all_values(args: &VerifyArgs) -> miette::Result<Exit> {
    if args.report.is_some() {
        return Err(miette!(
            help = "verify the report of one value against its own folder",
            "{} is a sweep: its report is of several runs",
            args.run.display()
        ));
    }
    let dir = SweepDir::new(&args.run);
    let sweep = dir.sweep()?;
    let mut exit = Exit::Ok;
    for value in &sweep.values {
        let one = VerifyArgs {
            run: dir.run(sweep.variable, *value).path().to_owned(),
            report: None,
        };
        if run(&one)? != Exit::Ok {
            exit = Exit::Regression;
        }
    }
    Ok(exit)
}

/// The same report, made now: same options, same look.
fn again(run: &Run, stored: &Document) -> miette::Result<Value> {
    let look = Look {
        at: run.manifest.created_at,
        repetitions: run.blocks(),
    };
    let looks = vec![look; stored.provenance.look.clamp(1, 1000) as usize];
    let mut doc = judge::document(run, &looks, &stored.provenance.asked)?;
    // Not of this run's records; a later A/A session changes nothing of what the report said.
    lab_verdict::laboratory::keep(&mut doc.report, &stored.report);
    // By text and back, as the stored one came.
    let text = serde_json::to_string(&doc).into_diagnostic()?;
    serde_json::from_str(&text).into_diagnostic()
}

/// Digests of all files of a run.
fn files(path: &Path) -> miette::Result<Option<String>> {
    if !path.join("manifest.json").is_file() {
        return Err(miette!(
            help = "give the folder of one run",
            "{} has no manifest.json",
            path.display()
        ));
    }
    let dir = RunDir::new(path);
    let manifest = dir.manifest()?;
    if manifest
        .versions
        .sha256
        .get("lab.toml")
        .is_some_and(|d| *d != digest::of_bytes(manifest.lab_toml.as_bytes()))
    {
        return Ok(Some(
            "manifest.json: lab_toml is not the one whose digest was recorded".to_owned(),
        ));
    }
    for (folder, repetition) in dir.repetitions()? {
        for (name, digest) in &repetition.files {
            let file = folder.join(name);
            match digest::of_file(&file) {
                Ok(found) if found == *digest => {}
                Ok(_) => {
                    return Ok(Some(format!(
                        "{} has changed since it was stored",
                        file.display()
                    )));
                }
                Err(e) => return Ok(Some(e.to_string())),
            }
        }
    }
    Ok(None)
}

/// The path of the first value that is not the same, in the order of the wanted report.
pub fn first_difference(path: &str, stored: &Value, wanted: &Value) -> Option<String> {
    match (stored, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, b) in b {
                let at = format!("{path}.{key}");
                match a.get(key) {
                    Some(a) => {
                        if let Some(found) = first_difference(&at, a, b) {
                            return Some(found);
                        }
                    }
                    None => return Some(format!("{} is missing", at.trim_start_matches('.'))),
                }
            }
            let extra = a.keys().find(|key| !b.contains_key(*key))?;
            Some(format!(
                "{} does not belong there",
                format!("{path}.{extra}").trim_start_matches('.')
            ))
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Some(format!(
                    "{} has {} entries, not {}",
                    path.trim_start_matches('.'),
                    a.len(),
                    b.len()
                ));
            }
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .into_iter()
                .find_map(|(i, (a, b))| first_difference(&format!("{path}[{i}]"), a, b))
        }
        (Value::Number(a), Value::Number(b)) if a == b || same_figure(a.as_f64(), b.as_f64()) => {
            None
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!(
            "{} is {a}, and {b} by the raw records",
            path.trim_start_matches('.')
        )),
    }
}

fn numbers(value: &Value) -> usize {
    match value {
        Value::Number(_) => 1,
        Value::Array(list) => list.iter().map(numbers).sum(),
        Value::Object(map) => map.values().map(numbers).sum(),
        _ => 0,
    }
}
