//! `k6 run --out csv=FILE`.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::error::Problem;
use super::guard::Guard;
use super::rows::{Choice, Request, Rows};
use super::{Imported, Kind};

const BUFFER: usize = 1 << 18;

/// Where the columns stand.
struct Columns {
    metric: usize,
    time: usize,
    value: usize,
    expected: Option<usize>,
    error_code: Option<usize>,
    status: Option<usize>,
    name: Option<usize>,
    group: Option<usize>,
    scenario: Option<usize>,
}

/// Reads it.
///
/// # Errors
/// The first row that is not as k6 writes them.
pub fn read(input: impl Read, choice: &Choice) -> Result<Imported, Problem> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(BUFFER)
        .from_reader(Guard::new(input));
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(problem)? {
        return Err(Problem::Nothing { what: "no row" });
    }
    let columns = columns(&record)?;
    let mut rows = Rows::new();
    while reader.read_byte_record(&mut record).map_err(problem)? {
        let row = record.position().map_or(0, csv::Position::line);
        match &record[columns.metric] {
            b"http_req_duration" => request(row, &record, &columns, &mut rows, choice)?,
            b"dropped_iterations" => rows.dropped += number(row, &record[columns.value])?,
            b"vus" => rows.user_count(number(row, &record[columns.value])?),
            _ => {}
        }
    }
    rows.finish(Kind::K6Csv, choice)
}

fn columns(header: &ByteRecord) -> Result<Columns, Problem> {
    let find = |name: &str| header.iter().position(|field| field == name.as_bytes());
    let need = |name: &str| find(name).ok_or_else(|| Problem::row(1, format!("no column {name}")));
    Ok(Columns {
        metric: need("metric_name")?,
        time: need("timestamp")?,
        value: need("metric_value")?,
        expected: find("expected_response"),
        error_code: find("error_code"),
        status: find("status"),
        name: find("name"),
        group: find("group"),
        scenario: find("scenario"),
    })
}

fn request(
    row: u64,
    record: &ByteRecord,
    columns: &Columns,
    rows: &mut Rows,
    choice: &Choice,
) -> Result<(), Problem> {
    let text = |column: Option<usize>| column.map_or(Ok(""), |c| utf8(row, &record[c]));
    let group = text(columns.group)?;
    if group == "::setup" || group == "::teardown" {
        return Ok(());
    }
    let failed = match text(columns.expected)? {
        "true" => false,
        "false" => true,
        _ => {
            let status: u16 = text(columns.status)?.parse().unwrap_or(0);
            !text(columns.error_code)?.is_empty() || !(200..400).contains(&status)
        }
    };
    let request = Request {
        ended: time(row, utf8(row, &record[columns.time])?)?,
        duration_ms: number(row, &record[columns.value])?,
        failed,
        name: text(columns.name)?,
        scenario: text(columns.scenario)?,
    };
    rows.push(row, &request, choice)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970 (`K6_CSV_TIME_FORMAT`), or RFC 3339.
fn time(row: u64, text: &str) -> Result<i64, Problem> {
    let bad = || Problem::row(row, format!("a time {text:?}"));
    if let Ok(number) = text.parse::<i64>() {
        let scale = match number {
            i64::MIN..0 => return Err(bad()),
            0..100_000_000_000 => 1_000_000_000,
            100_000_000_000..100_000_000_000_000 => 1_000_000,
            100_000_000_000_000..100_000_000_000_000_000 => 1_000,
            _ => 1,
        };
        return number.checked_mul(scale).ok_or_else(bad);
    }
    super::k6_lines::rfc3339(text).ok_or_else(bad)
}

fn number(row: u64, bytes: &[u8]) -> Result<f64, Problem> {
    let text = utf8(row, bytes)?;
    text.parse::<f64>()
        .ok()
        .filter(|v| v.is_finite())
        .ok_or_else(|| Problem::row(row, format!("{:?} is no number", short(text))))
}

fn utf8(row: u64, bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| Problem::row(row, "not UTF-8"))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn problem(e: csv::Error) -> Problem {
    let row = e.position().map_or(0, csv::Position::line);
    match e.into_kind() {
        csv::ErrorKind::Io(e) => Problem::Io(e),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => Problem::row(
            row,
            format!(
                "{len} fields where the header has {expected_len}: truncated, or two outputs in one file"
            ),
        ),
        _ => Problem::row(row, "no CSV"),
    }
}
