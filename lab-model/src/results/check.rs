//! Stored figures against those of the raw record, and against k6's own.

use std::collections::BTreeMap;

use super::Repetition;

/// k6 computes in floating-point milliseconds, we in whole nanoseconds.
const K6_ROUNDING: f64 = 1e-6;

/// What of a stored repetition does not follow from its record: the figures by name, the requests, and k6's percentiles
/// of the same requests. `again`, `requests` and `errors` are computed from the record.
pub fn differences(
    stored: &Repetition,
    again: &BTreeMap<String, Option<f64>>,
    requests: u64,
    errors: u64,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in again {
        let was = stored.metrics.get(name).copied().flatten();
        if !same_figure(was, *value) {
            found.push(format!(
                "{name} is stored as {} and is {} by the raw record",
                shown(was),
                shown(*value)
            ));
        }
    }
    if stored.requests != requests {
        found.push(format!(
            "{} requests are stored and {requests} are in the raw record",
            stored.requests
        ));
    }
    // k6's trend holds failed requests too; ours keeps their latency apart.
    if errors == 0 {
        found.extend(k6_differences(stored, again));
    }
    found
}

/// k6 keeps every value and interpolates as we do (type 7), so its figures and ours must be the same.
fn k6_differences(stored: &Repetition, again: &BTreeMap<String, Option<f64>>) -> Vec<String> {
    let Some(k6) = &stored.k6 else {
        return Vec::new();
    };
    let l = &k6.latency_ms;
    [
        ("p50", l.p50),
        ("p90", l.p90),
        ("p95", l.p95),
        ("p99", l.p99),
        ("p999", l.p999),
        ("max", l.max),
    ]
    .into_iter()
    .filter_map(|(name, theirs)| {
        let (ours, theirs) = (again.get(name).copied().flatten()?, theirs?);
        ((ours - theirs).abs() > K6_ROUNDING * theirs.max(1e-3))
            .then(|| format!("{name} is {ours} ms by the raw record and {theirs} ms by k6"))
    })
    .collect()
}

/// Is a stored figure the recomputed one? serde_json's parser may be off by the last bit of a double; a changed record
/// differs in far earlier ones.
pub fn same_figure(stored: Option<f64>, again: Option<f64>) -> bool {
    match (stored, again) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-15 * a.abs().max(b.abs()),
        (None, None) => true,
        _ => false,
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or("missing".to_owned(), |v| v.to_string())
}
