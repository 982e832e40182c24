//! `samples.parquet` by polars: a lazy scan that reads only the columns and the phase that are asked for.

use std::path::Path;

use miette::{IntoDiagnostic as _, WrapErr as _};
use polars::prelude::{
    Column, DataFrame, LazyFrame, ParallelStrategy, PlRefPath, PolarsError, PolarsResult,
    ScanArgsParquet, col,
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
        let mut out = Self::default();
        let measured: Vec<bool> = texts(frame, "phase", |phase| Ok(phase == "measure"))?;
        let endpoint = texts(frame, "endpoint", |name| out.id_of(name))?;
        let failed = full(frame, "failed")?.bool()?;
        let failed = failed.downcast_iter().flat_map(|c| c.values_iter());
        out.started_at = kept(&measured, integers(frame, "started_at")?);
        out.duration = kept(&measured, integers(frame, "duration")?);
        out.failed = kept(&measured, failed.collect());
        out.endpoint = kept(&measured, endpoint);
        out.sort();
        Ok(out)
    }

    /// The number of a name.
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

    /// Each endpoint's name and rows.
    pub fn by_endpoint(&self) -> impl Iterator<Item = (&str, Self)> {
        let mut rows = vec![0; self.endpoints.len()];
        for id in &self.endpoint {
            rows[usize::from(*id)] += 1;
        }
        let room = |n: usize| Self {
            started_at: Vec::with_capacity(n),
            duration: Vec::with_capacity(n),
            failed: Vec::with_capacity(n),
            ..Self::default()
        };
        let mut parts: Vec<Self> = rows.into_iter().map(room).collect();
        for (i, id) in self.endpoint.iter().enumerate() {
            let part = &mut parts[usize::from(*id)];
            part.started_at.push(self.started_at[i]);
            part.duration.push(self.duration[i]);
            part.failed.push(self.failed[i]);
        }
        self.endpoints.iter().map(String::as_str).zip(parts)
    }
}

/// Whole columns, and no predicate: to decode what a filter leaves is slower than to decode everything and leave out the
/// little that is warm-up.
fn scan(path: &Path) -> PolarsResult<DataFrame> {
    let place = PlRefPath::new(path.to_string_lossy());
    let args = ScanArgsParquet {
        // A folder name with a star in it is a folder name.
        glob: false,
        // Files are read in parallel, columns need not be.
        parallel: ParallelStrategy::None,
        ..ScanArgsParquet::default()
    };
    LazyFrame::scan_parquet(place, args)?
        .select(["started_at", "duration", "failed", "endpoint", "phase"].map(col))
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

/// What each text of a column means. There are few different ones: each is looked at once, and then known by where it lies.
fn texts<T: Copy>(
    frame: &DataFrame,
    name: &str,
    mut meaning: impl FnMut(&str) -> PolarsResult<T>,
) -> PolarsResult<Vec<T>> {
    const FEW: usize = 64;
    let column = full(frame, name)?.str()?;
    let mut out = Vec::with_capacity(column.len());
    for chunk in column.downcast_iter() {
        let mut known: Vec<(u128, T)> = Vec::new();
        for (view, text) in chunk.views().iter().zip(chunk.values_iter()) {
            let view = view.as_u128();
            let found = known.iter().find(|(place, _)| *place == view);
            out.push(match found {
                Some((_, meaning)) => *meaning,
                None => {
                    let found = meaning(text)?;
                    if known.len() < FEW {
                        known.push((view, found));
                    }
                    found
                }
            });
        }
    }
    Ok(out)
}

/// The rows that are marked. They mostly follow each other.
fn kept<T: Copy>(marks: &[bool], mut column: Vec<T>) -> Vec<T> {
    let first = marks.iter().position(|m| *m).unwrap_or(marks.len());
    let rest = &marks[first..];
    let n = rest.iter().position(|m| !*m).unwrap_or(rest.len());
    if rest[n..].contains(&true) {
        let mut marks = marks.iter();
        column.retain(|_| marks.next() == Some(&true));
    } else {
        column.truncate(first + n);
        column.drain(..first);
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_rows_are_kept() {
        for marks in [
            [true; 5],
            [false; 5],
            [false, false, true, true, true],
            [true, true, false, false, false],
            [true, false, true, false, true],
            [false, true, true, false, true],
        ] {
            let want: Vec<usize> = (0..5).filter(|&i| marks[i]).collect();
            assert_eq!(kept(&marks, (0..5).collect()), want);
        }
    }
}
