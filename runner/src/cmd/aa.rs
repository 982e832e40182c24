//! `bench aa TARGET`.

use std::path::PathBuf;

use clap::Args;
use lab_model::results::{Manifest, RunDir};
use miette::IntoDiagnostic as _;

use crate::aa::course::{self, AaCourse};
use crate::aa::plan::{AaSession, labelled};
use crate::cli::LimitArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::engine::{self, Source};
use crate::ui;

/// `bench aa`.
#[derive(Debug, Clone, Args)]
pub struct AaArgs {
    /// The target that runs under both labels
    #[arg(required_unless_present = "report")]
    pub target: Option<String>,
    /// Experiments; with --slowdown, of each delay [default: 40, with --slowdown 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub experiments: Option<u32>,
    /// Blocks of each experiment: both labels once a block, in random order
    #[arg(long, short, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub repetitions: u32,
    /// Delay one label, chosen blindly, by these shares of p50, such as 0%,5%,20%, and see what is found
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = share)]
    pub slowdown: Vec<f64>,
    /// Budget, from [modes] in lab.toml
    #[arg(long, short, default_value = "single")]
    pub mode: String,
    /// Load, from [profiles] in lab.toml [default: plan.quick.profile]
    #[arg(long, short)]
    pub profile: Option<String>,
    /// Discarded seconds of a repetition [default: the profile's]
    #[arg(long, value_name = "SECONDS")]
    pub warmup_s: Option<f64>,
    /// Measured seconds of a repetition [default: the profile's]
    #[arg(long, value_name = "SECONDS")]
    pub measure_s: Option<f64>,
    /// Pause between repetitions
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub cooldown_s: f64,
    /// Seed of the order and of the requests [default: random, recorded]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Show what would run, and how long it takes
    #[arg(long)]
    pub list: bool,
    /// Folder of results; the session goes to aa/ in it, by host
    #[arg(long, short, default_value = "results")]
    pub out: PathBuf,
    /// Judge what is stored of a session, whole experiments only, and measure nothing
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["target", "slowdown", "list"])]
    pub report: Option<PathBuf>,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// "5%" as 0.05.
fn share(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .strip_suffix('%')
        .ok_or("write a share of p50 as a percentage, such as 5%")?;
    let percent: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("`{number}` is no number"))?;
    if (0.0..=10_000.0).contains(&percent) {
        Ok(percent / 100.0)
    } else {
        Err("must be between 0% and 10000%".to_owned())
    }
}

/// Runs a session, lists its plan, or judges what is stored of one.
///
/// # Errors
/// See the exit codes.
pub fn run(
    context: &dyn Fn() -> miette::Result<Context>,
    args: &AaArgs,
    interrupt: &Interrupt,
) -> miette::Result<Exit> {
    if let Some(session) = &args.report {
        let run = RunDir::new(std::path::absolute(session).into_diagnostic()?);
        let manifest = run.manifest()?;
        return course::report(&run, &manifest);
    }
    let session = AaSession::new(&context()?, args)?;
    if args.list {
        ui::say(&session.text());
        return Ok(Exit::Ok);
    }
    ui::note(&session.text());
    let source = Source::New {
        plan: Box::new(session.plan),
        out: session.out,
        command: std::env::args().collect(),
    };
    let mut course = AaCourse::new(session.seal);
    engine::run_course(
        &session.context,
        source,
        &args.limits,
        None,
        &mut course,
        interrupt,
    )
}

/// Goes on with a session: what `bench resume` does when it finds one.
///
/// # Errors
/// As [`run`].
pub fn resume(
    context: &Context,
    run: RunDir,
    manifest: &Manifest,
    limits: &LimitArgs,
    interrupt: &Interrupt,
) -> miette::Result<Exit> {
    let target = manifest.aa.as_ref().map_or("", |aa| aa.target.as_str());
    let context = labelled(context, target)?;
    let mut course = AaCourse::new(None);
    engine::run_course(
        &context,
        Source::Resume(run),
        limits,
        None,
        &mut course,
        interrupt,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share(" 300 %"), Ok(3.0));
        assert_eq!(share("0%"), Ok(0.0));
        for wrong in ["5", "x%", "-1%", "%", "nan%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
