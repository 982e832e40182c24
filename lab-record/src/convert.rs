//! From the console of k6 to `samples.parquet`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::handover::{Handover, Record};
use crate::line;
use crate::live::live_latencies;
use crate::write::write;
use crate::{RecordError, Result};

/// No line of the record is longer; the script's are 33 kB.
const LONGEST_LINE: u64 = 16 << 20;

/// What [`convert`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Requests in the record, warm-up and measurement.
    pub rows: u64,
    /// The same by phase; phases without a request are missing.
    pub rows_by_phase: BTreeMap<String, u64>,
    /// Requests that did not fit the record. Anything but 0 makes the repetition invalid.
    pub rows_dropped: u64,
    /// Users of the load; each handed over exactly once.
    pub vus: u32,
    /// What the script said besides the record and what it told while it ran, a line each.
    pub messages: String,
}

/// Reads the hand-over from `log`, the file of `--console-output`, and writes `samples` (whole or not at all).
///
/// # Errors
/// No record, a damaged or incomplete one (a user that is missing or hands over twice, counts that do not add up), or
/// `samples` cannot be written.
pub fn convert(log: &Path, samples: &Path, k6_version: &str) -> Result<Converted> {
    let mut handover = Handover::default();
    let messages = split(log, |number, text| {
        let line = |problem| RecordError::Line {
            path: log.to_owned(),
            line: number,
            problem,
        };
        let parsed = line::parse(text).map_err(line)?;
        handover.take(parsed).map_err(line)
    })?;
    if handover.is_empty() {
        return Err(RecordError::Missing {
            path: log.to_owned(),
        });
    }
    let record = handover
        .finish()
        .map_err(|problem| RecordError::Incomplete {
            path: log.to_owned(),
            problem,
        })?;
    write(&record, samples, k6_version)?;
    Ok(Converted {
        rows: record.rows.len() as u64,
        rows_by_phase: by_phase(&record),
        rows_dropped: record.dropped,
        vus: record.vus,
        messages,
    })
}

/// What the script said besides the record and what it told while it ran: also of a record that is damaged.
///
/// # Errors
/// The file cannot be read.
pub fn messages(log: &Path) -> Result<String> {
    split(log, |_, _| Ok(()))
}

fn by_phase(record: &Record) -> BTreeMap<String, u64> {
    let names = record.phases.as_slice();
    let mut counts = vec![0; names.len()];
    for row in &record.rows {
        counts[usize::from(row.phase)] += 1;
    }
    names.iter().cloned().zip(counts).collect()
}

/// Calls `record` with number and text of every line of the record, and returns the messages.
fn split(log: &Path, mut record: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<String> {
    let mut reader = BufReader::with_capacity(1 << 18, fs_err::File::open(log)?);
    let mut messages = String::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        // A line cut off by the end of the file, or by LONGEST_LINE, is refused as damaged when it is parsed.
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if line::is_record(text) {
            record(number, text)?;
        } else if live_latencies(text).is_none() {
            messages.push_str(&String::from_utf8_lossy(text));
            messages.push('\n');
        }
    }
    Ok(messages)
}
