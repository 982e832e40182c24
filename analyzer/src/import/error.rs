//! Why a file cannot be imported: one sentence, with the row.

use std::path::PathBuf;

/// A problem with its file.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{}: {problem}", path.display())]
#[diagnostic(help("nothing was imported; repair or leave out this file"))]
pub struct ImportError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Reading fails: also damaged or truncated gzip data.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Not one of the known forms.
    #[error(
        "not a k6 CSV or JSON output, k6 summary, oha JSON or wrk2 output: it begins with {0:?}"
    )]
    Unknown(String),
    /// A row that is not as it must be.
    #[error("row {row}: {what}")]
    Row {
        /// Counted from 1, the header included.
        row: u64,
        /// What is wrong.
        what: String,
    },
    /// A document that is not as it must be.
    #[error("{0}")]
    Form(String),
    /// A figure that cannot be.
    #[error("{name} is {value}: not a figure that can be")]
    Figure {
        /// Metric.
        name: String,
        /// Value.
        value: String,
    },
    /// Nothing in it.
    #[error("{what} in it")]
    Nothing {
        /// What is missing.
        what: &'static str,
    },
}

impl Problem {
    /// A row's problem.
    pub fn row(row: u64, what: impl Into<String>) -> Self {
        Self::Row {
            row,
            what: what.into(),
        }
    }
}
