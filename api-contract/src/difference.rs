//! The first byte at which two bodies part, made visible.

use serde::{Deserialize, Serialize};

/// Bytes shown before the differing one, and after it.
const BEFORE: usize = 24;
const AFTER: usize = 24;

/// Where two byte strings differ first. Excerpts are ASCII: every other byte is shown as `\xNN`, so that the
/// caret points at one byte and not at some column of a wide or right-to-left letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Offset of the first differing byte, from 0.
    pub offset: usize,
    /// Length of the expected bytes.
    pub expected_length: usize,
    /// Length of the actual bytes.
    pub actual_length: usize,
    /// Expected bytes around the offset.
    pub expected: String,
    /// Actual bytes around the offset.
    pub actual: String,
    /// Column of the differing byte in both excerpts, from 0.
    pub caret: usize,
}

impl Difference {
    /// The first difference, or `None` where the bytes are the same.
    pub fn first(expected: &[u8], actual: &[u8]) -> Option<Self> {
        let same = expected
            .iter()
            .zip(actual)
            .take_while(|(left, right)| left == right)
            .count();
        if same == expected.len() && same == actual.len() {
            return None;
        }
        let start = same.saturating_sub(BEFORE);
        let lead = show(&expected[start..same]);
        let dots = if start > 0 { "..." } else { "" };
        Some(Self {
            offset: same,
            expected_length: expected.len(),
            actual_length: actual.len(),
            expected: format!("{dots}{lead}{}", tail(expected, same)),
            actual: format!("{dots}{lead}{}", tail(actual, same)),
            caret: dots.len() + lead.len(),
        })
    }

    /// Four lines for people, indented by `indent`.
    pub fn render(&self, indent: &str) -> String {
        format!(
            "{indent}first difference at byte {} (expected {} bytes, got {})\n\
             {indent}expected: {}\n\
             {indent}actual:   {}\n\
             {indent}          {}^",
            self.offset,
            self.expected_length,
            self.actual_length,
            self.expected,
            self.actual,
            " ".repeat(self.caret),
        )
    }
}

fn tail(bytes: &[u8], from: usize) -> String {
    let end = bytes.len().min(from + AFTER);
    let more = if end < bytes.len() { "..." } else { "<end>" };
    format!("{}{more}", show(&bytes[from.min(end)..end]))
}

fn show(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'\n' => r"\n".to_owned(),
            b'\r' => r"\r".to_owned(),
            b'\t' => r"\t".to_owned(),
            0x20..=0x7e => char::from(*byte).to_string(),
            _ => format!(r"\x{byte:02x}"),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_do_not_differ() {
        assert_eq!(Difference::first(b"", b""), None);
        assert_eq!(Difference::first(b"{}", b"{}"), None);
    }

    #[test]
    fn caret_stands_under_the_byte() {
        let found = Difference::first(br#"{"a":1,"b":2}"#, br#"{"a":1, "b":2}"#).unwrap();
        assert_eq!(found.offset, 7);
        assert_eq!(
            found.render(""),
            "first difference at byte 7 (expected 13 bytes, got 14)\n\
             expected: {\"a\":1,\"b\":2}<end>\n\
             actual:   {\"a\":1, \"b\":2}<end>\n\
             \x20                ^"
        );
    }

    #[test]
    fn a_longer_answer_differs_at_its_end() {
        let found = Difference::first(b"{}", b"{}\n").unwrap();
        assert_eq!((found.offset, found.caret), (2, 2));
        assert_eq!(found.expected, "{}<end>");
        assert_eq!(found.actual, r"{}\n<end>");
    }

    #[test]
    fn wide_letters_are_shown_byte_by_byte() {
        let found = Difference::first("\"李\"".as_bytes(), "\"王\"".as_bytes()).unwrap();
        assert_eq!(found.offset, 1);
        assert_eq!(found.expected, r#""\xe6\x9d\x8e"<end>"#);
        assert_eq!(found.caret, 1);
    }

    #[test]
    fn long_bodies_are_cut_on_both_sides() {
        let expected = "a".repeat(100);
        let mut actual = expected.clone().into_bytes();
        actual[50] = b'b';
        let found = Difference::first(expected.as_bytes(), &actual).unwrap();
        assert!(found.expected.starts_with("...") && found.expected.ends_with("..."));
        assert_eq!(found.actual.as_bytes()[found.caret], b'b');
    }
}
