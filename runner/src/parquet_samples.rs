//! `samples.parquet` as written by the k6 extension (docs/FORMAT.md).

use std::path::Path;

use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use parquet::basic::Type as Physical;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{BoolType, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};

/// All requests of one repetition, a vector a column, in order of completion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// ns since the Unix epoch.
    pub started_at: Vec<i64>,
    /// ns.
    pub duration: Vec<i64>,
    /// HTTP status; 0: no answer.
    pub status: Vec<i32>,
    /// k6 counts it as failed.
    pub failed: Vec<bool>,
    /// Index into [`Samples::names`].
    pub endpoint: Vec<u16>,
    /// Index into [`Samples::names`].
    pub phase: Vec<u16>,
    /// Names of endpoints and phases.
    pub names: Vec<String>,
    /// Rows that did not fit the record.
    pub rows_dropped: u64,
    /// k6's version.
    pub k6_version: String,
}

impl Samples {
    /// Reads a file.
    ///
    /// # Errors
    /// No such file, or not of the documented form.
    pub fn read(path: &Path) -> miette::Result<Self> {
        Self::read_inner(path)
            .wrap_err_with(|| format!("{} is no record of requests", path.display()))
    }

    fn read_inner(path: &Path) -> miette::Result<Self> {
        let file = fs_err::File::open(path).into_diagnostic()?.into_file();
        let reader = SerializedFileReader::new(file).into_diagnostic()?;
        let metadata = reader.metadata().file_metadata();
        let entry = |key: &str| {
            let list = metadata.key_value_metadata()?;
            list.iter().find(|kv| kv.key == key)?.value.clone()
        };
        let mut out = Self {
            rows_dropped: entry("rows_dropped")
                .and_then(|v| v.parse().ok())
                .ok_or_else(|| miette!("no rows_dropped in its metadata"))?,
            k6_version: entry("k6.version").unwrap_or_default(),
            ..Self::default()
        };
        for i in 0..reader.num_row_groups() {
            let group = reader.get_row_group(i).into_diagnostic()?;
            out.started_at
                .extend(column::<Int64Type>(&*group, "started_at", Physical::INT64)?);
            out.duration
                .extend(column::<Int64Type>(&*group, "duration", Physical::INT64)?);
            out.status
                .extend(column::<Int32Type>(&*group, "status", Physical::INT32)?);
            out.failed
                .extend(column::<BoolType>(&*group, "failed", Physical::BOOLEAN)?);
            for name in column::<ByteArrayType>(&*group, "endpoint", Physical::BYTE_ARRAY)? {
                let id = out.id_of(name.data())?;
                out.endpoint.push(id);
            }
            for name in column::<ByteArrayType>(&*group, "phase", Physical::BYTE_ARRAY)? {
                let id = out.id_of(name.data())?;
                out.phase.push(id);
            }
        }
        let n = out.started_at.len();
        let equal = [
            out.duration.len(),
            out.status.len(),
            out.failed.len(),
            out.endpoint.len(),
            out.phase.len(),
        ];
        if equal.iter().any(|l| *l != n) {
            return Err(miette!("its columns differ in length"));
        }
        Ok(out)
    }

    fn id_of(&mut self, name: &[u8]) -> miette::Result<u16> {
        if let Some(i) = self.names.iter().position(|known| known.as_bytes() == name) {
            return u16::try_from(i).into_diagnostic();
        }
        if self.names.len() == usize::from(u16::MAX) {
            return Err(miette!("too many names of endpoints"));
        }
        self.names
            .push(String::from_utf8(name.to_vec()).into_diagnostic()?);
        u16::try_from(self.names.len() - 1).into_diagnostic()
    }

    /// Rows of a phase, by index, in order of their start.
    pub fn phase_in_time_order(&self, phase: &str) -> Vec<usize> {
        let Some(id) = self.names.iter().position(|n| n == phase) else {
            return Vec::new();
        };
        let mut rows: Vec<usize> = (0..self.phase.len())
            .filter(|&i| usize::from(self.phase[i]) == id)
            .collect();
        rows.sort_unstable_by_key(|&i| self.started_at[i]);
        rows
    }

    /// Requests of the whole record by endpoint name.
    pub fn count_by_endpoint(&self) -> std::collections::BTreeMap<String, u64> {
        let mut counts = vec![0u64; self.names.len()];
        for &id in &self.endpoint {
            counts[usize::from(id)] += 1;
        }
        self.names
            .iter()
            .cloned()
            .zip(counts)
            .filter(|(_, n)| *n > 0)
            .collect()
    }
}

fn column<T: DataType>(
    group: &dyn RowGroupReader,
    name: &str,
    physical: Physical,
) -> miette::Result<Vec<T::T>> {
    let schema = group.metadata().schema_descr_ptr();
    let index = (0..schema.num_columns())
        .find(|&i| schema.column(i).name() == name)
        .ok_or_else(|| miette!("it has no column `{name}`"))?;
    if schema.column(index).physical_type() != physical {
        return Err(miette!(
            "its column `{name}` is {}, not {physical}",
            schema.column(index).physical_type()
        ));
    }
    if schema.column(index).max_def_level() > 0 {
        return Err(miette!("its column `{name}` may be null"));
    }
    let rows = usize::try_from(group.metadata().num_rows()).into_diagnostic()?;
    let mut reader =
        get_typed_column_reader::<T>(group.get_column_reader(index).into_diagnostic()?);
    let mut values = Vec::with_capacity(rows);
    reader
        .read_records(rows, None, None, &mut values)
        .into_diagnostic()?;
    Ok(values)
}
