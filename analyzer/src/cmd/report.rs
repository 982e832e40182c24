//! `analyze report`, also the default.

use lab_verdict::{Options, terminal};
use miette::IntoDiagnostic as _;

use crate::cli::{Format, ReportArgs};
use crate::exit::Exit;
use crate::run::Run;
use crate::ui;

/// Judges a run and writes the report.
///
/// # Errors
/// Results that cannot be read or do not follow from their raw records.
pub fn run(args: &ReportArgs) -> miette::Result<Exit> {
    let run = Run::open(&args.results)?;
    let options = Options {
        all_pairs: args.all_pairs,
        strict: args.strict,
        baseline: args.baseline.clone(),
        margin: args.margin,
        metrics: args.metrics.clone(),
        peeked: false,
    };
    let looks = run.dir.record_look(run.blocks())?;
    let report = lab_verdict::judge_run(&run.manifest, &run.repetitions, &looks, &options)
        .into_diagnostic()?;
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&report).into_diagnostic()?,
        Format::Table => {
            let style = if args.out.is_some() {
                terminal::Style::plain()
            } else {
                ui::style()
            };
            format!(
                "{}\n{}",
                terminal::receipt(&run.manifest, &run.repetitions, style),
                terminal::verdict(&report, style)
            )
        }
    };
    match &args.out {
        Some(path) => {
            lab_model::atomic::write(path, format!("{text}\n").as_bytes()).into_diagnostic()?
        }
        None => ui::say(&text),
    }
    Ok(Exit::Ok)
}
