//! `analyze import FILES…`: results of other tools, judged with what they can support.

use std::collections::BTreeSet;
use std::path::Path;

use lab_model::digest;
use lab_stats::judge;
use lab_stats::plan::JudgePlan;
use lab_stats::report::Flag;
use lab_stats::session::Session;
use miette::{IntoDiagnostic as _, miette};

use super::report::write;
use crate::cli::ImportArgs;
use crate::doc::{Asked, Document, Provenance};
use crate::exit::Exit;
use crate::figures::Figures;
use crate::import::{self, Choice, Imported, Kind};
use crate::judge as judging;

/// Reads, judges, writes.
///
/// # Errors
/// One sentence with file and row.
pub fn run(args: &ImportArgs) -> miette::Result<Exit> {
    let choice = Choice {
        skip_s: args.skip_seconds,
        scenario: args.scenario.clone(),
    };
    if !(args.skip_seconds >= 0.0 && args.skip_seconds < 1e9) {
        return Err(miette!(
            "--skip-seconds {} must be 0 or more",
            args.skip_seconds
        ));
    }
    let read = lab_stats::simulate::in_parallel(args.files.len(), |i| {
        import::read(&args.files[i], &choice)
    });
    let mut imported = Vec::new();
    for one in read {
        imported.push(one?);
    }
    let kinds: BTreeSet<Kind> = imported.iter().map(|i| i.kind).collect();
    if kinds.len() > 1 && !args.across_environments {
        let names: Vec<&str> = kinds.iter().map(|k| k.name()).collect();
        return Err(miette!(
            help = "tools measure and interpolate differently: import one kind at a time, or add --across-environments",
            "these files are of different kinds: {}",
            names.join(", ")
        ));
    }
    let doc = document(args, &imported)?;
    write(&doc, None, args.format, args.out.as_deref())?;
    Ok(Exit::Ok)
}

fn document(args: &ImportArgs, imported: &[Imported]) -> miette::Result<Document> {
    let session = session(args, imported);
    let asked = args.asked.asked();
    let plan = plan(&session, &asked, imported)?;
    let mut report = judge(&plan, &session).into_diagnostic()?;
    let mut limits = vec!["no receipt: whether budgets, connections and data were the same for all targets is not known".to_owned()];
    if !args.paired {
        limits.push("no blocks: repetitions are compared unpaired, and a drift of the host counts as a difference (--paired if the n-th files were made side by side)".to_owned());
    }
    for (i, (one, repetition)) in imported.iter().zip(&session.repetitions).enumerate() {
        for cannot in &one.cannot {
            let text = format!("{}: {cannot}", one.kind.name());
            if !limits.contains(&text) {
                limits.push(text);
            }
        }
        let place = args.files[i].display().to_string();
        if let Some(figures) = &one.figures {
            judging::flags(
                &place,
                repetition.block,
                figures,
                &one.observed,
                &mut report.flags,
            );
        } else {
            report
                .flags
                .extend(import::physics_failures(one).into_iter().map(|c| Flag {
                    kind: "physics".to_owned(),
                    target: Some(repetition.target.clone()),
                    block: repetition.block,
                    metric: None,
                    text: format!("{place}: {} does not hold: {}", c.name, c.text),
                }));
        }
    }
    let figures: Vec<Option<&Figures>> = imported.iter().map(|i| i.figures.as_ref()).collect();
    Ok(Document {
        report,
        repetitions: judging::run_figures(&session, &figures),
        endpoints: judging::endpoints(&plan, &session, &figures)?,
        positions: Vec::new(),
        steps: Vec::new(),
        limits,
        provenance: provenance(args, asked)?,
    })
}

fn session(args: &ImportArgs, imported: &[Imported]) -> Session {
    let mut session = Session::default();
    for (path, one) in args.files.iter().zip(imported) {
        let mut repetition = one.repetition.clone();
        repetition.target = args.target.clone().unwrap_or_else(|| target_of(path));
        repetition.place = Some(path.display().to_string());
        if args.paired {
            let before = session
                .repetitions
                .iter()
                .filter(|r| r.target == repetition.target)
                .count();
            repetition.block = Some(before as u64 + 1);
        }
        session.repetitions.push(repetition);
    }
    let kinds: BTreeSet<&str> = imported.iter().map(|i| i.kind.name()).collect();
    session.environment = serde_json::json!({ "kind": "imported", "recording": kinds });
    session
}

/// Targets in order of appearance; only metrics that some file has.
fn plan(session: &Session, asked: &Asked, imported: &[Imported]) -> miette::Result<JudgePlan> {
    let mut targets: Vec<String> = Vec::new();
    for r in &session.repetitions {
        if !targets.contains(&r.target) {
            targets.push(r.target.clone());
        }
    }
    let baseline = asked
        .baseline
        .clone()
        .or_else(|| targets.first().cloned())
        .unwrap_or_default();
    let mut plan = JudgePlan::new(targets, &baseline);
    let known = |m: &str| session.repetitions.iter().any(|r| r.value(m).is_some());
    plan.roles
        .retain(|(m, _)| known(m) && (asked.metrics.is_empty() || asked.metrics.contains(m)));
    if let Some(missing) = asked
        .metrics
        .iter()
        .find(|m| !plan.roles.iter().any(|(name, _)| name == *m))
    {
        return Err(miette!("--metric {missing}: no file has it"));
    }
    if asked.all_pairs {
        plan.pairs = lab_stats::plan::Pairs::All;
    }
    plan.strict = asked.strict;
    plan.margin = asked.margin.unwrap_or(plan.margin);
    // wrk2 keeps a rate: its throughput says nothing of the target.
    plan.open_loop = imported.iter().all(|i| i.kind == Kind::Wrk2);
    Ok(plan)
}

/// `go-1.csv.gz`, `go_02.json`, `go.json`: the name without endings and number.
pub fn target_of(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut stem = name.as_str();
    for ending in [".gz", ".csv", ".json", ".ndjson", ".jsonl", ".txt", ".log"] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let bare = stem
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches(['-', '_', '.', ' ']);
    if bare.is_empty() {
        stem.to_owned()
    } else {
        bare.to_owned()
    }
}

fn provenance(args: &ImportArgs, asked: Asked) -> miette::Result<Provenance> {
    let mut lines = String::new();
    for path in &args.files {
        let digest = digest::of_file(path).into_diagnostic()?;
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        lines.push_str(&format!("{name} {digest}\n"));
    }
    let names: Vec<String> = args.files.iter().map(|p| p.display().to_string()).collect();
    Ok(Provenance {
        tool: format!("analyze {}", env!("CARGO_PKG_VERSION")),
        source: if names.len() == 1 {
            names[0].clone()
        } else {
            format!("{} imported files", names.len())
        },
        command: std::env::args().collect(),
        raw_data_sha256: digest::of_bytes(lines.as_bytes()),
        asked,
        look: 1,
        ..Provenance::default()
    })
}
