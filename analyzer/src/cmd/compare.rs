//! `analyze compare BASE NEW`: has NEW become worse? (section 10 of the method)

use std::path::PathBuf;

use lab_model::results::Manifest;
use lab_stats::gate::{self, GatePlan, GateReport, GateVerdict};
use lab_stats::session::Session;
use miette::{IntoDiagnostic as _, miette};

use crate::cli::{CompareArgs, GateFormat, OnInconclusive};
use crate::exit::Exit;
use crate::run::Run;
use crate::{render, ui};

/// Judges, prints, and answers by exit code.
///
/// # Errors
/// Results that cannot be read, or that may not be compared.
pub fn run(args: &CompareArgs) -> miette::Result<Exit> {
    let (base, new) = (Side::of(&args.base), Side::of(&args.new));
    let report = match (&base.target, &new.target) {
        (Some(a), Some(b)) if same_run(&base.run, &new.run) => same_blocks(args, &base.run, a, b)?,
        (Some(_), Some(_)) => {
            return Err(miette!(
                help = "RUN:TARGET on both sides is for two targets of one run, measured in the same blocks",
                "{} and {} are different runs",
                base.run.display(),
                new.run.display()
            ));
        }
        (None, None) => sessions(args, &base.run, &new.run)?,
        _ => {
            return Err(miette!(
                help = "give two runs, or RUN:TARGET twice with the same RUN",
                "a target was given on one side only"
            ));
        }
    };
    let text = match args.format {
        GateFormat::Json => serde_json::to_string_pretty(&report).into_diagnostic()?,
        GateFormat::Table => render::gate::table(&report),
        GateFormat::Markdown => render::gate::markdown(&report, &args.base, &args.new),
    };
    match &args.out {
        Some(path) => {
            lab_model::atomic::write(path, format!("{text}\n").as_bytes()).into_diagnostic()?
        }
        None => ui::say(&text),
    }
    let on_inconclusive = match args.on_inconclusive {
        None => Exit::Inconclusive,
        Some(OnInconclusive::Pass) => Exit::Ok,
        Some(OnInconclusive::Fail) => Exit::Regression,
    };
    Ok(match report.verdict {
        GateVerdict::Regression => Exit::Regression,
        GateVerdict::Inconclusive => on_inconclusive,
        GateVerdict::Pass | GateVerdict::SmallChange => Exit::Ok,
    })
}

/// `RUN` or `RUN:TARGET`.
struct Side {
    run: PathBuf,
    target: Option<String>,
}

impl Side {
    fn of(text: &str) -> Self {
        // A folder with a colon in its name is a folder.
        if !PathBuf::from(text).exists()
            && let Some((run, target)) = text.rsplit_once(':')
        {
            return Self {
                run: run.into(),
                target: Some(target.to_owned()),
            };
        }
        Self {
            run: text.into(),
            target: None,
        }
    }
}

fn same_run(a: &std::path::Path, b: &std::path::Path) -> bool {
    match (fs_err::canonicalize(a), fs_err::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn plan(args: &CompareArgs, manifest: &Manifest) -> GatePlan {
    GatePlan {
        metrics: if args.metrics.is_empty() {
            manifest.plan.primary.clone()
        } else {
            args.metrics.clone()
        },
        targets: args.targets.clone(),
        control: args.control.clone(),
        session_sd: args.session_sd,
        alpha: manifest.plan.alpha,
        margin: args.margin.unwrap_or(manifest.plan.margin),
        max_error_rate: manifest.receipt_limits.error_rate,
    }
}

fn same_blocks(
    args: &CompareArgs,
    run: &std::path::Path,
    a: &str,
    b: &str,
) -> miette::Result<GateReport> {
    let run = Run::open(run)?;
    for target in [a, b] {
        known(&run, target)?;
    }
    if a == b {
        return Err(miette!("BASE and NEW are both {a}"));
    }
    gate::compare_same_blocks(&plan(args, &run.manifest), &session(&run), a, b).into_diagnostic()
}

fn sessions(
    args: &CompareArgs,
    base: &std::path::Path,
    new: &std::path::Path,
) -> miette::Result<GateReport> {
    let (base, new) = (Run::open(base)?, Run::open(new)?);
    let differences = differences(&base.manifest, &new.manifest);
    if !differences.is_empty() && !args.across_environments {
        return Err(miette!(
            help = "measure both in the same way, or add --across-environments if the difference is what you want to compare",
            "these results were not made in the same way: {}",
            differences.join("; ")
        ));
    }
    for difference in &differences {
        ui::note(&format!("across environments: {difference}"));
    }
    let named = args.targets.iter().chain(&args.control);
    for target in named {
        known(&base, target)?;
        known(&new, target)?;
    }
    gate::compare(&plan(args, &base.manifest), &session(&base), &session(&new)).into_diagnostic()
}

fn known(run: &Run, target: &str) -> miette::Result<()> {
    if run.manifest.targets.contains_key(target) {
        return Ok(());
    }
    let names: Vec<&str> = run.manifest.targets.keys().map(String::as_str).collect();
    Err(miette!(
        help = format!("it has {}", names.join(", ")),
        "{} has no target {target}",
        run.manifest.run_id
    ))
}

fn session(run: &Run) -> Session {
    lab_verdict::session(&run.manifest, &run.repetitions)
}

/// What makes two runs incomparable: the machine, the limits, the way of recording, the load, the tools.
pub fn differences(a: &Manifest, b: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            found.push(format!("{what} {a} and {b}"));
        }
    };
    let (x, y) = (&a.environment, &b.environment);
    differ("environment", json(&x.kind), json(&y.kind));
    differ("accelerator", json(&x.accel), json(&y.accel));
    differ("limits", x.limits.clone(), y.limits.clone());
    differ("recording", x.recording.clone(), y.recording.clone());
    differ(
        "shared CPUs",
        x.shared_cpus.to_string(),
        y.shared_cpus.to_string(),
    );
    differ(
        "oversubscribed",
        x.oversubscribed.to_string(),
        y.oversubscribed.to_string(),
    );
    differ("mode", a.mode.clone(), b.mode.clone());
    differ("load", json(&a.profile), json(&b.profile));
    let shared = |m: &Manifest, other: &Manifest| -> String {
        let both = m
            .budgets
            .iter()
            .filter(|(name, _)| other.budgets.contains_key(*name));
        json(&both.collect::<Vec<_>>())
    };
    differ("budgets", shared(a, b), shared(b, a));
    differ("users", a.data.users.to_string(), b.data.users.to_string());
    differ("data", a.data.checksum.clone(), b.data.checksum.clone());
    for tool in ["bench", "k6", "postgres"] {
        let version = |m: &Manifest| m.versions.programs.get(tool).cloned().unwrap_or_default();
        differ(tool, version(a), version(b));
    }
    found
}

/// As JSON: for what has no text of its own.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
