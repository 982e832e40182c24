//! Holm (1979) and Benjamini-Hochberg adjustments.

/// Holm-adjusted p-values in the order given, each capped at 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    holm_in_family(p, p.len())
}

/// Holm inside a family of `m` hypotheses of which only these have a p-value; the others count as
/// not rejected, so a target that failed does not make the rest easier.
pub fn holm_in_family(p: &[f64], m: usize) -> Vec<f64> {
    let m = m.max(p.len());
    let mut adjusted = vec![0.0; p.len()];
    let mut floor = 0.0_f64;
    for (i, index) in ascending(p).into_iter().enumerate() {
        floor = floor.max((m - i) as f64 * p[index]).min(1.0);
        adjusted[index] = floor;
    }
    adjusted
}

/// Benjamini-Hochberg adjusted p-values; for the exploratory per-endpoint table only.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let m = p.len();
    let mut adjusted = vec![0.0; m];
    let mut ceiling = 1.0_f64;
    for (i, index) in ascending(p).into_iter().enumerate().rev() {
        ceiling = ceiling.min(m as f64 * p[index] / (i + 1) as f64);
        // m p / m may fall short of p by rounding.
        adjusted[index] = ceiling.max(p[index]);
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_members_count() {
        assert_eq!(holm_in_family(&[0.01], 3), vec![0.03]);
        assert!(holm(&[]).is_empty());
        assert!(benjamini_hochberg(&[]).is_empty());
    }
}
