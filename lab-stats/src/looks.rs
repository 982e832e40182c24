//! Looking at the verdicts more than once (section 8).

use crate::plan::Looks;

/// Pocock's levels for two and three planned looks at overall 5%.
const POCOCK_5: [f64; 3] = [0.05, 0.0294, 0.0221];
/// Levels of the first and second unplanned extension, as shares of the planned level.
const EXTENSION: [f64; 2] = [0.4, 0.2];

/// The error level of this look and what must be said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Level for p and for intervals; `None` if no further look is allowed.
    pub alpha: Option<f64>,
    /// To be printed beside the verdicts.
    pub note: Option<String>,
}

/// The level of look `looks.number` at overall level `alpha`.
pub fn level(alpha: f64, looks: &Looks) -> Level {
    let planned = looks.planned.clamp(1, 3);
    if looks.number <= planned {
        let levelled = if (alpha - 0.05).abs() < 1e-12 {
            POCOCK_5[planned as usize - 1]
        } else {
            // Pocock's table is for 5%; elsewhere the union bound is safe.
            alpha / f64::from(planned)
        };
        let note = (planned > 1).then(|| {
            format!(
                "look {} of {planned} planned: level {} at each look",
                looks.number,
                trim(levelled)
            )
        });
        return Level {
            alpha: Some(levelled),
            note,
        };
    }
    match EXTENSION.get((looks.number - planned - 1) as usize) {
        Some(share) => Level {
            alpha: Some(alpha * share),
            note: Some(format!(
                "extended after a look; false-positive rate at most {}%",
                trim(100.0 * alpha * (1.0 + EXTENSION.iter().sum::<f64>()))
            )),
        },
        None => Level {
            alpha: None,
            note: Some(format!(
                "look {} after {planned} planned: no level is left, no more verdicts",
                looks.number
            )),
        },
    }
}

fn trim(x: f64) -> String {
    format!("{x:.4}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(planned: u32, number: u32) -> Level {
        level(
            0.05,
            &Looks {
                planned,
                number,
                peeked: false,
            },
        )
    }

    #[test]
    fn levels_of_section_8() {
        assert_eq!(
            at(1, 1),
            Level {
                alpha: Some(0.05),
                note: None
            }
        );
        assert_eq!(at(2, 1).alpha, Some(0.0294));
        assert_eq!(at(3, 3).alpha, Some(0.0221));
        let second = at(1, 2);
        assert!((second.alpha.unwrap_or(0.0) - 0.02).abs() < 1e-15);
        assert_eq!(
            second.note.as_deref(),
            Some("extended after a look; false-positive rate at most 8%")
        );
        assert!((at(1, 3).alpha.unwrap_or(0.0) - 0.01).abs() < 1e-15);
        assert_eq!(at(1, 4).alpha, None);
    }
}
