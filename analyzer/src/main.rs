//! `analyze`: parse, dispatch, exit code.

use std::process::ExitCode;

use analyzer::cli::{Cli, Command};
use analyzer::exit::Exit;
use analyzer::{cmd, ui};
use clap::{CommandFactory as _, Parser as _};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match (&cli.command, &cli.report) {
        (Some(Command::Report(args)), _) | (None, Some(args)) => cmd::report::run(args),
        (Some(Command::Compare(args)), _) => cmd::compare::run(args),
        (Some(Command::Verify(args)), _) => cmd::verify::run(args),
        (Some(Command::Plan(args)), _) => cmd::plan::run(args),
        (Some(Command::Calibrate(args)), _) => cmd::calibrate::run(args),
        (Some(Command::Generate(args)), _) => cmd::generate::run(args),
        (None, None) => {
            let _ = Cli::command().print_help();
            Ok(Exit::Usage)
        }
    };
    match outcome {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(report) => {
            ui::report(&report);
            ExitCode::from(Exit::Usage as u8)
        }
    }
}
