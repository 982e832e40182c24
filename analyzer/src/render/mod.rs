//! One file a format.

pub mod csv;
pub mod gate;
pub mod html;
pub mod markdown;
mod rates;
pub mod sweep;
pub mod table;

/// Three significant digits, no exponent; "-" for missing.
pub fn short(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) => {
            let digits = 2 - value.abs().log10().floor() as i32;
            format!("{value:.*}", digits.clamp(0, 6) as usize)
        }
    }
}

/// `1.23 [1.20, 1.30]`.
pub fn with_interval(value: Option<f64>, ci: Option<[f64; 2]>) -> String {
    match ci {
        Some([low, high]) => format!(
            "{} [{}, {}]",
            short(value),
            short(Some(low)),
            short(Some(high))
        ),
        None => short(value),
    }
}

/// The typical run of a target with its interval, and whether it is only a bound.
pub fn typical(target: &lab_stats::report::TargetReport) -> String {
    let side = lab_verdict::capacity::words(target.bound);
    format!("{side}{}", with_interval(target.estimate, target.ci))
}

/// The label of the tail rule.
pub fn support(support: Option<lab_stats::support::Support>) -> &'static str {
    use lab_stats::support::Support;
    match support {
        Some(Support::Ok) => "ok",
        Some(Support::Weak) => "weak",
        Some(Support::TooFew) => "too few",
        None => "",
    }
}

/// The name of a metric as people write it.
pub fn label(metric: &str) -> &str {
    lab_stats::metric::Metric::find(metric).map_or(metric, |m| m.label())
}
