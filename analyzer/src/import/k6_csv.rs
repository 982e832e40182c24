//! `k6 run --out csv=FILE`.

use std::io::Read;

use csv_core::ReadRecordResult;

use super::error::Problem;
use super::lines::Lines;
use super::rows::{Choice, Request, Rows};
use super::{Imported, Kind};

/// Where the columns stand.
struct Columns {
    all: usize,
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
    let mut lines = Lines::csv(input);
    let mut fields = Fields::default();
    let Some((_, header)) = lines.next()? else {
        return Err(Problem::Nothing { what: "no row" });
    };
    let columns = columns(&fields.split(header)?)?;
    let mut rows = Rows::new();
    while let Some((row, line)) = lines.next()? {
        // Most rows are of other metrics: their fields are counted and no more.
        if columns.metric == 0 && passed_over(line) && commas(line) + 1 == columns.all {
            continue;
        }
        let record = fields.split(line).map_err(|e| e.at(row))?;
        if record.len() != columns.all {
            let text = format!(
                "{} fields where the header has {}: truncated, or two outputs in one file",
                record.len(),
                columns.all
            );
            return Err(Problem::row(row, text));
        }
        match record.get(columns.metric) {
            b"http_req_duration" => request(row, &record, &columns, &mut rows, choice)?,
            b"dropped_iterations" => rows.dropped += number(row, record.get(columns.value))?,
            b"vus" => rows.user_count(number(row, record.get(columns.value))?),
            _ => {}
        }
    }
    rows.finish(Kind::K6Csv, choice)
}

fn passed_over(line: &[u8]) -> bool {
    let known: [&[u8]; 3] = [b"http_req_duration,", b"dropped_iterations,", b"vus,"];
    !known.iter().any(|start| line.starts_with(start)) && memchr::memchr(b'"', line).is_none()
}

fn commas(line: &[u8]) -> usize {
    memchr::memchr_iter(b',', line).count()
}

/// The fields of one row; what it needs is kept from row to row.
#[derive(Default)]
struct Fields {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Fields of a row.
struct Record<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    /// Bytes between two fields: a comma, unless quotes were taken away.
    gap: usize,
}

impl Record<'_> {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, i: usize) -> &[u8] {
        let from = i.checked_sub(1).map_or(0, |i| self.ends[i] + self.gap);
        &self.text[from..self.ends[i]]
    }
}

impl Fields {
    fn split<'a>(&'a mut self, line: &'a [u8]) -> Result<Record<'a>, Quotes> {
        self.ends.clear();
        if memchr::memchr(b'"', line).is_none() {
            self.ends.extend(memchr::memchr_iter(b',', line));
            self.ends.push(line.len());
            return Ok(Record {
                text: line,
                ends: &self.ends,
                gap: 1,
            });
        }
        self.text.resize(line.len() + 1, 0);
        self.ends.resize(commas(line) + 2, 0);
        self.reader.reset();
        let (first, read, text, n) = self
            .reader
            .read_record(line, &mut self.text, &mut self.ends);
        let (rest, ends) = (&mut self.text[text..], &mut self.ends[n..]);
        // A line has no line break at its end: empty input says that the row ends here.
        let (last, _, _, more) = self.reader.read_record(&[], rest, ends);
        if (first, last) != (ReadRecordResult::InputEmpty, ReadRecordResult::Record)
            || read != line.len()
        {
            return Err(Quotes);
        }
        Ok(Record {
            text: &self.text,
            ends: &self.ends[..n + more],
            gap: 0,
        })
    }
}

/// Quotes that do not fit.
struct Quotes;

impl Quotes {
    fn at(self, row: u64) -> Problem {
        Problem::row(row, "no CSV: its quotes do not fit")
    }
}

impl From<Quotes> for Problem {
    fn from(quotes: Quotes) -> Self {
        quotes.at(1)
    }
}

fn columns(header: &Record<'_>) -> Result<Columns, Problem> {
    let find = |name: &str| (0..header.len()).find(|&i| header.get(i) == name.as_bytes());
    let need = |name: &str| find(name).ok_or_else(|| Problem::row(1, format!("no column {name}")));
    Ok(Columns {
        all: header.len(),
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
    record: &Record<'_>,
    columns: &Columns,
    rows: &mut Rows,
    choice: &Choice,
) -> Result<(), Problem> {
    let text = |column: Option<usize>| column.map_or(Ok(""), |c| utf8(row, record.get(c)));
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
        ended: time(row, utf8(row, record.get(columns.time))?)?,
        duration_ms: number(row, record.get(columns.value))?,
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
