//! `samples.parquet` by polars: a lazy scan that reads only the columns and the phase that are asked for.

use std::path::Path;

use miette::{IntoDiagnostic as _, WrapErr as _};
use polars::prelude::{
    Column, DataFrame, LazyFrame, PlRefPath, PolarsError, PolarsResult, ScanArgsParquet, col, lit,
};

/// The measured phase of one repetition, in order of start times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// ns since the Unix epoch.
    pub started_at: Vec<i64>,
    /// ns.
    pub duration: Vec<i64>,
    /// k6 counts it as failed.
    pub failed: Vec<bool>,
    /// Index into `endpoints`.
    pub endpoint: Vec<u16>,
    /// Names of requests.
    pub endpoints: Vec<String>,
}

impl Measured {
    /// Reads a file.
    ///
    /// # Errors
    /// No such file, or not of the documented form.
    pub fn read(path: &Path) -> miette::Result<Self> {
        scan(path)
            .and_then(|frame| Self::of(&frame))
            .into_diagnostic()
            .wrap_err_with(|| format!("{} is no record of requests", path.display()))
    }

    fn of(frame: &DataFrame) -> PolarsResult<Self> {
        let mut out = Self {
            started_at: integers(frame, "started_at")?,
            duration: integers(frame, "duration")?,
            ..Self::default()
        };
        for chunk in full(frame, "failed")?.bool()?.downcast_iter() {
            out.failed.extend(chunk.values_iter());
        }
        out.endpoint.reserve(out.duration.len());
        for chunk in full(frame, "endpoint")?.str()?.downcast_iter() {
            for name in chunk.values_iter() {
                let id = out.id_of(name)?;
                out.endpoint.push(id);
            }
        }
        out.sort();
        Ok(out)
    }

    /// The number of a name; there are few, so a search is cheaper than a map.
    ///
    /// # Errors
    /// More than 65,536 names.
    pub fn id_of(&mut self, name: &str) -> PolarsResult<u16> {
        let found = self.endpoints.iter().position(|known| known == name);
        let id = found.unwrap_or(self.endpoints.len());
        if found.is_none() {
            self.endpoints.push(name.to_owned());
        }
        u16::try_from(id)
            .map_err(|_| PolarsError::ComputeError("more than 65,536 endpoints".into()))
    }

    /// Puts rows into the order of their start; the lab's files already have it.
    pub fn sort(&mut self) {
        if self.started_at.is_sorted() {
            return;
        }
        let mut rows: Vec<usize> = (0..self.started_at.len()).collect();
        rows.sort_by_key(|&i| self.started_at[i]);
        self.started_at = rows.iter().map(|&i| self.started_at[i]).collect();
        self.duration = rows.iter().map(|&i| self.duration[i]).collect();
        self.failed = rows.iter().map(|&i| self.failed[i]).collect();
        self.endpoint = rows.iter().map(|&i| self.endpoint[i]).collect();
    }

    /// Durations of the good answers.
    pub fn good(&self) -> Vec<i64> {
        let rows = self.duration.iter().zip(&self.failed);
        rows.filter(|(_, failed)| !**failed)
            .map(|(d, _)| *d)
            .collect()
    }

    /// Rows of one endpoint.
    pub fn of_endpoint(&self, id: u16) -> Self {
        let rows = || (0..self.duration.len()).filter(move |&i| self.endpoint[i] == id);
        Self {
            started_at: rows().map(|i| self.started_at[i]).collect(),
            duration: rows().map(|i| self.duration[i]).collect(),
            failed: rows().map(|i| self.failed[i]).collect(),
            ..Self::default()
        }
    }
}

fn scan(path: &Path) -> PolarsResult<DataFrame> {
    let place = PlRefPath::new(path.to_string_lossy());
    let args = ScanArgsParquet {
        // A folder name with a star in it is a folder name.
        glob: false,
        ..ScanArgsParquet::default()
    };
    LazyFrame::scan_parquet(place, args)?
        .filter(col("phase").eq(lit("measure")))
        .select(["started_at", "duration", "failed", "endpoint"].map(col))
        .collect()
}

fn full<'a>(frame: &'a DataFrame, name: &str) -> PolarsResult<&'a Column> {
    let column = frame.column(name)?;
    if column.null_count() > 0 {
        let text = format!("column `{name}` has {} nulls", column.null_count());
        return Err(PolarsError::SchemaMismatch(text.into()));
    }
    Ok(column)
}

fn integers(frame: &DataFrame, name: &str) -> PolarsResult<Vec<i64>> {
    let column = full(frame, name)?.i64()?;
    let mut out = Vec::with_capacity(column.len());
    for chunk in column.downcast_iter() {
        out.extend_from_slice(chunk.values());
    }
    Ok(out)
}
