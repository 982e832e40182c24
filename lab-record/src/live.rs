//! What a few users of the load tell while it runs: latencies of the last second, for eyes only.

/// `BENCH-LIVE <ms> <ms> …`
const MARK: &[u8] = b"BENCH-LIVE ";

/// Latencies in ms of a line that the load script printed while the load ran; `None`: another line. Words that are no
/// latencies are left out: nothing is decided by them.
pub fn live_latencies(line: &[u8]) -> Option<Vec<f64>> {
    let words = line.strip_prefix(MARK)?.split(|byte| *byte == b' ');
    let latency = |word| -> Option<f64> { std::str::from_utf8(word).ok()?.parse().ok() };
    Some(
        words
            .filter_map(latency)
            .filter(|ms| ms.is_finite() && *ms >= 0.0)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_of_a_line() {
        let of = |line: &str| live_latencies(line.as_bytes());
        assert_eq!(of("BENCH-LIVE 1.250 0.981"), Some(vec![1.25, 0.981]));
        assert_eq!(of("BENCH-LIVE 1.250 NaN -1 x inf"), Some(vec![1.25]));
        assert_eq!(of("BENCH-RECORD 1 0 measure user 200 AAAA"), None);
        assert_eq!(of("a message"), None);
    }
}
