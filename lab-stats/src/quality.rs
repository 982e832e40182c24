//! Quality of the laboratory: what A/A experiments say (section 12).

use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;

use crate::dist::bisect;

/// The error rate that the method promises.
pub const PROMISED: f64 = 0.05;

/// Outcome of n A/A experiments, in which nothing differed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FalseAlarms {
    /// Experiments that were called different.
    pub different: u64,
    /// Experiments.
    pub experiments: u64,
    /// `different / experiments`; `None` without experiments.
    pub rate: Option<f64>,
    /// Clopper-Pearson interval of the rate, 95%.
    pub ci: Option<[f64; 2]>,
    /// So many would be seen in at most 5% of laboratories whose true rate is 5%.
    pub alarm: bool,
}

/// Judges `different` false alarms in `experiments`; more alarms than experiments count as all of them.
pub fn false_alarms(different: u64, experiments: u64) -> FalseAlarms {
    let different = different.min(experiments);
    FalseAlarms {
        different,
        experiments,
        rate: (experiments > 0).then(|| different as f64 / experiments as f64),
        ci: clopper_pearson(different, experiments, 0.05),
        alarm: alarms(different, experiments),
    }
}

/// The least number of false alarms in n experiments that a laboratory which keeps its promise shows at most 5% of
/// the time; `None` where n is so small that no number does.
pub fn alarm_from(experiments: u64) -> Option<u64> {
    (1..=experiments).find(|&x| alarms(x, experiments))
}

/// At most 5% of laboratories whose true rate is 5% show as many (but for rounding).
fn alarms(different: u64, experiments: u64) -> bool {
    different > 0 && at_least(different, experiments, PROMISED) <= 0.05 + 1e-12
}

/// One standard deviation from several, each (sd, degrees of freedom); `None` without any.
pub fn pooled_sd(parts: &[(f64, f64)]) -> Option<f64> {
    let df: f64 = parts.iter().map(|(_, df)| df).sum();
    let squares: f64 = parts.iter().map(|(sd, df)| sd * sd * df).sum();
    (df > 0.0).then(|| (squares / df).sqrt())
}

/// P(X >= x) for X binomial with n trials.
fn at_least(x: u64, n: u64, p: f64) -> f64 {
    match x {
        0 => 1.0,
        _ if x > n => 0.0,
        _ => beta_reg(x as f64, (n - x + 1) as f64, p),
    }
}

/// Exact interval of a binomial probability at confidence 1 - `alpha`; `None` without trials.
pub fn clopper_pearson(x: u64, n: u64, alpha: f64) -> Option<[f64; 2]> {
    if n == 0 || x > n || !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    let low = if x == 0 {
        0.0
    } else {
        bisect(0.0, 1.0, |p| at_least(x, n, p) > alpha / 2.0)
    };
    let high = if x == n {
        1.0
    } else {
        bisect(0.0, 1.0, |p| 1.0 - at_least(x + 1, n, p) < alpha / 2.0)
    };
    Some([low, high])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn alarms_of_section_12() {
        for (x, n) in [(4, 20), (5, 40), (7, 60), (10, 100), (16, 200)] {
            assert!(false_alarms(x, n).alarm, "{x}/{n}");
            assert!(!false_alarms(x - 1, n).alarm, "{}/{n}", x - 1);
        }
        assert_eq!(false_alarms(0, 0).rate, None);
    }

    #[test]
    fn the_threshold_is_the_first_alarm() {
        for (x, n) in [(4, 20), (5, 40), (7, 60), (10, 100), (16, 200)] {
            assert_eq!(alarm_from(n), Some(x));
        }
        // One experiment alarms with 5%, so one false alarm is at the line; none at all is never an alarm.
        assert_eq!(alarm_from(1), Some(1));
        assert_eq!(alarm_from(0), None);
        for n in 1..300 {
            let x = alarm_from(n).unwrap();
            assert!(
                false_alarms(x, n).alarm && !false_alarms(x - 1, n).alarm,
                "{n}"
            );
        }
    }

    #[test]
    fn pooled_spread_weighs_by_degrees_of_freedom() {
        assert_eq!(pooled_sd(&[]), None);
        assert_eq!(pooled_sd(&[(1.0, 0.0)]), None);
        assert!((pooled_sd(&[(3.0, 5.0), (3.0, 9.0)]).unwrap() - 3.0).abs() < 1e-12);
        assert!((pooled_sd(&[(1.0, 3.0), (2.0, 1.0)]).unwrap() - 1.75_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn exact_intervals() {
        // No alarm in 40: the upper end solves (1 - p)^40 = 0.025.
        let [low, high] = clopper_pearson(0, 40, 0.05).unwrap();
        assert_eq!(low, 0.0);
        assert!((high - (1.0 - 0.025_f64.powf(1.0 / 40.0))).abs() < 1e-12);
        let [low, high] = clopper_pearson(40, 40, 0.05).unwrap();
        assert!((low - 0.025_f64.powf(1.0 / 40.0)).abs() < 1e-12 && high == 1.0);
        assert_eq!(clopper_pearson(1, 0, 0.05), None);
    }
}
