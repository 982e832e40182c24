//! Whole documents, up to a size that no summary has.

use std::io::Read;

use serde_json::Value;

use super::error::Problem;

/// 16 MiB.
pub const LARGEST: u64 = 16 << 20;

/// The text of a stream.
///
/// # Errors
/// IO, too large, not UTF-8.
pub fn text(input: impl Read) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    input.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Problem::Form(format!(
            "larger than {LARGEST} bytes: no summary is"
        )));
    }
    String::from_utf8(bytes).map_err(|e| {
        Problem::Form(format!(
            "not UTF-8 at byte {}",
            e.utf8_error().valid_up_to()
        ))
    })
}

/// A JSON document.
///
/// # Errors
/// As [`text`]; no JSON, with line and column.
pub fn whole(input: impl Read) -> Result<Value, Problem> {
    serde_json::from_str(&text(input)?).map_err(|e| Problem::Form(format!("no JSON: {e}")))
}

/// A number in it; `null` and absent are both missing.
///
/// # Errors
/// There is something else than a number.
pub fn number(value: &Value, path: &[&str]) -> Result<Option<f64>, Problem> {
    let mut at = value;
    for key in path {
        match at.get(key) {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    match at {
        Value::Null => Ok(None),
        other => other
            .as_f64()
            .map(Some)
            .ok_or_else(|| Problem::Form(format!("{} is no number", path.join(".")))),
    }
}

/// A count: a whole number from 0.
///
/// # Errors
/// Anything else.
pub fn count(value: Option<f64>, name: &str) -> Result<Option<u64>, Problem> {
    match value {
        None => Ok(None),
        Some(v) if v >= 0.0 && v.fract() == 0.0 && v < 9e15 => Ok(Some(v as u64)),
        Some(v) => Err(Problem::Figure {
            name: name.to_owned(),
            value: v.to_string(),
        }),
    }
}
