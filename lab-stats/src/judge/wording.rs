//! The sentences of the verdicts (section 6).

use crate::{
    judge::estimate::{Estimate, Levels},
    metric::{Better, Metric, Quantity},
    planning::{MOST_REPETITIONS, Needed},
    report::Interval,
    text,
};

/// What a sentence needs beside the estimate.
pub struct Words<'a> {
    /// First target.
    pub a: &'a str,
    /// Second target.
    pub b: &'a str,
    /// Metric.
    pub metric: &'a Metric,
    /// Levels of the family.
    pub levels: &'a Levels,
    /// Estimate of a / b.
    pub estimate: &'a Estimate,
}

impl Words<'_> {
    /// Whether a is the better of the two by the estimate.
    pub fn a_is_better(&self) -> bool {
        (self.estimate.log_ratio > 0.0) == (self.metric.better() == Better::Higher)
    }

    /// Name of the better target.
    pub fn better(&self) -> &str {
        if self.a_is_better() { self.a } else { self.b }
    }

    /// "A is 1.8x faster than B at p99 (95% CI 1.6-2.0, p=0.006 Holm of 3)".
    pub fn different(&self, p_adjusted: f64, ci: Interval) -> String {
        let (winner, loser) = if self.a_is_better() {
            (self.a, self.b)
        } else {
            (self.b, self.a)
        };
        let estimate = self.estimate.log_ratio.abs();
        // Turned so that the ratio is above 1 with the better target as subject.
        let ci = if self.estimate.log_ratio > 0.0 {
            ci
        } else {
            [-ci[1], -ci[0]]
        };
        let [low, ratio, high] = self.show([ci[0], estimate, ci[1]]);
        let holm = if self.levels.family > 1 {
            format!(" Holm of {}", self.levels.family)
        } else {
            String::new()
        };
        let p = text::p_value(p_adjusted, self.levels.alpha);
        let evidence = format!(
            "({} {low}-{high}{}, {p}{holm})",
            self.level(),
            self.achieved()
        );
        let mut sentence = match self.metric.quantity {
            Quantity::Cost => {
                format!("{winner} uses {ratio}x less CPU per request than {loser} {evidence}")
            }
            Quantity::Rate => {
                format!("{winner} is {ratio}x faster than {loser} in throughput {evidence}")
            }
            Quantity::Capacity => {
                format!("{winner} keeps the objective at {ratio}x the rate of {loser} {evidence}")
            }
            Quantity::Latency | Quantity::Errors => {
                format!(
                    "{winner} is {ratio}x faster than {loser} at {} {evidence}",
                    self.metric.label()
                )
            }
        };
        if ci[0] < self.levels.margin {
            sentence.push_str(&format!("; could be smaller than {}", self.margin()));
        }
        sentence
    }

    /// "equivalent within ±5% (ratio 1.01, 90% CI 0.99-1.03)".
    pub fn equivalent(&self, ci: Interval, really_different: bool) -> String {
        // A bound inside the margin must not be shown on it.
        let margin = self.levels.margin.exp();
        let lines = [1.0, margin, 1.0 / margin];
        let [low, ratio, high] = show([ci[0], self.estimate.log_ratio, ci[1]], &lines);
        let level = text::level(1.0 - 2.0 * self.levels.alpha);
        let mut sentence = format!(
            "equivalent within \u{b1}{} (ratio {ratio}, {level} CI {low}-{high})",
            self.margin()
        );
        if really_different {
            sentence.push_str("; a real but small difference");
        }
        sentence
    }

    /// "can't tell yet: ratio 1.03 (95% CI 0.97-1.09); about N more repetitions needed to resolve 5%".
    pub fn cannot_tell(&self, needed: Option<Needed>, uncorrected_only: bool) -> String {
        let mut sentence = format!("can't tell yet: {}", self.ratio());
        if uncorrected_only {
            sentence.push_str(&format!(
                "; not after correcting for {} comparisons",
                self.levels.family
            ));
        }
        match needed {
            Some(Needed::Repetitions(n)) => {
                let more = n.saturating_sub(self.estimate.repetitions).max(1);
                let noun = if more == 1 {
                    "repetition"
                } else {
                    "repetitions"
                };
                sentence.push_str(&format!(
                    "; about {more} more {noun} needed to resolve {}",
                    self.margin()
                ));
            }
            Some(Needed::TooMany) => {
                let sd = 100.0 * self.estimate.sd.unwrap_or(0.0).exp_m1();
                let sd = if sd.is_finite() {
                    text::percent(sd)
                } else {
                    "too large for a number".to_owned()
                };
                sentence.push_str(&format!(
                    "; repetitions needed to resolve {}: more than {MOST_REPETITIONS}: reduce the noise first (sd of paired ratio is {sd})",
                    self.margin()
                ));
            }
            None => {}
        }
        sentence
    }

    /// "ratio 1.03 (95% CI 0.97-1.09)".
    pub fn ratio(&self) -> String {
        // A bound beyond what a number can hold says nothing.
        let finite = |ci: &[f64; 2]| ci.iter().all(|bound| bound.exp().is_finite());
        match self.estimate.ci.filter(finite) {
            Some(ci) => {
                let [low, ratio, high] = self.show([ci[0], self.estimate.log_ratio, ci[1]]);
                format!(
                    "ratio {ratio} ({} {low}-{high}{})",
                    self.level(),
                    self.achieved()
                )
            }
            None => {
                let [_, ratio, _] = self.show([self.estimate.log_ratio; 3]);
                format!("ratio {ratio}")
            }
        }
    }

    /// The margin as people say it: 5%.
    pub fn margin(&self) -> String {
        text::percent(100.0 * self.levels.margin.exp_m1())
    }

    fn level(&self) -> String {
        format!("{} CI", text::level(1.0 - self.levels.alpha))
    }

    /// The exact interval's own level, where it is a point above the one asked for.
    fn achieved(&self) -> String {
        match self.estimate.achieved {
            Some(achieved) if achieved > 1.0 - self.levels.alpha + 0.01 => {
                format!(
                    ", achieved {}",
                    text::level((achieved * 1000.0).round() / 1000.0)
                )
            }
            _ => String::new(),
        }
    }

    fn show(&self, logs: [f64; 3]) -> [String; 3] {
        show(logs, &[1.0])
    }
}

fn show(logs: [f64; 3], lines: &[f64]) -> [String; 3] {
    let mut texts = text::ratios(&logs.map(f64::exp), lines).into_iter();
    std::array::from_fn(|_| texts.next().unwrap_or_default())
}
