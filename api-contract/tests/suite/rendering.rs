//! What people and programs see of a failure.

use std::net::SocketAddr;

use api_contract::http::Request;
use api_contract::{Report, Subject, Suite, run};

use crate::fake::{Fake, Mutant};
use crate::users::{oracle, users};

fn report(mutant: Mutant, only: &str) -> (SocketAddr, Report) {
    let fake = Fake::start(users(), mutant);
    let suite = Suite::standard().only(only);
    let report = run(&suite, &Subject::new("fake", fake.address), &oracle()).unwrap();
    (fake.address, report)
}

#[test]
fn a_failure_shows_byte_caret_and_curl() {
    let (address, report) = report(Mutant::SpacesInJson, "users.limit.refused");
    assert_eq!(
        report.first_difference().unwrap(),
        format!(
            r#"users.limit.refused / zero
  GET /users?limit=0
    body differs
    first difference at byte 9 (expected 23 bytes, got 24)
    expected: {{"error":"bad_request"}}<end>
    actual:   {{"error": "bad_request"}}<end>
                       ^
    try: curl -sS -i --globoff --path-as-is 'http://{address}/users?limit=0'"#
        )
    );
}

#[test]
fn a_report_survives_json() {
    let (_, report) = report(Mutant::Charset, "paths");
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    assert!(
        text.contains(r#""kind":"header","name":"content-type","expected":"application/json""#)
    );
}

#[test]
fn totals_stand_at_the_end() {
    let (address, report) = report(Mutant::AllowMissing, "methods.refused.readyz");
    let text = report.render();
    assert!(
        text.contains("FAILED methods.refused.readyz / plain"),
        "{text}"
    );
    assert!(
        text.contains(r#"header allow: expected "GET, HEAD", got no such header"#),
        "{text}"
    );
    assert!(text.contains("and 2 more requests of this case"), "{text}");
    assert!(
        text.contains(&format!(
            "fake at {address}: 0 of 1 cases of suite `standard` passed (7 requests"
        )),
        "{text}"
    );
}

#[test]
fn curl_lines_survive_a_shell() {
    let mut request = Request::new("POST", "/users?a='b'&limit={1}");
    request.headers = vec![
        ("X-A".to_owned(), "it's".to_owned()),
        ("Content-Length".to_owned(), "2".to_owned()),
    ];
    request.body = b"{}".to_vec();
    assert_eq!(
        request.curl("127.0.0.1:1".parse().unwrap()),
        r#"curl -sS -i --globoff --path-as-is -X POST -H 'X-A: it'\''s' --data-binary '{}' 'http://127.0.0.1:1/users?a='\''b'\''&limit={1}'"#
    );
}
