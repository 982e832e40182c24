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
