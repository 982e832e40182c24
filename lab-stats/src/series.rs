//! Time series: autocorrelation and the MSER-5 truncation point.

use crate::moments::mean;

/// Autocorrelations at lags 0..=`lags` (biased estimate, divisor n); `None` at lags the series does not
/// have and for a series without spread.
pub fn acf(values: &[f64], lags: usize) -> Vec<Option<f64>> {
    let centre = mean(values).unwrap_or(f64::NAN);
    let total: f64 = values.iter().map(|x| (x - centre) * (x - centre)).sum();
    (0..=lags)
        .map(|lag| {
            if lag >= values.len() || total <= 0.0 {
                return None;
            }
            let products: f64 = values
                .iter()
                .zip(&values[lag..])
                .map(|(x, y)| (x - centre) * (y - centre))
                .sum();
            Some(products / total).filter(|r| r.is_finite())
        })
        .collect()
}

/// Where MSER-5 would cut a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mser {
    /// Batches of five (a last remainder is dropped).
    pub batches: usize,
    /// Batches to cut.
    pub cut_batches: usize,
    /// The statistic at the cut.
    pub statistic: f64,
    /// The cut is the largest allowed: no steady state was seen.
    pub at_limit: bool,
}

impl Mser {
    /// Values to cut.
    pub fn cut_values(&self) -> usize {
        5 * self.cut_batches
    }
}

/// MSER-5 (White 1997): the cut d in 0..=floor(m/2) that minimises sum (b - mean)^2 / (m - d)^2, the
/// smallest of ties. `None` below five values or if one is not finite.
pub fn mser5(values: &[f64]) -> Option<Mser> {
    if values.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let batches: Vec<f64> = values
        .chunks_exact(5)
        .map(|five| five.iter().sum::<f64>() / 5.0)
        .collect();
    let m = batches.len();
    let mut best: Option<(usize, f64)> = None;
    for cut in 0..=m / 2 {
        let rest = &batches[cut..];
        let Some(centre) = mean(rest) else { break };
        let squares: f64 = rest.iter().map(|b| (b - centre) * (b - centre)).sum();
        let statistic = squares / (rest.len() * rest.len()) as f64;
        if best.is_none_or(|(_, least)| statistic < least) {
            best = Some((cut, statistic));
        }
    }
    best.map(|(cut_batches, statistic)| Mser {
        batches: m,
        cut_batches,
        statistic,
        at_limit: cut_batches == m / 2,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn flat_series_have_no_autocorrelation() {
        assert_eq!(acf(&[2.0; 6], 2), vec![None; 3]);
        assert_eq!(acf(&[], 1), vec![None; 2]);
        assert_eq!(acf(&[1.0, 2.0], 3)[0], Some(1.0));
    }

    #[test]
    fn too_short_for_a_batch() {
        assert_eq!(mser5(&[1.0; 4]), None);
        let flat = mser5(&[1.0; 50]).unwrap();
        assert_eq!((flat.cut_batches, flat.at_limit), (0, false));
    }
}
