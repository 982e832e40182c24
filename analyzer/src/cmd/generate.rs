//! `analyze generate SHELL|man`.

use clap::CommandFactory as _;
use miette::IntoDiagnostic as _;

use crate::cli::{Cli, GenerateArgs};
use crate::exit::Exit;

/// Writes to standard output.
///
/// # Errors
/// Unknown shell.
pub fn run(args: &GenerateArgs) -> miette::Result<Exit> {
    lab_verdict::generate::generate(Cli::command(), &args.what).into_diagnostic()?;
    Ok(Exit::Ok)
}
