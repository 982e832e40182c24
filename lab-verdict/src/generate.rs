//! Shell completions and the man page of a program, to standard output.

use std::io::{Error, ErrorKind, Result, stdout};

/// What can be generated, for help and errors.
pub const KINDS: &str = "bash, zsh, fish, elvish, powershell or man";

/// Writes one of [`KINDS`].
///
/// # Errors
/// Something else was asked for; standard output cannot be written.
pub fn generate(mut command: clap::Command, what: &str) -> Result<()> {
    let mut text = Vec::new();
    if what == "man" {
        clap_mangen::Man::new(command).render(&mut text)?;
    } else {
        let shell: clap_complete::Shell = what
            .parse()
            .map_err(|e| Error::new(ErrorKind::InvalidInput, format!("{e}: {KINDS}")))?;
        let name = command.get_name().to_owned();
        clap_complete::generate(shell, &mut command, name, &mut text);
    }
    std::io::Write::write_all(&mut stdout(), &text)
}
