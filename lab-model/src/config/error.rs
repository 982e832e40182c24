//! One kind of error for everything wrong with `lab.toml`: what, where (file, line, column), and what to do.

use miette::{Diagnostic, NamedSource, SourceSpan};

/// `lab.toml` cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    #[diagnostic(help("run from the project's folder, or name the file with --lab FILE"))]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file says something impossible.
    #[error("{path}:{line}:{column}: {message}")]
    Invalid {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The text, for the excerpt.
        #[source_code]
        source_code: NamedSource<String>,
        /// The place.
        #[label("here")]
        span: SourceSpan,
        /// What to do.
        #[help]
        hint: Option<String>,
    },
    /// A name given on the command line is not in the file.
    #[error("no {kind} named `{name}` in lab.toml")]
    #[diagnostic(help("{hint}"))]
    Unknown {
        /// "mode", "target" or "profile".
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// The names there are, nearest first.
        hint: String,
    },
    /// A number of connections that cannot be had.
    #[error("mode {mode}: {message}")]
    #[diagnostic(help("{hint}"))]
    Connections {
        /// Mode.
        mode: String,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The pool of one process would not be a whole number.
    #[error("{}", pool_message(mode, *db_connections, *processes))]
    #[diagnostic(help(
        "choose db_connections as a multiple of workers; it is never rounded, because then the budgets would differ"
    ))]
    PoolDoesNotDivide {
        /// Mode.
        mode: String,
        /// Connections in all.
        db_connections: u32,
        /// Processes that share them.
        processes: u32,
    },
}

/// The sentence for a pool that does not divide; the Nix code says the same words.
pub fn pool_message(mode: &str, db_connections: u32, processes: u32) -> String {
    format!("mode {mode}: {db_connections} db_connections do not divide by {processes} processes")
}

/// "did you mean …" for a misspelt name.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(d, k)| *d <= 1 + k.len() / 3)
        .min()
        .map(|(_, k)| k)
}
