//! `analyze report` of a sweep: the run of each value judged by itself, the verdicts side by side.

use std::path::{Path, PathBuf};

use lab_model::results::{Manifest, Repetition, SweepDir};
use lab_stats::report::Report;
use lab_stats::sweep::flips;
use miette::IntoDiagnostic as _;

use crate::cli::{Format, ReportArgs};
use crate::doc::{SweepDocument, SweepValue};
use crate::exit::Exit;
use crate::run::Run;
use crate::{judge, render, ui};

/// The sweep at this place; of a folder of results, its newest entry if that is a sweep.
///
/// # Errors
/// The folder cannot be read.
pub fn find(path: &Path) -> miette::Result<Option<SweepDir>> {
    if SweepDir::is_one(path) {
        return Ok(Some(SweepDir::new(path)));
    }
    if path.join("manifest.json").is_file() || !path.is_dir() {
        return Ok(None);
    }
    // Folders are named by their time, so the newest has the greatest name.
    let newest: Option<PathBuf> = fs_err::read_dir(path)
        .into_diagnostic()?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join("manifest.json").is_file() || SweepDir::is_one(p))
        .max();
    let found = newest.filter(|p| SweepDir::is_one(p));
    if let Some(found) = &found {
        ui::note(&format!(
            "{} is the newest of the results there: a sweep",
            found.display()
        ));
    }
    Ok(found.map(SweepDir::new))
}

/// Judges every value and writes the report.
///
/// # Errors
/// Results that cannot be read or do not follow from their raw records.
pub fn run(args: &ReportArgs, dir: &SweepDir) -> miette::Result<Exit> {
    let sweep = dir.sweep()?;
    let mut runs = Vec::new();
    let mut values = Vec::new();
    for value in &sweep.values {
        let run = Run::open(dir.run(sweep.variable, *value).path())?;
        let looks = run.look()?;
        let document = judge::document(&run, &looks, &args.asked.asked())?;
        values.push(SweepValue {
            value: *value,
            document,
        });
        runs.push(run);
    }
    let reports: Vec<(u32, &Report)> = values
        .iter()
        .map(|v| (v.value, &v.document.report))
        .collect();
    let flips = flips(&reports);
    let doc = SweepDocument {
        schema_version: 1,
        sweep,
        flips,
        values,
    };
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&doc).into_diagnostic()?,
        Format::Table => {
            let style = super::report::style(args.out.as_deref());
            let parts: Vec<(u32, &Manifest, &[Repetition], &Report)> = doc
                .values
                .iter()
                .zip(&runs)
                .map(|(v, r)| {
                    (
                        v.value,
                        &r.manifest,
                        r.repetitions.as_slice(),
                        &v.document.report,
                    )
                })
                .collect();
            lab_verdict::sweep::text(&doc.sweep, &parts, style)
        }
        Format::Markdown => render::sweep::markdown(&doc),
        Format::Csv => render::sweep::csv(&doc)?,
        Format::Html => render::sweep::html(&doc)?,
    };
    super::report::write_text(&text, args.out.as_deref())?;
    Ok(Exit::Ok)
}
