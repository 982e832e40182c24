//! Reads `samples.parquet`.

use std::collections::BTreeMap;
use std::path::Path;

use parquet::basic::Type as Physical;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::FileMetaData;
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};

use crate::{RecordError, Result, SCHEMA_VERSION};

/// All requests of one repetition, a vector a column, in order of their start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    /// ns since the Unix epoch, of a clock that ticks every `clock_resolution_ns`.
    pub started_at: Vec<i64>,
    /// ns: sending, waiting and receiving; not connecting.
    pub duration: Vec<i64>,
    /// ns from the last byte sent to the first byte received.
    pub waiting: Vec<i64>,
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
    /// Tick of the clock of `started_at`, in ns.
    pub clock_resolution_ns: i64,
    /// k6's version.
    pub k6_version: String,
}

impl Samples {
    /// Reads a file.
    ///
    /// # Errors
    /// No such file, or not of the documented form.
    pub fn read(path: &Path) -> Result<Self> {
        let file = fs_err::File::open(path)?.into_file();
        read(file).map_err(|problem| RecordError::NotSamples {
            path: path.to_owned(),
            problem,
        })
    }

    /// Rows of a phase, by index, in order of their start.
    #[must_use]
    pub fn phase_in_time_order(&self, phase: &str) -> Vec<usize> {
        let Some(id) = self.names.iter().position(|n| n == phase) else {
            return Vec::new();
        };
        let mut rows: Vec<usize> = (0..self.phase.len())
            .filter(|&i| usize::from(self.phase[i]) == id)
            .collect();
        rows.sort_by_key(|&i| self.started_at[i]);
        rows
    }

    /// Requests of the whole record by endpoint name.
    #[must_use]
    pub fn count_by_endpoint(&self) -> BTreeMap<String, u64> {
        let mut counts = vec![0u64; self.names.len()];
        for &id in &self.endpoint {
            counts[usize::from(id)] += 1;
        }
        let named = self.names.iter().cloned().zip(counts);
        named.filter(|(_, n)| *n > 0).collect()
    }

    fn id_of(&mut self, name: &[u8]) -> std::result::Result<u16, String> {
        if let Some(i) = self.names.iter().position(|known| known.as_bytes() == name) {
            return u16::try_from(i).map_err(|e| e.to_string());
        }
        let id = u16::try_from(self.names.len()).map_err(|_| "too many names".to_owned())?;
        let name = std::str::from_utf8(name).map_err(|e| format!("a name is no text: {e}"))?;
        self.names.push(name.to_owned());
        Ok(id)
    }
}

fn read(file: std::fs::File) -> std::result::Result<Samples, String> {
    let reader = SerializedFileReader::new(file).map_err(|e| e.to_string())?;
    let metadata = reader.metadata().file_metadata();
    let version: u32 = entry(metadata, "bench.schema_version")?;
    if version != SCHEMA_VERSION {
        return Err(format!(
            "it has form {version}, this program reads {SCHEMA_VERSION}"
        ));
    }
    let promised: u64 = entry(metadata, "rows")?;
    let mut out = Samples {
        rows_dropped: entry(metadata, "rows_dropped")?,
        clock_resolution_ns: entry(metadata, "clock_resolution_ns")?,
        k6_version: entry(metadata, "k6.version")?,
        ..Samples::default()
    };
    for i in 0..reader.num_row_groups() {
        let group = reader.get_row_group(i).map_err(|e| e.to_string())?;
        add_group(&mut out, &*group)?;
    }
    if out.started_at.len() as u64 != promised {
        return Err(format!(
            "it has {} rows and promises {promised}",
            out.started_at.len()
        ));
    }
    Ok(out)
}

fn add_group(out: &mut Samples, group: &dyn RowGroupReader) -> std::result::Result<(), String> {
    out.started_at
        .extend(column::<Int64Type>(group, "started_at", Physical::INT64)?);
    out.duration
        .extend(column::<Int64Type>(group, "duration", Physical::INT64)?);
    out.waiting
        .extend(column::<Int64Type>(group, "waiting", Physical::INT64)?);
    out.status
        .extend(column::<Int32Type>(group, "status", Physical::INT32)?);
    out.failed
        .extend(column::<BoolType>(group, "failed", Physical::BOOLEAN)?);
    let names = |name| column::<ByteArrayType>(group, name, Physical::BYTE_ARRAY);
    let endpoints = ids(out, &names("endpoint")?)?;
    out.endpoint.extend(endpoints);
    let phases = ids(out, &names("phase")?)?;
    out.phase.extend(phases);
    Ok(())
}

fn ids(out: &mut Samples, names: &[ByteArray]) -> std::result::Result<Vec<u16>, String> {
    names.iter().map(|name| out.id_of(name.data())).collect()
}

fn entry<T: std::str::FromStr>(
    metadata: &FileMetaData,
    key: &str,
) -> std::result::Result<T, String> {
    metadata
        .key_value_metadata()
        .and_then(|list| list.iter().find(|kv| kv.key == key))
        .and_then(|kv| kv.value.as_deref())
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| format!("no {key} in its metadata"))
}

/// A whole column of a group: exactly as many values as the group has rows.
fn column<T: DataType>(
    group: &dyn RowGroupReader,
    name: &str,
    physical: Physical,
) -> std::result::Result<Vec<T::T>, String> {
    let schema = group.metadata().schema_descr_ptr();
    let index = (0..schema.num_columns())
        .find(|&i| schema.column(i).name() == name)
        .ok_or_else(|| format!("it has no column `{name}`"))?;
    let found = schema.column(index);
    if found.physical_type() != physical {
        return Err(format!(
            "its column `{name}` is {}, not {physical}",
            found.physical_type()
        ));
    }
    if found.max_def_level() > 0 {
        return Err(format!("its column `{name}` may be null"));
    }
    let rows = usize::try_from(group.metadata().num_rows()).map_err(|e| e.to_string())?;
    let reader = group.get_column_reader(index).map_err(|e| e.to_string())?;
    // The promised number of rows is not trusted with memory.
    let mut values = Vec::with_capacity(rows.min(1 << 20));
    get_typed_column_reader::<T>(reader)
        .read_records(rows, None, None, &mut values)
        .map_err(|e| format!("its column `{name}`: {e}"))?;
    if values.len() != rows {
        return Err(format!(
            "its column `{name}` has {} of {rows} rows",
            values.len()
        ));
    }
    Ok(values)
}
