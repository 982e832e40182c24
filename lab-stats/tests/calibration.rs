//! The short form of the calibration: a few hundred experiments a line, ranges widened by their own
//! Monte-Carlo error. The full form is `analyze calibrate` or the example `calibrate`.
#![allow(missing_docs)]

use lab_stats::simulate::{calibrate::calibrate, naive};

#[test]
fn the_method_keeps_its_promises() {
    let lines = calibrate(300, 20_261_124);
    assert!(lines.len() > 100);
    let failed: Vec<String> = lines
        .iter()
        .filter(|line| !line.ok)
        .map(|line| {
            format!(
                "{}: {:.3} outside [{:.3}, {:.3}]",
                line.name, line.value, line.low, line.high
            )
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_result_does_not_depend_on_threads() {
    assert_eq!(calibrate(20, 7), calibrate(20, 7));
}

#[test]
fn requests_are_no_repetitions() {
    let row = naive::row(5, 0.03, 40, 1);
    assert!(
        row.pooled_mann_whitney > 0.5 && row.pooled_t > 0.5 && row.pooled_bootstrap_p99 > 0.3,
        "{row:?}"
    );
    assert!(row.ours < 0.2, "{row:?}");
}
