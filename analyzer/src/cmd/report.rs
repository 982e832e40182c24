//! `analyze report`, also the default.

use std::path::Path;

use lab_model::results::{Manifest, Repetition};
use lab_verdict::terminal::Style;
use miette::IntoDiagnostic as _;

use crate::cli::{Format, ReportArgs};
use crate::doc::Document;
use crate::exit::Exit;
use crate::render::{csv, html, markdown, table};
use crate::run::Run;
use crate::{judge, ui};

/// Judges a run and writes the report.
///
/// # Errors
/// Results that cannot be read or do not follow from their raw records.
pub fn run(args: &ReportArgs) -> miette::Result<Exit> {
    if let Some(sweep) = super::sweep::find(&args.results)? {
        return super::sweep::run(args, &sweep);
    }
    let run = Run::open(&args.results)?;
    let looks = run.look()?;
    let doc = judge::document(&run, &looks, &args.asked.asked())?;
    write(
        &doc,
        Some((&run.manifest, &run.repetitions)),
        args.format,
        args.out.as_deref(),
    )?;
    Ok(Exit::Ok)
}

/// Writes a document in a format, to a file or to standard output.
///
/// # Errors
/// The file cannot be written.
pub fn write(
    doc: &Document,
    receipt: Option<(&Manifest, &[Repetition])>,
    format: Format,
    out: Option<&Path>,
) -> miette::Result<()> {
    let style = style(out);
    let text = match format {
        Format::Json => serde_json::to_string_pretty(doc).into_diagnostic()?,
        Format::Table => table::render(doc, receipt, style),
        Format::Markdown => markdown::render(doc, receipt),
        Format::Csv => csv::render(doc)?,
        Format::Html => html::render(doc, receipt)?,
    };
    write_text(&text, out)
}

/// Plain in a file, else as standard output can show it.
pub fn style(out: Option<&Path>) -> Style {
    if out.is_some() {
        Style::plain()
    } else {
        Style::of_stdout()
    }
}

/// Writes a text to a file or to standard output.
///
/// # Errors
/// The file cannot be written.
pub fn write_text(text: &str, out: Option<&Path>) -> miette::Result<()> {
    match out {
        // A device or a pipe (`--out /dev/stdout`) is written to; only a file may be replaced.
        Some(path) if path.exists() && !path.is_file() => {
            fs_err::write(path, format!("{text}\n")).into_diagnostic()
        }
        Some(path) => {
            lab_model::atomic::write(path, format!("{text}\n").as_bytes()).into_diagnostic()
        }
        None => {
            ui::say(text);
            Ok(())
        }
    }
}
