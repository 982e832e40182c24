//! The query of `GET /users`.
//!
//! Read by hand, because the rules are part of the contract and form decoders differ in them: pairs end at `&`
//! only, a plus is a space, everything but `limit` and `offset` is ignored, and a repeated key is an error.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::model::Page;

/// Users in an answer when the query has no `limit`.
const DEFAULT_LIMIT: i64 = 50;
/// Most users that one answer may have.
const MAX_LIMIT: i64 = 200;

/// A `limit` or `offset` that is repeated, no number, or out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadQuery;

/// Reads `limit` (1 to 200, default 50) and `offset` (0 to 2^63 - 1, default 0) from a raw query.
///
/// # Errors
/// [`BadQuery`] for a `limit` or `offset` that is repeated, no number, or out of its range.
pub fn parse_page(query: Option<&str>) -> Result<Page, BadQuery> {
    let mut limit = None;
    let mut offset = None;
    for pair in query.unwrap_or_default().split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match decode(key).as_deref() {
            Some("limit") => &mut limit,
            Some("offset") => &mut offset,
            _ => continue,
        };
        if slot.is_some() {
            return Err(BadQuery);
        }
        *slot = Some(parse_number(value)?);
    }
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(BadQuery);
    }
    Ok(Page {
        limit,
        offset: offset.unwrap_or(0),
    })
}

/// One or more ASCII digits and nothing else; leading zeros are fine.
fn parse_number(value: &str) -> Result<i64, BadQuery> {
    // An escape that is left over, or bytes that are no UTF-8, cannot be digits.
    let value = decode(value).ok_or(BadQuery)?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_err(|_| BadQuery)
    } else {
        Err(BadQuery)
    }
}

/// The text behind form encoding, or `None` where it is no UTF-8. Broken escapes stay as they are.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    let text = if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    match text {
        Cow::Borrowed(text) => percent_decode_str(text).decode_utf8().ok(),
        Cow::Owned(text) => Some(Cow::Owned(
            percent_decode_str(&text).decode_utf8().ok()?.into_owned(),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(limit: i64, offset: i64) -> Result<Page, BadQuery> {
        Ok(Page { limit, offset })
    }

    #[test]
    fn accepted_queries() {
        for (query, expected) in [
            ("", page(50, 0)),
            ("limit=1", page(1, 0)),
            ("limit=200&offset=9223372036854775807", page(200, i64::MAX)),
            ("offset=7&limit=8", page(8, 7)),
            ("limit=00000000000000000000000000005", page(5, 0)),
            ("li%6Dit=%35", page(5, 0)),
            ("&&limit=5&", page(5, 0)),
            (
                "Limit=0&LIMIT=x&limits=0&=3&x&%zz=1&%ff=1&limit=5",
                page(5, 0),
            ),
            ("limit+=0", page(50, 0)),
            ("limit%zz=0", page(50, 0)),
            ("x=%zz&y=%ff", page(50, 0)),
            ("x=1;limit=0", page(50, 0)),
        ] {
            assert_eq!(parse_page(Some(query)), expected, "{query}");
        }
        assert_eq!(parse_page(None), page(50, 0));
    }

    #[test]
    fn refused_queries() {
        for query in [
            "limit=0",
            "limit=201",
            "limit=",
            "limit",
            "offset",
            "offset=",
            "limit=-1",
            "limit=+5",
            "limit=%2B5",
            "limit=5+",
            "limit=%205",
            "limit=5%00",
            "limit=1e1",
            "limit=1_0",
            "limit=0x5",
            "limit=5.0",
            "limit=5;offset=1",
            "limit=5=5",
            "limit=%D9%A5",
            "limit=٥",
            "limit=%zz",
            "limit=5%",
            "limit=%ff",
            "limit=5&limit=5",
            "limit=5&li%6dit=5",
            "offset=0&offset=0",
            "offset=-1",
            "offset=9223372036854775808",
            "offset=99999999999999999999999999",
        ] {
            assert_eq!(parse_page(Some(query)), Err(BadQuery), "{query}");
        }
    }

    proptest! {
        #[test]
        fn every_page_survives(limit in 1..=MAX_LIMIT, offset in 0..=i64::MAX, zeros in 0..40_usize) {
            let query = format!("offset={}{offset}&limit={limit}", "0".repeat(zeros));
            prop_assert_eq!(parse_page(Some(&query)), page(limit, offset));
        }

        #[test]
        fn escaping_changes_nothing(limit in 1..=MAX_LIMIT) {
            let escape = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
            let query = format!("{}={}", escape("limit"), escape(&limit.to_string()));
            prop_assert_eq!(parse_page(Some(&query)), page(limit, 0));
        }

        #[test]
        fn whatever_is_accepted_is_in_range(query in "((limit|offset)?=?[-+0-9%a-f;&é]{0,6}&?){0,4}") {
            if let Ok(page) = parse_page(Some(&query)) {
                prop_assert!((1..=MAX_LIMIT).contains(&page.limit) && page.offset >= 0);
            }
        }

        #[test]
        fn other_keys_change_nothing(key in "[a-km-np-z]{1,8}", value in "[^&]{0,8}") {
            let query = format!("{key}={value}&limit=9");
            prop_assert_eq!(parse_page(Some(&query)), page(9, 0));
        }
    }
}
