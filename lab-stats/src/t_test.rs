//! Paired t and Welch t on logs.

use crate::{
    dist::{t_critical, t_two_sided, t_upper},
    moments::{all_identical, logs, mean, sd},
};

/// A t statistic on the log scale: estimate, standard error, degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogT {
    /// Mean difference of logs; its exponential is a ratio of geometric means.
    pub difference: f64,
    /// Standard error; `None` where t is undefined (one value, or no spread at all).
    pub standard_error: Option<f64>,
    /// Degrees of freedom.
    pub df: f64,
}

impl LogT {
    /// The paired statistic of differences of logs. `None` if empty or not finite.
    pub fn of_differences(d: &[f64]) -> Option<Self> {
        if d.iter().any(|d| !d.is_finite()) {
            return None;
        }
        let difference = mean(d)?;
        let standard_error = sd(d)
            .filter(|_| !all_identical(d))
            .map(|sd| sd / (d.len() as f64).sqrt());
        Some(Self {
            difference,
            standard_error,
            df: d.len() as f64 - 1.0,
        })
    }

    /// Paired comparison b / a. `None` if the lengths differ, if empty, or if a value is not positive.
    pub fn paired(a: &[f64], b: &[f64]) -> Option<Self> {
        if a.len() != b.len() {
            return None;
        }
        let d: Vec<f64> = logs(b)?.iter().zip(logs(a)?).map(|(b, a)| b - a).collect();
        Self::of_differences(&d)
    }

    /// Unpaired comparison b / a with Welch-Satterthwaite degrees of freedom.
    /// `None` if a sample is empty or has a value that is not positive.
    pub fn welch(a: &[f64], b: &[f64]) -> Option<Self> {
        Self::welch_of_logs(&logs(a)?, &logs(b)?, 0.0)
    }

    /// Welch on logs already taken; `extra_variance` is added to the squared standard error (the
    /// session variance of section 10), the degrees of freedom stay.
    pub fn welch_of_logs(a: &[f64], b: &[f64], extra_variance: f64) -> Option<Self> {
        let difference = mean(b)? - mean(a)?;
        let share = |y: &[f64]| sd(y).map(|sd| sd * sd / y.len() as f64);
        let flat = all_identical(a) && all_identical(b);
        let (standard_error, df) = match (share(a), share(b)) {
            (Some(va), Some(vb)) if !flat => {
                let sum = va + vb;
                let df = sum * sum
                    / (va * va / (a.len() as f64 - 1.0) + vb * vb / (b.len() as f64 - 1.0));
                (Some((sum + extra_variance).sqrt()), df)
            }
            _ => (None, f64::NAN),
        };
        difference.is_finite().then_some(Self {
            difference,
            standard_error,
            df,
        })
    }

    /// The ratio b / a.
    pub fn ratio(&self) -> f64 {
        self.difference.exp()
    }

    /// The t statistic; `None` where it is undefined.
    pub fn t(&self) -> Option<f64> {
        self.standard_error.map(|se| self.difference / se)
    }

    /// Two-sided p.
    pub fn p(&self) -> Option<f64> {
        self.t().map(|t| t_two_sided(t, self.df))
    }

    /// Interval of the difference of logs at confidence 1 - `alpha`.
    pub fn interval(&self, alpha: f64) -> Option<[f64; 2]> {
        let half = t_critical(alpha, self.df)? * self.standard_error?;
        Some([self.difference - half, self.difference + half])
    }

    /// p of "the difference is not above `bound`": small if it is above.
    pub fn p_above(&self, bound: f64) -> Option<f64> {
        self.standard_error
            .map(|se| t_upper((self.difference - bound) / se, self.df))
    }

    /// p of "the difference is not below `bound`": small if it is below.
    pub fn p_below(&self, bound: f64) -> Option<f64> {
        self.standard_error
            .map(|se| t_upper((bound - self.difference) / se, self.df))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn identical_ratios_leave_t_undefined() {
        let t = LogT::paired(&[3.0, 7.0, 11.0], &[3.3, 7.7, 12.1]).unwrap();
        assert!((t.ratio() - 1.1).abs() < 1e-12);
        assert_eq!((t.t(), t.p(), t.interval(0.05)), (None, None, None));
    }

    #[test]
    fn undefined_inputs() {
        assert_eq!(LogT::paired(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(LogT::paired(&[], &[]), None);
        assert_eq!(LogT::welch(&[1.0, 0.0], &[1.0]), None);
        assert_eq!(LogT::welch(&[1.0], &[2.0]).unwrap().p(), None);
    }
}
