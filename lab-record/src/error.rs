//! What can be wrong with a record.

use std::path::PathBuf;

/// Every message says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file cannot be read or written; the message of `fs-err` names it.
    #[error("{0}; check the folder, its owner and the free space")]
    File(#[from] std::io::Error),
    /// No line of a record at all.
    #[error(
        "{path} has no record of requests: was k6 started with --console-output={path} --log-format=raw, without \
         BENCH_RECORD=0, and did it reach its end? (its own messages say)"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A line of the record that the script does not write.
    #[error(
        "{path}:{line}: {problem}; the record is damaged or written by another version of loadtest/scripts: run the \
         repetition again"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Each line is well, but some are missing.
    #[error(
        "{path}: {problem}; k6 ended before all its users had handed over their rows: run the repetition again, and look \
         into its messages if it happens again"
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
    /// Writing the Parquet file failed.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// A file that is no `samples.parquet`.
    #[error("{path} is no record of requests: {problem}; docs/FORMAT.md tells the form")]
    NotSamples {
        /// The file.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
}
