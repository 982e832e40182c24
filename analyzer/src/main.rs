//! `analyze`: parse, dispatch, exit code.

use std::process::ExitCode;

use analyzer::cli::{Cli, Command};
use analyzer::exit::Exit;
use analyzer::{cmd, ui};

fn main() -> ExitCode {
    let outcome = match &Cli::parse_arguments().command {
        Command::Report(args) => cmd::report::run(args),
        Command::Compare(args) => cmd::compare::run(args),
        Command::Import(args) => cmd::import::run(args),
        Command::Verify(args) => cmd::verify::run(args),
        Command::Plan(args) => cmd::plan::run(args),
        Command::Calibrate(args) => cmd::calibrate::run(args),
        Command::Generate(args) => cmd::generate::run(args),
    };
    match outcome {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(report) => {
            ui::report(&report);
            ExitCode::from(Exit::Usage as u8)
        }
    }
}
