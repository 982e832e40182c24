//! Results that were made without this lab: one file is one repetition.
//!
//! Files are read in a stream; what is kept of a row is 19 bytes. Lines and whole documents have a greatest length,
//! so that no file, however it was made, takes more memory than [`MOST_ROWS`] rows.

mod ahead;
pub mod error;
pub mod json;
pub mod k6_csv;
pub mod k6_lines;
pub mod k6_summary;
mod lines;
pub mod oha;
mod rows;
pub mod sniff;
pub mod wrk2;

use std::path::Path;

use lab_stats::physics::{self, Observed};
use lab_stats::session::Repetition;

pub use error::ImportError;
pub use rows::{Choice, MOST_ROWS};

use crate::figures::Figures;
use ahead::ahead;

/// What made a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `k6 run --out csv=…`
    K6Csv,
    /// `k6 run --out json=…`
    K6Json,
    /// `--summary-export` or the data of `handleSummary()`.
    K6Summary,
    /// `oha --output-format json`
    Oha,
    /// The text that wrk2 prints with `--latency`.
    Wrk2,
}

impl Kind {
    /// For people and for the environment of the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::K6Csv => "k6 CSV",
            Self::K6Json => "k6 JSON",
            Self::K6Summary => "k6 summary",
            Self::Oha => "oha JSON",
            Self::Wrk2 => "wrk2 text",
        }
    }
}

/// What a file holds.
#[derive(Debug)]
pub struct Imported {
    /// What made it.
    pub kind: Kind,
    /// Figures by metric name, counts, tail support; the target is set by the caller.
    pub repetition: Repetition,
    /// From raw requests, where there are some.
    pub figures: Option<Figures>,
    /// For the physics checks.
    pub observed: Observed,
    /// What it cannot support.
    pub cannot: Vec<String>,
}

/// Reads one file.
///
/// # Errors
/// One sentence with file and row.
pub fn read(path: &Path, choice: &Choice) -> Result<Imported, ImportError> {
    let named = |problem| ImportError {
        path: path.to_owned(),
        problem,
    };
    let file = fs_err::File::open(path).map_err(|e| named(e.into()))?;
    from_reader(file, choice).map_err(named)
}

/// Reads from anything.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn from_reader(
    reader: impl std::io::Read + Send,
    choice: &Choice,
) -> Result<Imported, error::Problem> {
    let (kind, input) = sniff::open(reader)?;
    match kind {
        Kind::K6Csv => ahead(input, |input| k6_csv::read(input, choice)),
        Kind::K6Json => ahead(input, |input| k6_lines::read(input, choice)),
        Kind::K6Summary => k6_summary::read(&json::whole(input)?),
        Kind::Oha => oha::read(&json::whole(input)?),
        Kind::Wrk2 => wrk2::read(&json::text(input)?),
    }
}

/// From figures that a tool printed to a repetition; figures that are no numbers are refused.
fn summarised(
    kind: Kind,
    repetition: Repetition,
    observed: Observed,
    cannot: Vec<String>,
) -> Result<Imported, error::Problem> {
    for (name, value) in &repetition.metrics {
        if value.is_some_and(|v| !v.is_finite() || v < 0.0) {
            return Err(error::Problem::Figure {
                name: name.clone(),
                value: value.unwrap_or_default().to_string(),
            });
        }
    }
    if repetition.metrics.values().all(Option::is_none) {
        return Err(error::Problem::Nothing {
            what: "no latency and no rate",
        });
    }
    Ok(Imported {
        kind,
        repetition,
        figures: None,
        observed,
        cannot,
    })
}

/// Physics of an imported repetition, as flags of the report.
pub fn physics_failures(imported: &Imported) -> Vec<physics::Check> {
    physics::check(&imported.observed)
        .into_iter()
        .filter(|c| !c.ok)
        .collect()
}
