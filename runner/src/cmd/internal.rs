//! Hidden subcommands: what the runner starts itself as.

use miette::IntoDiagnostic as _;

use crate::cli::{ExecArgs, GuardArgs};
use crate::error::Exit;

/// `bench __exec`: becomes the program; returns only on failure, with the code a shell would give.
pub fn exec(args: &ExecArgs) -> u8 {
    let spec: lab_limits::ExecSpec = match serde_json::from_str(&args.spec) {
        Ok(spec) => spec,
        Err(e) => {
            crate::ui::warn(&format!("bench __exec: bad spec: {e}"));
            return 126;
        }
    };
    match lab_limits::exec_child(&spec, &args.command) {
        Ok(never) => match never {},
        Err(e) => {
            crate::ui::warn(&e.to_string());
            e.exit_code()
        }
    }
}

/// `bench __guard`.
///
/// # Errors
/// Something does not go away.
pub fn guard(args: &GuardArgs) -> miette::Result<Exit> {
    let session: lab_limits::Session = serde_json::from_str(&args.session).into_diagnostic()?;
    crate::session::guard(&session, &args.dir)?;
    Ok(Exit::Ok)
}
