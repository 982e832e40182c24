//! Mean, standard deviation, geometric mean.

/// Arithmetic mean; `None` if empty.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation with divisor n - 1; `None` below two values.
pub fn sd(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// Natural logs; `None` if a value is not positive and finite.
pub fn logs(values: &[f64]) -> Option<Vec<f64>> {
    values
        .iter()
        .map(|&x| (x > 0.0 && x.is_finite()).then(|| x.ln()))
        .collect()
}

/// Geometric mean; `None` if empty or if a value is not positive.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    Some(mean(&logs(values)?)?.exp())
}

/// Whether all values are the same but for rounding of the logs they came from.
pub fn all_identical(values: &[f64]) -> bool {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.is_empty() || high - low <= 1e-12 * high.abs().max(low.abs()).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_where_the_log_is() {
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[1.0, 0.0]), None);
        assert_eq!(geometric_mean(&[1.0, -1.0]), None);
        assert_eq!(sd(&[1.0]), None);
    }

    #[test]
    fn rounding_of_logs_is_not_a_difference() {
        let d: Vec<f64> = [3.0_f64, 7.0, 11.0]
            .iter()
            .map(|x| (x * 1.1).ln() - x.ln())
            .collect();
        assert!(all_identical(&d));
        assert!(!all_identical(&[0.1, 0.1001]));
    }
}
