//! One request in 24 bytes, as the script packs it.

/// Bytes of a row: three little-endian float64.
pub(crate) const ROW_BYTES: usize = 24;
/// The first number is (ms since the base) * `CODE` + status * `STATUS` + endpoint * `ENDPOINT` + phase.
const CODE: u64 = 65_536;
const STATUS: u64 = 64;
const ENDPOINT: u64 = 8;
/// Whole numbers up to here are exact in a float64.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// No request lasts longer: ten days, in ms.
const LONGEST_MS: f64 = 864_000_000.0;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// ms since the base of its user.
    pub(crate) start_ms: u64,
    /// ns.
    pub(crate) duration: i64,
    /// ns.
    pub(crate) waiting: i64,
    pub(crate) status: u16,
    pub(crate) endpoint: u8,
    pub(crate) phase: u8,
}

/// Reads the rows of a chunk, whose length is checked before.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Row>, String> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(ROW_BYTES) {
        return Err(format!("{} bytes are not rows of {ROW_BYTES}", bytes.len()));
    }
    bytes
        .chunks_exact(ROW_BYTES)
        .enumerate()
        .map(|(i, row)| one(row).map_err(|problem| format!("row {}: {problem}", i + 1)))
        .collect()
}

fn one(row: &[u8]) -> Result<Row, String> {
    let [code, duration, waiting] = [0, 8, 16].map(|at| number(&row[at..at + 8]));
    if !(0.0..EXACT).contains(&code) || code.fract() != 0.0 {
        return Err(format!("{code} is not a packed start"));
    }
    let code = code as u64;
    // Each part is below its factor, so the casts lose nothing.
    Ok(Row {
        start_ms: code / CODE,
        duration: nanoseconds("duration", duration)?,
        waiting: nanoseconds("waiting", waiting)?,
        status: (code % CODE / STATUS) as u16,
        endpoint: (code % STATUS / ENDPOINT) as u8,
        phase: (code % ENDPOINT) as u8,
    })
}

fn number(bytes: &[u8]) -> f64 {
    let mut fixed = [0; 8];
    fixed.copy_from_slice(bytes);
    f64::from_le_bytes(fixed)
}

/// k6 gives milliseconds, which are whole nanoseconds divided by 10^6: rounding gives them back.
fn nanoseconds(what: &str, ms: f64) -> Result<i64, String> {
    if !(0.0..=LONGEST_MS).contains(&ms) {
        return Err(format!("{what} of {ms} ms cannot be"));
    }
    Ok((ms * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(code: f64, duration: f64, waiting: f64) -> Vec<u8> {
        [code, duration, waiting]
            .into_iter()
            .flat_map(f64::to_le_bytes)
            .collect()
    }

    #[test]
    fn parts_come_back() {
        let code = 123_456.0 * 65_536.0 + 503.0 * 64.0 + 8.0 + 1.0;
        let row = Row {
            start_ms: 123_456,
            duration: 1_234_567,
            waiting: 1_000_001,
            status: 503,
            endpoint: 1,
            phase: 1,
        };
        assert_eq!(decode(&bytes(code, 1.234_567, 1.000_001)), Ok(vec![row]));
    }

    #[test]
    fn impossible_numbers_are_named() {
        for (row, words) in [
            (bytes(-1.0, 1.0, 1.0), "row 1: -1 is not a packed start"),
            (bytes(0.5, 1.0, 1.0), "row 1: 0.5 is not a packed start"),
            (
                bytes(f64::NAN, 1.0, 1.0),
                "row 1: NaN is not a packed start",
            ),
            (bytes(1e300, 1.0, 1.0), "is not a packed start"),
            (
                bytes(0.0, f64::INFINITY, 1.0),
                "row 1: duration of inf ms cannot be",
            ),
            (bytes(0.0, 1.0, -0.1), "row 1: waiting of -0.1 ms cannot be"),
            (vec![0; 23], "23 bytes are not rows of 24"),
            (vec![], "0 bytes are not rows of 24"),
        ] {
            let problem = decode(&row).expect_err("must be refused");
            assert!(problem.contains(words), "{problem}");
        }
    }
}
