//! Durations in order: after one sort every percentile is a look-up.

use crate::quantile::{interpolate, position};

/// Durations in ns, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted(Vec<i64>);

impl Sorted {
    /// Sorts.
    pub fn of(mut durations: Vec<i64>) -> Self {
        sort(&mut durations);
        Self(durations)
    }

    /// The values.
    pub fn values(&self) -> &[i64] {
        &self.0
    }

    /// Type 7 quantile; `None` if there are no values or p is outside 0..=1.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        let (low, high, weight) = position(self.0.len(), p)?;
        Some(interpolate(self.0[low] as f64, self.0[high] as f64, weight))
    }

    /// How many values are above a quantile (or any other line).
    pub fn above(&self, line: f64) -> usize {
        self.0.len() - self.0.partition_point(|d| *d as f64 <= line)
    }

    fn up_to(&self, value: i64) -> usize {
        self.0.partition_point(|d| *d <= value)
    }
}

/// Type 7 quantile over several repetitions together, without putting them together: the k-th value of all is found by
/// counting in each.
pub fn pooled_quantile(repetitions: &[Sorted], p: f64) -> Option<f64> {
    let n = repetitions.iter().map(|r| r.0.len()).sum();
    let (low, high, weight) = position(n, p)?;
    let least = *repetitions.iter().filter_map(|r| r.0.first()).min()?;
    let most = *repetitions.iter().filter_map(|r| r.0.last()).max()?;
    let at = |k: usize| {
        let (mut from, mut to) = (least, most);
        while from < to {
            let middle = from + (to - from) / 2;
            let counted: usize = repetitions.iter().map(|r| r.up_to(middle)).sum();
            if counted > k {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        from as f64
    };
    Some(interpolate(at(low), at(high), weight))
}

/// Bits of a digit: its counts stay in the first-level cache.
const DIGIT: u32 = 11;
/// Below, and with values of more than four digits (5 hours), comparing is faster.
const FEW: usize = 2000;

/// By digits, the last one first (radix sort): three passes for durations below 8 s, where comparing takes seventeen.
fn sort(values: &mut Vec<i64>) {
    let most = values.iter().max().map_or(0, |v| v.unsigned_abs());
    let negative = values.iter().any(|v| *v < 0);
    let bits = u64::BITS - most.leading_zeros();
    if values.len() < FEW || negative || bits > 4 * DIGIT {
        values.sort_unstable();
        return;
    }
    let mut other = vec![0; values.len()];
    for shift in (0..bits).step_by(DIGIT as usize) {
        let digit = |value: i64| (value >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0usize; 1 << DIGIT];
        for value in &*values {
            places[digit(*value)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for value in &*values {
            let place = &mut places[digit(*value)];
            other[*place] = *value;
            *place += 1;
        }
        std::mem::swap(values, &mut other);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::quantile::quantile;

    fn made_up(n: i64, scale: i64) -> Vec<i64> {
        (0..n)
            .map(|i| (i * 7919) % 100_003 * scale + i % 3)
            .collect()
    }

    #[test]
    fn digits_sort_as_comparing_does() {
        for (n, scale) in [
            (0, 1),
            (1, 1),
            (1999, 7),
            (5000, 1),
            (5000, 1 << 9),
            (5000, 1 << 20),
            (5000, 1 << 40),
            (4000, -3),
        ] {
            let values = made_up(n, scale);
            let mut want = values.clone();
            want.sort();
            assert_eq!(Sorted::of(values).values(), want, "{n} {scale}");
        }
        assert_eq!(Sorted::of(vec![0; 3000]).values(), vec![0; 3000]);
    }

    #[test]
    fn quantiles_are_type_7_of_each_and_of_all() {
        let runs: Vec<Vec<i64>> = (1..6).map(|r| made_up(r * 97, r)).collect();
        let floats = |values: &[i64]| -> Vec<f64> { values.iter().map(|v| *v as f64).collect() };
        let all = floats(&runs.concat());
        let sorted: Vec<Sorted> = runs.iter().cloned().map(Sorted::of).collect();
        for p in [0.0, 0.01, 0.5, 0.95, 0.999, 1.0] {
            assert_eq!(pooled_quantile(&sorted, p), quantile(&all, p), "{p}");
            assert_eq!(sorted[2].quantile(p), quantile(&floats(&runs[2]), p), "{p}");
        }
        assert_eq!(
            sorted[0].above(0.0),
            runs[0].iter().filter(|v| **v > 0).count()
        );
        assert_eq!(pooled_quantile(&[], 0.5), None);
        assert_eq!(pooled_quantile(&[Sorted::default()], 0.5), None);
    }
}
