//! Numbers as words: rounding that never changes what a number says.

/// Ratios with common decimals: enough that none is rounded onto or across a line (1, a margin) it is
/// not on, and that different values look different.
pub fn ratios(values: &[f64], lines: &[f64]) -> Vec<String> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let start = if least < 0.1 && least > 0.0 {
        (1.0 - least.log10().floor()) as usize
    } else if least < 1.5 {
        2
    } else if least < 100.0 {
        1
    } else {
        0
    };
    for decimals in start..=15 {
        let texts: Vec<String> = values
            .iter()
            .map(|value| format!("{value:.decimals$}"))
            .collect();
        if faithful(values, &texts, lines) {
            return texts;
        }
    }
    // Ratios of values at the two ends of floating point.
    values
        .iter()
        .map(|value| {
            if value.is_finite() {
                format!("{value:.3e}")
            } else {
                ">1e308".to_owned()
            }
        })
        .collect()
}

fn faithful(values: &[f64], texts: &[String], lines: &[f64]) -> bool {
    let shown: Vec<f64> = texts
        .iter()
        .map(|text| text.parse().unwrap_or(f64::NAN))
        .collect();
    let sides = values.iter().zip(&shown).all(|(value, shown)| {
        // A value on a line but for rounding of its own arithmetic may be shown as the line.
        lines.iter().all(|line| {
            (value - line).abs() < 1e-12
                || if value < line {
                    shown < line
                } else {
                    shown > line
                }
        })
    });
    let apart = values
        .windows(2)
        .zip(shown.windows(2))
        .all(|(value, shown)| {
            (value[0] - value[1]).abs() <= 1e-9 * value[0].abs() || shown[0] != shown[1]
        });
    sides && apart
}

/// `p=0.006`, never rounded onto or across the level.
pub fn p_value(p: f64, alpha: f64) -> String {
    if p < 1e-4 && alpha > 1e-4 {
        return "p<0.0001".to_owned();
    }
    if p == 0.0 {
        return "p=0".to_owned();
    }
    // Three decimals, or one significant digit below 0.001.
    let start = (-p.log10().floor()).max(3.0) as usize;
    for decimals in start..start + 12 {
        let text = format!("{p:.decimals$}");
        let shown: f64 = text.parse().unwrap_or(f64::NAN);
        if (shown < alpha) == (p < alpha) && (shown == alpha) == (p == alpha) {
            return format!("p={}", trim(&text));
        }
    }
    format!("p={p}")
}

/// A number already in percent, with three significant digits at most: `5%`, `0.0012%`.
pub fn percent(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0%".to_owned();
    }
    let decimals = (2.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{}%", trim(&format!("{value:.decimals$}")))
}

/// A confidence level such as 0.95 as `95%`.
pub fn level(confidence: f64) -> String {
    format!("{}%", trim(&format!("{:.2}", 100.0 * confidence)))
}

/// A plain number with four significant digits.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (3.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    trim(&format!("{value:.decimals$}")).to_owned()
}

fn trim(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification() {
        assert_eq!(ratios(&[1.6, 1.8, 2.0], &[1.0]), ["1.6", "1.8", "2.0"]);
        assert_eq!(
            ratios(&[0.9949, 1.012, 1.03], &[1.0]),
            ["0.99", "1.01", "1.03"]
        );
        assert_eq!(p_value(0.006, 0.05), "p=0.006");
        assert_eq!(percent(5.0), "5%");
        assert_eq!(level(1.0 - 0.0294), "97.06%");
    }

    #[test]
    fn nothing_is_rounded_onto_or_across_one() {
        assert_eq!(
            ratios(&[1.0004, 1.3, 1.6], &[1.0]),
            ["1.0004", "1.3000", "1.6000"]
        );
        assert_eq!(
            ratios(&[0.999, 1.02, 1.04], &[1.0]),
            ["0.999", "1.020", "1.040"]
        );
        // All share the decimals of the hardest one: 1.0496 must not become the margin.
        assert_eq!(
            ratios(&[0.9961, 1.01, 1.0496], &[1.0, 1.05]),
            ["0.9961", "1.0100", "1.0496"]
        );
        assert_eq!(ratios(&[1.0, 1.0, 1.0], &[1.0]), ["1.00", "1.00", "1.00"]);
    }

    #[test]
    fn narrow_intervals_keep_their_ends_apart() {
        assert_eq!(
            ratios(&[4.102, 4.11, 4.118], &[1.0]),
            ["4.10", "4.11", "4.12"]
        );
        assert_eq!(
            ratios(&[0.0041, 0.0042, 0.0043], &[1.0]),
            ["0.0041", "0.0042", "0.0043"]
        );
    }

    #[test]
    fn p_stays_on_its_side_of_the_level() {
        assert_eq!(p_value(0.0499, 0.05), "p=0.0499");
        assert_eq!(p_value(0.0501, 0.05), "p=0.0501");
        assert_eq!(p_value(0.05, 0.05), "p=0.05");
        assert_eq!(p_value(0.000001, 0.05), "p<0.0001");
        assert_eq!(p_value(1.0, 0.05), "p=1");
    }
}
