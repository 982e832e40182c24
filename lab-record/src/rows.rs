//! The rows of one part: three columns of little-endian float64.

/// Bytes of a row.
const ROW_BYTES: usize = 24;
/// Milliseconds; in the year 2286 it ends.
const LAST_START_MS: f64 = 1e13;
/// No request lasts longer: ten days.
const LONGEST_MS: f64 = 864_000_000.0;

/// One request, without what it has in common with its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// ns since the Unix epoch.
    pub(crate) started_at: i64,
    /// ns.
    pub(crate) duration: i64,
    /// ns.
    pub(crate) waiting: i64,
}

/// Reads the rows of a part: all starts (ms since the epoch), all durations, all waiting times (ms).
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Times>, String> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(ROW_BYTES) {
        return Err(format!("{} bytes are not rows of {ROW_BYTES}", bytes.len()));
    }
    let rows = bytes.len() / ROW_BYTES;
    let number = |i: usize| {
        let mut fixed = [0; 8];
        fixed.copy_from_slice(&bytes[i * 8..(i + 1) * 8]);
        f64::from_le_bytes(fixed)
    };
    (0..rows)
        .map(|i| {
            let one = || {
                Ok::<_, String>(Times {
                    started_at: start(number(i))?,
                    duration: nanoseconds("duration", number(rows + i))?,
                    waiting: nanoseconds("waiting", number(2 * rows + i))?,
                })
            };
            one().map_err(|problem| format!("row {}: {problem}", i + 1))
        })
        .collect()
}

fn start(ms: f64) -> Result<i64, String> {
    if !(0.0..LAST_START_MS).contains(&ms) || ms.fract() != 0.0 {
        return Err(format!("{ms} is no start in ms"));
    }
    Ok(ms as i64 * 1_000_000)
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

    fn bytes(numbers: &[f64]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    #[test]
    fn columns_come_back_as_rows() {
        let part = bytes(&[1_700_000_000_000.0, 7.0, 1.234_567, 0.0, 1.000_001, 0.0]);
        let first = Times {
            started_at: 1_700_000_000_000_000_000,
            duration: 1_234_567,
            waiting: 1_000_001,
        };
        let second = Times {
            started_at: 7_000_000,
            duration: 0,
            waiting: 0,
        };
        assert_eq!(decode(&part), Ok(vec![first, second]));
    }

    #[test]
    fn impossible_numbers_are_named() {
        for (part, words) in [
            (bytes(&[-1.0, 1.0, 1.0]), "row 1: -1 is no start in ms"),
            (bytes(&[0.5, 1.0, 1.0]), "row 1: 0.5 is no start in ms"),
            (
                bytes(&[1.0, f64::NAN, 1.0, 1.0, 1.0, 1.0]),
                "row 2: NaN is no start",
            ),
            (bytes(&[1e300, 1.0, 1.0]), "is no start in ms"),
            (
                bytes(&[0.0, f64::INFINITY, 1.0]),
                "row 1: duration of inf ms cannot be",
            ),
            (
                bytes(&[0.0, 1.0, -0.1]),
                "row 1: waiting of -0.1 ms cannot be",
            ),
            (vec![0; 23], "23 bytes are not rows of 24"),
            (vec![], "0 bytes are not rows of 24"),
        ] {
            let problem = decode(&part).expect_err("must be refused");
            assert!(problem.contains(words), "{problem}");
        }
    }
}
