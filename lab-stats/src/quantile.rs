//! Type 7 quantiles (Hyndman & Fan 1996): the rule of k6's own percentiles.

/// Type 7 quantile of sorted values; `None` if there are none or p is outside 0..=1.
///
/// k6 answers 0 for an empty series; here it is missing.
pub fn quantile_sorted(sorted: &[f64], p: f64) -> Option<f64> {
    let (low, high, weight) = position(sorted.len(), p)?;
    Some(interpolate(sorted[low], sorted[high], weight))
}

/// Type 7 quantile of values in any order; `None` if empty, if p is outside 0..=1 or if a value is NaN.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile_sorted(&sorted, p)
}

/// Median of values in any order; `None` if empty or if a value is NaN.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Several type 7 quantiles of integers without a full sort; reorders `values`.
///
/// `p` must rise. Each quantile only searches what the one before it left above itself.
pub fn quantiles_by_selection(values: &mut [i64], p: &[f64]) -> Vec<Option<f64>> {
    let n = values.len();
    let mut done = 0; // values[..done] are in their sorted places or below
    p.iter()
        .map(|&p| {
            let (low, high, weight) = position(n, p)?;
            let from = done.min(low);
            let (_, at_low, above) = values[from..].select_nth_unstable(low - from);
            let x_low = *at_low as f64;
            // The next order statistic is the smallest value above the selected one.
            let x_high = if high == low {
                x_low
            } else {
                above.iter().min().map_or(x_low, |&x| x as f64)
            };
            done = low;
            Some(interpolate(x_low, x_high, weight))
        })
        .collect()
}

/// Where the quantile lies: two places from 0 and the weight of the second.
pub(crate) fn position(n: usize, p: f64) -> Option<(usize, usize, f64)> {
    if n == 0 || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let h = p * (n - 1) as f64;
    let low = (h.floor() as usize).min(n - 1);
    let high = (h.ceil() as usize).min(n - 1);
    Some((low, high, h - low as f64))
}

pub(crate) fn interpolate(low: f64, high: f64, weight: f64) -> f64 {
    // Equal neighbours must not pick up rounding (nor inf - inf).
    if low == high {
        low
    } else {
        low + (high - low) * weight
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_missing_not_zero() {
        assert_eq!(quantile(&[], 0.99), None);
        assert_eq!(quantiles_by_selection(&mut [], &[0.5]), vec![None]);
    }

    #[test]
    fn selection_agrees_with_sorting() {
        let mut values: Vec<i64> = (0..1000).map(|i| (i * 7919) % 1009).collect();
        let floats: Vec<f64> = values.iter().map(|&x| x as f64).collect();
        let p = [0.0, 0.1, 0.5, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0];
        let got = quantiles_by_selection(&mut values, &p);
        for (&p, got) in p.iter().zip(got) {
            assert_eq!(got, quantile(&floats, p), "p = {p}");
        }
    }
}
