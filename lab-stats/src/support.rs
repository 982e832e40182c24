//! Can this run support this percentile? (section 2.1)

use serde::{Deserialize, Serialize};

/// Label of the tail rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// E < 20: the value is shown, no verdict.
    TooFew,
    /// E in 20..50: verdict marked "few tail samples".
    Weak,
    /// E >= 50.
    Ok,
}

impl Support {
    /// The label for E effective samples above the percentile.
    pub fn of(exceedances: f64) -> Self {
        if exceedances >= 50.0 {
            Self::Ok
        } else if exceedances >= 20.0 {
            Self::Weak
        } else {
            Self::TooFew
        }
    }
}

/// Tail support of one percentile of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PercentileSupport {
    /// Variance inflation by dependence between requests; `None` below 50 requests.
    pub tau: Option<f64>,
    /// n / tau.
    pub n_eff: Option<f64>,
    /// E = n_eff (1 - p), effective samples above the percentile (n (1 - p) where tau is unknown).
    pub exceedances: f64,
    /// The label.
    pub label: Support,
}
