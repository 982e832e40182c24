//! `k6 run --out json=FILE`: one JSON object a line.

use std::borrow::Cow;
use std::io::Read;

use serde::Deserialize;

use super::error::Problem;
use super::lines::Lines;
use super::rows::{Choice, Request, Rows};
use super::{Imported, Kind};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    metric: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    value: Option<f64>,
    #[serde(borrow, default)]
    tags: Option<Tags<'a>>,
}

#[derive(Deserialize, Default)]
struct Tags<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    scenario: Cow<'a, str>,
    #[serde(borrow, default)]
    group: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    expected_response: Cow<'a, str>,
    #[serde(borrow, default)]
    error_code: Cow<'a, str>,
}

/// Reads it.
///
/// # Errors
/// The first line that is not as k6 writes them.
pub fn read(input: impl Read, choice: &Choice) -> Result<Imported, Problem> {
    let mut lines = Lines::new(input);
    let mut rows = Rows::new();
    while let Some((row, line)) = lines.next()? {
        let text = std::str::from_utf8(line)
            .map_err(|_| Problem::row(row, "not UTF-8"))?
            .trim();
        if !text.is_empty() {
            one(row, text, &mut rows, choice)?;
        }
    }
    rows.finish(Kind::K6Json, choice)
}

fn one(row: u64, text: &str, rows: &mut Rows, choice: &Choice) -> Result<(), Problem> {
    let line: Line<'_> = serde_json::from_str(text)
        .map_err(|e| Problem::row(row, format!("no line of k6's JSON output: {e}")))?;
    if line.kind != "Point" {
        return if line.kind == "Metric" {
            Ok(())
        } else {
            Err(Problem::row(row, "neither a Metric nor a Point"))
        };
    }
    let data = line
        .data
        .ok_or_else(|| Problem::row(row, "a Point without data"))?;
    let value = || {
        data.value
            .ok_or_else(|| Problem::row(row, "a Point without a value"))
    };
    match &*line.metric {
        "dropped_iterations" => rows.dropped += value()?,
        "vus" => rows.user_count(value()?),
        "http_req_duration" => {
            let duration_ms = value()?;
            let none = Tags::default();
            let tags = data.tags.as_ref().unwrap_or(&none);
            if tags.group == "::setup" || tags.group == "::teardown" {
                return Ok(());
            }
            let failed = match &*tags.expected_response {
                "true" => false,
                "false" => true,
                _ => {
                    !tags.error_code.is_empty()
                        || !(200..400).contains(&tags.status.parse::<u16>().unwrap_or(0))
                }
            };
            let ended = rfc3339(&data.time).ok_or_else(|| {
                Problem::row(
                    row,
                    format!(
                        "a time {:?}",
                        data.time.chars().take(40).collect::<String>()
                    ),
                )
            })?;
            let request = Request {
                ended,
                duration_ms,
                failed,
                name: &tags.name,
                scenario: &tags.scenario,
            };
            rows.push(row, &request, choice)?;
        }
        _ => {}
    }
    Ok(())
}

/// ns since 1970.
pub fn rfc3339(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}
