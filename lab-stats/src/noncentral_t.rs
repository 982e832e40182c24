//! Noncentral t by quadrature, and the power of the paired t test.
//!
//! T' = (Z + ncp) / W with W = sqrt(chi2/df): its tail is the mean of a normal tail over W. Quadrature
//! stays accurate for large ncp, where the usual series underflows.

use statrs::function::gamma::ln_gamma;

use crate::dist::{normal_cdf, t_critical};

/// P(T' > t) for noncentral t with `df` degrees of freedom.
pub fn upper_tail(t: f64, df: f64, ncp: f64) -> f64 {
    over_scale(t, df, ncp, |w| normal_cdf(ncp - t * w))
}

/// P(T' < t).
pub fn lower_tail(t: f64, df: f64, ncp: f64) -> f64 {
    over_scale(t, df, ncp, |w| normal_cdf(t * w - ncp))
}

/// Power of a two-sided paired t test at level `alpha` with n pairs, a true difference of `delta` and
/// standard deviation `sd` (both of the log ratios). `None` below 2 pairs or for impossible arguments.
pub fn paired_t_power(n: usize, delta: f64, sd: f64, alpha: f64) -> Option<f64> {
    if n < 2 || !(sd > 0.0 && sd.is_finite() && delta.is_finite()) {
        return None;
    }
    let df = (n - 1) as f64;
    let critical = t_critical(alpha, df)?;
    let ncp = delta.abs() * (n as f64).sqrt() / sd;
    Some((upper_tail(critical, df, ncp) + lower_tail(-critical, df, ncp)).min(1.0))
}

/// Power of the equivalence test (two one-sided t tests) at a true ratio of 1, margin `margin` on the
/// log scale. `None` below 2 pairs or for impossible arguments.
pub fn tost_power(n: usize, margin: f64, sd: f64, alpha: f64) -> Option<f64> {
    if n < 2 || !(sd > 0.0 && sd.is_finite() && margin > 0.0) {
        return None;
    }
    let df = (n - 1) as f64;
    let critical = t_critical(2.0 * alpha, df)?;
    let ncp = margin * (n as f64).sqrt() / sd;
    Some((2.0 * upper_tail(critical, df, ncp) - 1.0).clamp(0.0, 1.0))
}

/// Least n in 2..=`limit` with `power(n) >= wanted`; `power` must not fall with n. `None` if even
/// `limit` is not enough.
pub fn least_n(limit: usize, wanted: f64, power: impl Fn(usize) -> Option<f64>) -> Option<usize> {
    let enough = |n| power(n).is_some_and(|power| power >= wanted);
    let mut high = 2;
    while !enough(high) {
        if high >= limit {
            return None;
        }
        high = (high * 2).min(limit);
    }
    let mut low = high / 2; // not enough, or below 2
    while high - low > 1 && low >= 2 {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// Mean of `value(W)` over W = sqrt(chi2/df), by composite Gauss-Legendre.
fn over_scale(t: f64, df: f64, ncp: f64, value: impl Fn(f64) -> f64) -> f64 {
    let ln_constant = std::f64::consts::LN_2 + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let density = |w: f64| (ln_constant + (df - 1.0) * w.ln() - 0.5 * df * w * w).exp();
    let spread = 12.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - spread).max(0.0), 1.0 + spread);
    // The normal tail switches from 0 to 1 around w = ncp/t within a few 1/t: give it its own panels.
    let mut cuts = vec![low, high];
    if t != 0.0 {
        let (middle, width) = (ncp / t, 9.0 / t.abs());
        cuts.extend(
            [middle - width, middle, middle + width]
                .into_iter()
                .filter(|w| *w > low && *w < high),
        );
    }
    cuts.sort_unstable_by(f64::total_cmp);
    let nodes = gauss_legendre_16();
    const PANELS: usize = 10;
    let mut sum = 0.0;
    for pair in cuts.windows(2) {
        let half = (pair[1] - pair[0]) / (2 * PANELS) as f64;
        for panel in 0..PANELS {
            let centre = pair[0] + half * (2 * panel + 1) as f64;
            for &(x, weight) in nodes {
                let w = centre + half * x;
                sum += half * weight * value(w) * density(w);
            }
        }
    }
    sum.clamp(0.0, 1.0)
}

/// Nodes and weights on -1..1, found once by Newton's method on the Legendre polynomial.
fn gauss_legendre_16() -> &'static [(f64, f64); 16] {
    static NODES: std::sync::OnceLock<[(f64, f64); 16]> = std::sync::OnceLock::new();
    NODES.get_or_init(|| {
        std::array::from_fn(|i| {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / 16.5).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (mut p0, mut p1) = (1.0, x);
                for k in 2..=16 {
                    let k = f64::from(k);
                    (p0, p1) = (p1, ((2.0 * k - 1.0) * x * p1 - (k - 1.0) * p0) / k);
                }
                slope = 16.0 * (x * p1 - p0) / (x * x - 1.0);
                let step = p1 / slope;
                x -= step;
                if step.abs() < 1e-16 {
                    break;
                }
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dist::t_upper;

    #[test]
    fn without_noncentrality_it_is_students_t() {
        for df in [1.0, 2.0, 5.0, 30.0, 500.0] {
            for t in [-3.0, 0.0, 0.7, 2.0, 8.0] {
                assert!(
                    (upper_tail(t, df, 0.0) - t_upper(t, df)).abs() < 1e-9,
                    "df {df} t {t}"
                );
            }
        }
    }

    #[test]
    fn table_of_least_n() {
        // Section 7: two-sided t, sd known, power 0.8.
        let least = |ratio: f64, sd| {
            least_n(1000, 0.8, |n| paired_t_power(n, ratio.ln(), sd, 0.05)).unwrap()
        };
        for (ratio, row) in [
            (1.02, [11, 21, 52, 131, 291]),
            (1.05, [4, 6, 11, 24, 50]),
            (1.10, [3, 4, 5, 8, 15]),
            (1.20, [3, 3, 3, 4, 6]),
        ] {
            let got = [0.02, 0.03, 0.05, 0.08, 0.12].map(|sd| least(ratio, sd));
            assert_eq!(got, row, "ratio {ratio}");
        }
    }

    #[test]
    fn huge_noncentrality_is_certain() {
        assert!((upper_tail(2.2, 9.0, 500.0) - 1.0).abs() < 1e-12);
        assert!(lower_tail(-2.2, 9.0, 500.0) < 1e-12);
    }
}
