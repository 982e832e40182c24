//! `samples.parquet` by polars: a lazy scan that reads only the columns and the phase that are asked for.

use std::path::Path;

use miette::{IntoDiagnostic as _, WrapErr as _};
use polars::prelude::{
    DataFrame, LazyFrame, PlRefPath, ScanArgsParquet, SortMultipleOptions, col, lit,
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
    /// Name of the request.
    pub endpoint: Vec<u16>,
    /// Names that `endpoint` points into.
    pub endpoints: Vec<String>,
}

impl Measured {
    /// Reads a file.
    ///
    /// # Errors
    /// No such file, or not of the documented form.
    pub fn read(path: &Path) -> miette::Result<Self> {
        let frame = scan(path)
            .into_diagnostic()
            .wrap_err_with(|| format!("{} is no record of requests", path.display()))?;
        Self::from_frame(&frame)
            .into_diagnostic()
            .wrap_err_with(|| format!("{} is no record of requests", path.display()))
    }

    fn from_frame(frame: &DataFrame) -> polars::prelude::PolarsResult<Self> {
        let mut out = Self {
            started_at: frame
                .column("started_at")?
                .i64()?
                .into_no_null_iter()
                .collect(),
            duration: frame
                .column("duration")?
                .i64()?
                .into_no_null_iter()
                .collect(),
            failed: frame
                .column("failed")?
                .bool()?
                .into_no_null_iter()
                .collect(),
            ..Self::default()
        };
        for name in frame.column("endpoint")?.str()?.into_no_null_iter() {
            let id = out
                .endpoints
                .iter()
                .position(|known| known == name)
                .unwrap_or_else(|| {
                    out.endpoints.push(name.to_owned());
                    out.endpoints.len() - 1
                });
            out.endpoint.push(u16::try_from(id).unwrap_or(u16::MAX));
        }
        Ok(out)
    }
}

fn scan(path: &Path) -> polars::prelude::PolarsResult<DataFrame> {
    let path = PlRefPath::new(path.to_string_lossy());
    LazyFrame::scan_parquet(path, ScanArgsParquet::default())?
        .filter(col("phase").eq(lit("measure")))
        .select([
            col("started_at"),
            col("duration"),
            col("failed"),
            col("endpoint"),
        ])
        .sort(
            ["started_at"],
            SortMultipleOptions::default().with_maintain_order(true),
        )
        .collect()
}
