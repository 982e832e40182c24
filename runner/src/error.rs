//! Exit codes and the errors that carry them.

use miette::Diagnostic;

/// Exit codes of `bench`; documented in README and `bench --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done and is valid.
    Ok = 0,
    /// Finished, but some repetitions are invalid (or a check found problems).
    SomeInvalid = 1,
    /// Usage, configuration, or a file that cannot be read or written.
    Usage = 2,
    /// Limits cannot be enforced here.
    Limits = 3,
    /// A service does not keep the contract.
    Contract = 4,
    /// Interrupted; `bench resume` goes on.
    Interrupted = 130,
}

/// Errors with an exit code of their own; everything else is [`Exit::Usage`].
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum LabError {
    /// No quota, or more CPUs wanted than there are.
    #[error("{message}")]
    #[diagnostic(help("{help}"))]
    Limits {
        /// What cannot be enforced.
        message: String,
        /// What to do.
        help: String,
    },
    /// The contract is broken.
    #[error("{target} does not keep the contract (what differs is above)")]
    #[diagnostic(help(
        "nothing was measured: a service that answers otherwise is not comparable. `bench contract {target}` shows all that differs"
    ))]
    Contract {
        /// Target.
        target: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// Another run is going on.
    #[error("another bench is running on this machine: {holder}")]
    #[diagnostic(help(
        "two runs at once would disturb each other: wait for it, or stop it (`kill {pid}`; it cleans up after itself)"
    ))]
    Busy {
        /// Who: process and command.
        holder: String,
        /// Its process id.
        pid: String,
    },
}

impl LabError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Limits { .. } => Exit::Limits,
            Self::Contract { .. } => Exit::Contract,
            Self::Interrupted => Exit::Interrupted,
            Self::Busy { .. } => Exit::Usage,
        }
    }
}

/// The exit code of any report.
pub fn exit_of(report: &miette::Report) -> Exit {
    report
        .downcast_ref::<LabError>()
        .map_or(Exit::Usage, LabError::exit)
}
