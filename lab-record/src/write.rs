//! Writes `samples.parquet`.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};

use crate::handover::{Record, Row};
use crate::{CLOCK_RESOLUTION_NS, RecordError, Result, SCHEMA_VERSION};

/// Rows read in one piece: enough for readers to work on several at once.
const GROUP_ROWS: usize = 1 << 18;

/// Column, type. The order is the file's.
const COLUMNS: [(&str, Physical); 7] = [
    ("started_at", Physical::INT64),
    ("duration", Physical::INT64),
    ("waiting", Physical::INT64),
    ("status", Physical::INT32),
    ("endpoint", Physical::BYTE_ARRAY),
    ("phase", Physical::BYTE_ARRAY),
    ("failed", Physical::BOOLEAN),
];

/// Writes under a temporary name, makes it durable, and renames it.
pub(crate) fn write(record: &Record, path: &Path, k6_version: &str) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".samples-")
        .permissions(readable())
        .tempfile_in(folder)?;
    fill(record, file.as_file_mut(), k6_version).map_err(|source| RecordError::Write {
        path: path.to_owned(),
        source,
    })?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    fs_err::File::open(folder)?.sync_all()?;
    Ok(())
}

/// As an ordinary new file, not a private one.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

fn fill(
    record: &Record,
    file: &mut std::fs::File,
    k6_version: &str,
) -> std::result::Result<(), ParquetError> {
    let mut writer = SerializedFileWriter::new(
        std::io::BufWriter::new(file),
        Arc::new(schema()?),
        Arc::new(properties(record, k6_version)?),
    )?;
    let phases = texts(record.phases.as_slice());
    let endpoints = texts(record.endpoints.as_slice());
    let name = |names: &[ByteArray], number: u8| names[usize::from(number)].clone();
    for rows in record.rows.chunks(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        let out = &mut group;
        column::<Int64Type>(out, rows.iter().map(|row| row.times.started_at))?;
        column::<Int64Type>(out, rows.iter().map(|row| row.times.duration))?;
        column::<Int64Type>(out, rows.iter().map(|row| row.times.waiting))?;
        column::<Int32Type>(out, rows.iter().map(|row| row.status.into()))?;
        column::<ByteArrayType>(out, rows.iter().map(|row| name(&endpoints, row.endpoint)))?;
        column::<ByteArrayType>(out, rows.iter().map(|row| name(&phases, row.phase)))?;
        column::<BoolType>(out, rows.iter().map(failed))?;
        group.close()?;
    }
    let mut inner = writer.into_inner()?;
    std::io::Write::flush(&mut inner)?;
    Ok(())
}

/// k6 takes 200 to 399 as expected, unless a script says otherwise; ours do not.
fn failed(row: &Row) -> bool {
    !(200..400).contains(&row.status)
}

fn texts(names: &[String]) -> Vec<ByteArray> {
    names
        .iter()
        .map(|name| ByteArray::from(name.as_str()))
        .collect()
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl std::io::Write + Send>,
    values: impl Iterator<Item = T::T>,
) -> std::result::Result<(), ParquetError> {
    let values: Vec<T::T> = values.collect();
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns written than declared".to_owned()))?;
    column.typed::<T>().write_batch(&values, None, None)?;
    column.close()
}

fn schema() -> std::result::Result<Type, ParquetError> {
    let fields = COLUMNS.map(|(name, physical)| {
        let text = (physical == Physical::BYTE_ARRAY).then_some(LogicalType::String);
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(text)
            .build()
            .map(Arc::new)
    });
    let fields = fields.into_iter().collect::<std::result::Result<_, _>>()?;
    Type::group_type_builder("request")
        .with_fields(fields)
        .build()
}

fn properties(
    record: &Record,
    k6_version: &str,
) -> std::result::Result<WriterProperties, ParquetError> {
    let entry = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("lab-record ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(vec![
            entry("bench.schema_version", SCHEMA_VERSION.to_string()),
            entry("k6.version", k6_version.to_owned()),
            entry("rows", record.rows.len().to_string()),
            entry("rows_dropped", record.dropped.to_string()),
            entry("clock_resolution_ns", CLOCK_RESOLUTION_NS.to_string()),
        ]));
    // Numbers that are close to their neighbours are packed by difference; the few statuses and names are a dictionary.
    for name in ["started_at", "duration", "waiting"] {
        let path = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}
