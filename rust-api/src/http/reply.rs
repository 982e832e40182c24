//! The form of every answer: a status and a JSON body.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Every route answers to the same methods.
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// An answer. `Content-Length` follows from the body, for `HEAD` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    status: StatusCode,
    body: Bytes,
}

impl Reply {
    /// The process is there.
    pub const ALIVE: Self = Self::fixed(StatusCode::OK, r#"{"status":"ok"}"#);
    /// The database answers.
    pub const READY: Self = Self::fixed(StatusCode::OK, r#"{"status":"ready"}"#);
    /// An id or query that cannot be.
    pub const BAD_REQUEST: Self =
        Self::fixed(StatusCode::BAD_REQUEST, r#"{"error":"bad_request"}"#);
    /// No such user, or no such path.
    pub const NOT_FOUND: Self = Self::fixed(StatusCode::NOT_FOUND, r#"{"error":"not_found"}"#);
    /// A known path and a method that it does not have.
    pub const METHOD_NOT_ALLOWED: Self = Self::fixed(
        StatusCode::METHOD_NOT_ALLOWED,
        r#"{"error":"method_not_allowed"}"#,
    );
    /// The database did not answer in time, or not at all.
    pub const UNAVAILABLE: Self = Self::fixed(
        StatusCode::SERVICE_UNAVAILABLE,
        r#"{"error":"unavailable"}"#,
    );
    /// A mistake of ours.
    const INTERNAL: Self =
        Self::fixed(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"internal"}"#);

    const fn fixed(status: StatusCode, body: &'static str) -> Self {
        Self {
            status,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    /// 200 with `value`, which takes about `size` bytes as JSON.
    pub fn json(value: &impl Serialize, size: usize) -> Self {
        let mut body = Vec::with_capacity(size);
        match serde_json::to_writer(&mut body, value) {
            Ok(()) => Self {
                status: StatusCode::OK,
                body: body.into(),
            },
            Err(error) => {
                tracing::error!(%error, "an answer could not be encoded");
                Self::INTERNAL
            }
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, ALLOWED);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The contract's rule for strings, spelt out: quotes, backslashes and control characters, and nothing else.
    fn quoted(text: &str) -> String {
        let mut quoted = String::from("\"");
        for character in text.chars() {
            match character {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\u{8}' => quoted.push_str("\\b"),
                '\u{c}' => quoted.push_str("\\f"),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => quoted.push(character),
            }
        }
        quoted.push('"');
        quoted
    }

    fn body(text: &str) -> Bytes {
        Reply::json(&text, 0).body
    }

    #[test]
    fn every_ascii_character_is_escaped_as_the_contract_says() {
        for character in '\0'..='\u{7f}' {
            let text = character.to_string();
            assert_eq!(body(&text), quoted(&text), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn every_string_is_escaped_as_the_contract_says(text in any::<String>()) {
            prop_assert_eq!(body(&text), quoted(&text));
        }
    }
}
