//! `analyze generate SHELL|man`.

use clap::CommandFactory as _;
use miette::{IntoDiagnostic as _, miette};

use crate::cli::{Cli, GenerateArgs};
use crate::exit::Exit;

/// Writes to standard output.
///
/// # Errors
/// Unknown shell.
pub fn run(args: &GenerateArgs) -> miette::Result<Exit> {
    let mut command = Cli::command();
    let mut out = std::io::stdout();
    if args.what == "man" {
        clap_mangen::Man::new(command)
            .render(&mut out)
            .into_diagnostic()?;
    } else {
        let shell: clap_complete::Shell = args
            .what
            .parse()
            .map_err(|e| miette!(help = "bash, zsh, fish, elvish, powershell or man", "{e}"))?;
        clap_complete::generate(shell, &mut command, "analyze", &mut out);
    }
    Ok(Exit::Ok)
}
