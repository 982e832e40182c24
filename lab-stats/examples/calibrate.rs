//! The calibration of the method at full length: `cargo run --release -p lab-stats --example calibrate`.
#![allow(clippy::print_stdout)]

use lab_stats::simulate::{calibrate::calibrate, naive};

fn main() {
    let number = |i, default| {
        std::env::args()
            .nth(i)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (experiments, seed) = (number(1, 4000), number(2, 1) as u64);
    let lines = calibrate(experiments, seed);
    for line in &lines {
        let mark = if line.ok { "ok  " } else { "FAIL" };
        let percent = |x: f64| 100.0 * x;
        println!(
            "{mark} {:5.2}% (se {:.2}) in [{:.1}, {:.1}]  {}",
            percent(line.value),
            percent(line.mcse),
            percent(line.low),
            percent(line.high),
            line.name
        );
    }
    println!(
        "{} of {} lines in range",
        lines.iter().filter(|line| line.ok).count(),
        lines.len()
    );
    for repetitions in [3, 5, 10] {
        for run_sd in [0.01, 0.03, 0.10] {
            println!(
                "{:?}",
                naive::row(repetitions, run_sd, experiments.min(150), seed)
            );
        }
    }
}
