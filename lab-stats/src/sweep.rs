//! Where a ranking turns round as a budget or a load is varied.

use serde::{Deserialize, Serialize};

use crate::report::{Report, Verdict};

/// A ranking that is shown to be another at another value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Metric.
    pub metric: String,
    /// First target of the pair.
    pub a: String,
    /// Second target.
    pub b: String,
    /// The last value at which the first ranking is shown.
    pub from: u32,
    /// The first value at which the other one is.
    pub to: u32,
    /// Ratio a/b there.
    pub ratio_from: f64,
    /// Ratio a/b there.
    pub ratio_to: f64,
}

/// All flips, by metric and pair in the order of the reports; `values` rising. A flip is two verdicts `different` with
/// opposite signs and none between them: where it cannot be told, or the two are equivalent, the ranking is not turned.
pub fn flips(values: &[(u32, &Report)]) -> Vec<Flip> {
    let mut found = Vec::new();
    let Some((_, first)) = values.first() else {
        return found;
    };
    for metric in &first.metrics {
        for pair in &metric.comparisons {
            let mut last: Option<(u32, f64)> = None;
            for (value, report) in values {
                let Some(ratio) = shown(report, &metric.metric, &pair.a, &pair.b) else {
                    continue;
                };
                if let Some((from, before)) = last
                    && (before > 1.0) != (ratio > 1.0)
                {
                    found.push(Flip {
                        metric: metric.metric.clone(),
                        a: pair.a.clone(),
                        b: pair.b.clone(),
                        from,
                        to: *value,
                        ratio_from: before,
                        ratio_to: ratio,
                    });
                }
                last = Some((*value, ratio));
            }
        }
    }
    found
}

/// The ratio of a pair whose verdict is `different`.
fn shown(report: &Report, metric: &str, a: &str, b: &str) -> Option<f64> {
    report
        .metric(metric)?
        .comparisons
        .iter()
        .find(|c| c.a == a && c.b == b)
        .filter(|c| c.verdict == Verdict::Different)?
        .ratio
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::JudgePlan;
    use crate::session::{Repetition, Session};
    use proptest::prelude::*;

    /// A session in which python's p99 is `level` times go's, with a little noise or with much.
    fn report(level: f64, noisy: bool) -> Report {
        let mut session = Session::default();
        for block in 0..10u64 {
            let wobble = if noisy {
                0.7 + 0.09 * ((block * 7 + 3) % 10) as f64
            } else {
                1.0 + 0.001 * ((block * 7 + 3) % 10) as f64
            };
            for (target, p99) in [("go", 8.0), ("python", 8.0 * level * wobble)] {
                let mut run = Repetition::new(target, block);
                run.metrics.insert("p99".into(), Some(p99));
                session.repetitions.push(run);
            }
        }
        let plan = JudgePlan::new(["go", "python"], "go").with_roles(&["p99".to_owned()], &[], &[]);
        crate::judge(&plan, &session).unwrap()
    }

    fn flips_of(levels: &[(f64, bool)]) -> Vec<(u32, u32)> {
        let reports: Vec<Report> = levels.iter().map(|(l, noisy)| report(*l, *noisy)).collect();
        let values: Vec<(u32, &Report)> = (1..).map(|i| i * 10).zip(&reports).collect();
        flips(&values).into_iter().map(|f| (f.from, f.to)).collect()
    }

    #[test]
    fn a_change_of_sign_is_a_flip() {
        assert_eq!(flips_of(&[(0.5, false), (2.0, false)]), [(10, 20)]);
        assert_eq!(
            flips_of(&[(2.0, false), (0.5, false), (2.0, false)]),
            [(10, 20), (20, 30)]
        );
        assert!(flips_of(&[(2.0, false), (1.5, false), (3.0, false)]).is_empty());
        assert!(flips(&[]).is_empty());
    }

    #[test]
    fn what_cannot_be_told_is_none() {
        // Around 1 with much noise: no verdict, whatever the estimate says.
        assert!(flips_of(&[(2.0, false), (0.99, true)]).is_empty());
        // Equivalent, though the ratio is below 1.
        assert!(flips_of(&[(2.0, false), (0.99, false)]).is_empty());
        // It is told again later: the flip lies somewhere between.
        assert_eq!(
            flips_of(&[(2.0, false), (1.0, true), (0.5, false)]),
            [(10, 30)]
        );
    }

    proptest! {
        #[test]
        fn flips_are_the_changes_of_sign_among_what_is_shown(signs in prop::collection::vec(-1i8..=1, 1..8)) {
            let levels: Vec<(f64, bool)> = signs.iter().map(|s| match s {
                1 => (2.0, false),
                -1 => (0.5, false),
                _ => (1.0, true),
            }).collect();
            let told: Vec<i8> = signs.iter().copied().filter(|s| *s != 0).collect();
            let changes = told.windows(2).filter(|w| w[0] != w[1]).count();
            prop_assert_eq!(flips_of(&levels).len(), changes);
        }
    }
}
