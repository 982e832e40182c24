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
    /// `BENCH-RECORD <user> <part> <phase> <endpoint> <status> <base64>`.
    Part(Part),
    /// `BENCH-RECORD-END <json>`: this user has handed over everything.
    End(End),
}

/// Rows of one user, phase, endpoint and status.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) vu: u32,
    /// Parts of a user count from 0.
    pub(crate) number: u32,
    pub(crate) phase: String,
    pub(crate) endpoint: String,
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
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
    pub(crate) parts: u32,
    /// Rows in them.
    pub(crate) rows: u64,
    /// Requests that did not fit.
    pub(crate) dropped: u64,
}

/// Is this line, whole or cut off, part of the record?
pub(crate) fn is_record(line: &[u8]) -> bool {
    line.starts_with(MARK) || line.starts_with(MARK_END)
}

/// Reads a line for which [`is_record`] holds, without its line feed.
pub(crate) fn parse(line: &[u8]) -> Result<Line, String> {
    match line.strip_prefix(MARK_END) {
        Some(json) => end(json).map(Line::End),
        None => part(line.strip_prefix(MARK).unwrap_or(line)).map(Line::Part),
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

fn part(rest: &[u8]) -> Result<Part, String> {
    let mut words = rest.split(|b| *b == b' ');
    let mut next = |what: &str| words.next().ok_or_else(|| format!("no {what} in it"));
    let part = Part {
        vu: number("user", next("user")?)?,
        number: number("part", next("part")?)?,
        phase: name("phase", next("phase")?)?,
        endpoint: name("endpoint", next("endpoint")?)?,
        status: number("status", next("status")?)?,
        bytes: STANDARD
            .decode(next("rows")?)
            .map_err(|e| format!("its rows are no base64: {e}"))?,
    };
    match words.next() {
        None => Ok(part),
        Some(_) => Err("something follows its rows".to_owned()),
    }
}

fn number<T: std::str::FromStr>(what: &str, text: &[u8]) -> Result<T, String> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| format!("'{}' is no {what} number", text.escape_ascii()))
}

fn name(what: &str, text: &[u8]) -> Result<String, String> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-.".contains(b);
    if text.is_empty() || text.len() > 64 || !text.iter().all(plain) {
        return Err(format!("'{}' is no name of {what}", text.escape_ascii()));
    }
    Ok(String::from_utf8_lossy(text).into_owned())
}
