//! The kernel's CPU lists: "0-3,8".

/// Parses a list; `None` if it is not one. The result is sorted and has no doubles.
pub fn parse(text: &str) -> Option<Vec<usize>> {
    let text = text.trim().trim_matches('\0');
    let mut cpus = Vec::new();
    if text.is_empty() {
        return Some(cpus);
    }
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last > 65_535 {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

/// Writes a list in the kernel's form.
pub fn format(cpus: &[usize]) -> String {
    let mut sorted = cpus.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for cpu in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => runs.push((cpu, cpu)),
        }
    }
    let one = |(a, b): &(usize, usize)| {
        if a == b {
            a.to_string()
        } else {
            format!("{a}-{b}")
        }
    };
    runs.iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        assert_eq!(parse("0-3,8\n"), Some(vec![0, 1, 2, 3, 8]));
        assert_eq!(parse("\n"), Some(vec![]));
        assert_eq!(parse("2,0-1,1"), Some(vec![0, 1, 2]));
        for bad in ["a", "3-1", "1-", "-1", "0-99999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(format(&[8, 3, 2, 1, 0, 5]), "0-3,5,8");
        assert_eq!(format(&[]), "");
        assert_eq!(parse(&format(&[7, 1, 2])), Some(vec![1, 2, 7]));
    }
}
