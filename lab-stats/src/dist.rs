//! Normal, Student t and chi-square: probabilities and quantiles.
//!
//! The special functions are statrs'; quantiles are found by bisection on them, which is exact to the
//! last bits and cannot diverge.

use statrs::function::{beta::beta_reg, erf, gamma::gamma_lr};

/// P(Z <= z).
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erf::erfc(-z / std::f64::consts::SQRT_2)
}

/// Normal quantile; `None` unless 0 < p < 1.
pub fn normal_quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p == 0.5 {
        return Some(0.0);
    }
    // Solve in the lower tail, where the probability keeps its digits.
    let tail = p.min(1.0 - p);
    let z = bisect(0.0, 40.0, |z| normal_cdf(-z) < tail);
    Some(if p < 0.5 { -z } else { z })
}

/// P(|T| >= |t|) for Student's t with `df` degrees of freedom; keeps its digits far out.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    beta_reg(df / 2.0, 0.5, df / (df + t * t)).clamp(0.0, 1.0)
}

/// P(T > t).
pub fn t_upper(t: f64, df: f64) -> f64 {
    let half = 0.5 * t_two_sided(t, df);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// The t with P(|T| > t) = alpha; `None` unless 0 < alpha < 1 and df > 0.
pub fn t_critical(alpha: f64, df: f64) -> Option<f64> {
    if !(alpha > 0.0 && alpha < 1.0 && df > 0.0 && df.is_finite()) {
        return None;
    }
    let mut high = 2.0;
    while t_two_sided(high, df) > alpha {
        high *= 2.0;
        if high > 1e300 {
            return None;
        }
    }
    Some(bisect(0.0, high, |t| t_two_sided(t, df) < alpha))
}

/// Student t quantile; `None` unless 0 < p < 1 and df > 0.
pub fn t_quantile(p: f64, df: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0 && df > 0.0) {
        return None;
    }
    if p == 0.5 {
        return Some(0.0);
    }
    let t = t_critical(2.0 * p.min(1.0 - p), df)?;
    Some(if p < 0.5 { -t } else { t })
}

/// Chi-square quantile; `None` unless 0 < p < 1 and df > 0.
pub fn chi2_quantile(p: f64, df: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0 && df > 0.0 && df.is_finite()) {
        return None;
    }
    let cdf = |x: f64| gamma_lr(df / 2.0, x / 2.0);
    let mut high = df.max(1.0);
    while cdf(high) < p {
        high *= 2.0;
        if high > 1e300 {
            return None;
        }
    }
    Some(bisect(0.0, high, |x| cdf(x) > p))
}

/// Smallest x (to the last bit) between `low` and `high` at which `past` holds; `past` must switch once.
pub(crate) fn bisect(mut low: f64, mut high: f64, past: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if past(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_probabilities() {
        for p in [1e-12, 0.001, 0.3, 0.5, 0.8, 0.999] {
            assert!((normal_cdf(normal_quantile(p).unwrap()) - p).abs() < 1e-12);
            for df in [1.0, 2.5, 9.0, 400.0] {
                let t = t_quantile(p, df).unwrap();
                assert!((1.0 - t_upper(t, df) - p).abs() < 1e-10, "p {p} df {df}");
            }
        }
    }

    #[test]
    fn impossible_arguments_are_undefined() {
        assert_eq!(normal_quantile(0.0), None);
        assert_eq!(t_quantile(1.0, 3.0), None);
        assert_eq!(t_quantile(0.9, 0.0), None);
        assert_eq!(chi2_quantile(0.5, -1.0), None);
    }
}
