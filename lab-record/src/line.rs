//! The lines of the record among k6's console messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// All lines of the record begin with this.
const MARK: &[u8] = b"BENCH-RECORD ";
const MARK_END: &[u8] = b"BENCH-RECORD-END ";
/// The form of the lines that this crate reads.
const VERSION: u32 = 1;

/// One line of the record.
#[derive(Debug)]
pub(crate) enum Line {
    /// `BENCH-RECORD <vu> <chunk> <base64>`: rows of one user of the load; chunks count from 0.
    Chunk { vu: u32, chunk: u32, bytes: Vec<u8> },
    /// `BENCH-RECORD-END <json>`: this user has handed over everything.
    End(End),
}

/// What a user says when it has handed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    version: u32,
    /// Number of this user, from 1.
    pub(crate) vu: u32,
    /// Users of the load.
    pub(crate) vus: u32,
    /// Lines of rows before this one.
    pub(crate) chunks: u32,
    /// Rows in them.
    pub(crate) rows: u64,
    /// Requests that did not fit.
    pub(crate) dropped: u64,
    /// What start times count from: ms since the Unix epoch.
    pub(crate) base_ms: u64,
    /// Names by number.
    pub(crate) phases: Vec<String>,
    /// Names by number.
    pub(crate) endpoints: Vec<String>,
}

/// Is this line, whole or cut off, part of the record?
pub(crate) fn is_record(line: &[u8]) -> bool {
    line.starts_with(MARK) || line.starts_with(MARK_END)
}

/// Reads a line for which [`is_record`] holds, without its line feed.
pub(crate) fn parse(line: &[u8]) -> Result<Line, String> {
    match line.strip_prefix(MARK_END) {
        Some(json) => end(json).map(Line::End),
        None => chunk(line.strip_prefix(MARK).unwrap_or(line)),
    }
}

fn end(json: &[u8]) -> Result<End, String> {
    let end: End = serde_json::from_slice(json).map_err(|e| format!("the end of a record: {e}"))?;
    if end.version != VERSION {
        return Err(format!(
            "version {} of the record, this program reads {VERSION}",
            end.version
        ));
    }
    Ok(end)
}

fn chunk(rest: &[u8]) -> Result<Line, String> {
    let mut parts = rest.splitn(3, |b| *b == b' ');
    let mut next = |what: &str| parts.next().ok_or_else(|| format!("no {what} in it"));
    let vu = number("user", next("user")?)?;
    let chunk = number("chunk", next("chunk")?)?;
    let bytes = STANDARD
        .decode(next("rows")?)
        .map_err(|e| format!("its rows are no base64: {e}"))?;
    Ok(Line::Chunk { vu, chunk, bytes })
}

fn number(what: &str, text: &[u8]) -> Result<u32, String> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| format!("'{}' is no {what} number", String::from_utf8_lossy(text)))
}
