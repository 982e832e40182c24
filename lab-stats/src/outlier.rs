//! Robust z scores by the median and the median absolute deviation.

use crate::{moments::logs, quantile::median};

/// Makes the MAD of normal data its standard deviation.
pub const MAD_SCALE: f64 = 1.482602218505602;
/// Below this spread (1%) nothing is called an outlier.
pub const SCALE_FLOOR: f64 = 0.01;
/// |z| above this is flagged.
pub const CUT: f64 = 5.0;

/// Centre, spread and scores.
#[derive(Debug, Clone, PartialEq)]
pub struct MadScores {
    /// Median of the values.
    pub median: f64,
    /// Median absolute deviation times the factor asked for.
    pub mad: f64,
    /// (value - median) / max(mad, floor), in the order given.
    pub z: Vec<f64>,
}

/// Scores of values as they are; `factor` is [`MAD_SCALE`] but for comparisons with other programs.
/// `None` if empty or if a value is not finite.
pub fn mad_scores(values: &[f64], factor: f64, floor: f64) -> Option<MadScores> {
    if values.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let centre = median(values)?;
    let distances: Vec<f64> = values.iter().map(|x| (x - centre).abs()).collect();
    let mad = factor * median(&distances)?;
    let scale = mad.max(floor);
    let z = values.iter().map(|x| (x - centre) / scale).collect();
    Some(MadScores {
        median: centre,
        mad,
        z,
    })
}

/// Scores of the logs. `None` if empty or if a value is not positive.
pub fn mad_scores_of_logs(values: &[f64], factor: f64, floor: f64) -> Option<MadScores> {
    mad_scores(&logs(values)?, factor, floor)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_far_value_stands_out() {
        let scores = mad_scores_of_logs(
            &[10.0, 10.1, 9.9, 10.05, 9.95, 15.0],
            MAD_SCALE,
            SCALE_FLOOR,
        )
        .unwrap();
        let far: Vec<bool> = scores.z.iter().map(|z| z.abs() > CUT).collect();
        assert_eq!(far, [false, false, false, false, false, true]);
        assert_eq!(mad_scores_of_logs(&[0.0], MAD_SCALE, SCALE_FLOOR), None);
    }
}
