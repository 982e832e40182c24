//! Different spellings of one path.

use axum::{extract::Request, http::Uri};

/// The request with a path that needs no decoding where none was needed (RFC 3986, section 6.2.2.2: `%65` and `e`
/// are the same, `%2F` and `/` are not), or `None` if there is nothing to undo.
pub fn respell(mut request: Request) -> Option<Request> {
    let uri = request.uri();
    let path = decode_unreserved(uri.path())?;
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(request)
}

/// Decodes the letters, digits and marks that never need encoding; `None` if there are none.
fn decode_unreserved(path: &str) -> Option<String> {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    let mut changed = false;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        match unreserved_escape(&rest[at..]) {
            Some(character) => {
                decoded.push(character);
                rest = &rest[at + 3..];
                changed = true;
            }
            None => {
                decoded.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    decoded.push_str(rest);
    changed.then_some(decoded)
}

/// The character that `text` begins with in encoded form, if it is one that needs no encoding.
fn unreserved_escape(text: &str) -> Option<char> {
    let digits = text.get(1..3)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let character = char::from(u8::from_str_radix(digits, 16).ok()?);
    (character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_' | '~'))
        .then_some(character)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::body::Body;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_needless_escapes_are_undone() {
        for (path, decoded) in [
            ("/us%65rs", Some("/users")),
            ("/%75%73%65%72%73/%2F", Some("/users/%2F")),
            ("/%2e%7E%2d%5F", Some("/.~-_")),
            ("/users", None),
            ("/users%2F", None),
            ("/%25", None),
            ("/%zz", None),
            ("/%6", None),
            ("/%", None),
            ("/%+1", None),
            ("/é%C3%A9", None),
            ("/%é", None),
        ] {
            assert_eq!(decode_unreserved(path).as_deref(), decoded, "{path}");
        }
    }

    #[test]
    fn the_query_is_left_alone() {
        let request = Request::get("/us%65rs?limit=%31")
            .body(Body::empty())
            .unwrap();
        assert_eq!(respell(request).unwrap().uri(), "/users?limit=%31");
    }

    proptest! {
        #[test]
        fn decoding_the_rest_gives_the_same_path(path in "/[a-z/%0-9A-F~é]{0,24}") {
            let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<_>>();
            if let Some(respelled) = decode_unreserved(&path) {
                prop_assert!(respelled.len() < path.len());
                // An escaped percent sign is not undone, so no new escape can come about in a valid path.
                if path.split('%').skip(1).all(begins_with_escape) {
                    prop_assert_eq!(decode(&respelled), decode(&path));
                }
            }
        }
    }

    fn begins_with_escape(rest: &str) -> bool {
        rest.get(..2)
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}
