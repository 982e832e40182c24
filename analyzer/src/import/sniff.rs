//! What made a file, by its first bytes; its name is not believed.

use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::Kind;
use super::error::Problem;

/// Enough for the header of a CSV file or the first lines of a JSON one.
const HEAD: usize = 4096;
const BUFFER: usize = 1 << 18;

/// A stream with its beginning put back.
pub type Input<'a> = Box<dyn Read + Send + 'a>;

/// Decompresses where needed and tells the kind.
///
/// # Errors
/// IO; none of the known forms.
pub fn open<'a>(reader: impl Read + Send + 'a) -> Result<(Kind, Input<'a>), Problem> {
    let mut reader: Input<'a> = Box::new(reader);
    let raw = head(&mut reader, 2)?;
    let gzip = raw == [0x1f, 0x8b];
    reader = Box::new(Cursor::new(raw).chain(reader));
    if gzip {
        let buffered = std::io::BufReader::with_capacity(BUFFER, reader);
        reader = Box::new(MultiGzDecoder::new(buffered));
    }
    let mut first = head(&mut reader, HEAD)?;
    if first.starts_with(b"\xef\xbb\xbf") {
        first.drain(..3);
    }
    let kind = kind(&first).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(&first).chars().take(40).collect();
        Problem::Unknown(shown)
    })?;
    Ok((kind, Box::new(Cursor::new(first).chain(reader))))
}

fn head(reader: &mut impl Read, most: usize) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    reader.by_ref().take(most as u64).read_to_end(&mut out)?;
    Ok(out)
}

fn kind(first: &[u8]) -> Option<Kind> {
    let text = String::from_utf8_lossy(first);
    let text = text.trim_start();
    if text.starts_with("metric_name,timestamp,metric_value") {
        return Some(Kind::K6Csv);
    }
    if text.starts_with("Running ") && text.contains(" test @ ") {
        return Some(Kind::Wrk2);
    }
    if !text.starts_with('{') {
        return None;
    }
    let line = text.lines().next().unwrap_or_default();
    let squeezed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    if squeezed.contains("\"type\":\"Metric\"") || squeezed.contains("\"type\":\"Point\"") {
        return Some(Kind::K6Json);
    }
    // Both kinds of document are small; which of the two it is, the whole document says.
    Some(if text.contains("\"successRate\"") {
        Kind::Oha
    } else {
        Kind::K6Summary
    })
}
