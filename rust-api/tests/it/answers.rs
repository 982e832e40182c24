//! Every row of the contract, through the router.

use std::sync::atomic::Ordering;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode, header},
};
use http_body_util::BodyExt;
use rust_api::http::app;
use tower::ServiceExt;

use crate::fake::{FakeStore, ID, USER};

const BAD_REQUEST: (u16, &str) = (400, r#"{"error":"bad_request"}"#);
const NOT_FOUND: (u16, &str) = (404, r#"{"error":"not_found"}"#);
const NOT_ALLOWED: (u16, &str) = (405, r#"{"error":"method_not_allowed"}"#);
const UNAVAILABLE: (u16, &str) = (503, r#"{"error":"unavailable"}"#);

async fn send(app: &Router, method: &str, target: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .body(Body::empty())
        .unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// Sends a request and checks status, headers and body; `HEAD` must say the same without the body.
async fn expect(app: &Router, method: &str, target: &str, (status, body): (u16, &str)) {
    let response = send(app, method, target).await;
    assert_eq!(
        response.status(),
        StatusCode::from_u16(status).unwrap(),
        "{method} {target}"
    );
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/json",
        "{target}"
    );
    let length = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(
        length.as_deref(),
        Some(body.len().to_string().as_str()),
        "{method} {target}"
    );
    let allow = response
        .headers()
        .get(header::ALLOW)
        .map(|value| value.to_str().unwrap());
    assert_eq!(
        allow,
        (status == 405).then_some("GET, HEAD"),
        "{method} {target}"
    );
    let sent = response.into_body().collect().await.unwrap().to_bytes();
    let expected = if method == "HEAD" { "" } else { body };
    assert_eq!(
        String::from_utf8_lossy(&sent),
        expected,
        "{method} {target}"
    );
}

async fn expect_both(app: &Router, target: &str, answer: (u16, &str)) {
    expect(app, "GET", target, answer).await;
    expect(app, "HEAD", target, answer).await;
}

#[tokio::test]
async fn the_good_answers() {
    let app = app(FakeStore::new());
    let page = |limit, offset| {
        let items = if offset == 0 { USER } else { "" };
        format!(r#"{{"items":[{items}],"limit":{limit},"offset":{offset},"total":1}}"#)
    };
    expect_both(&app, "/healthz", (200, r#"{"status":"ok"}"#)).await;
    expect_both(&app, "/readyz", (200, r#"{"status":"ready"}"#)).await;
    expect_both(&app, &format!("/users/{ID}"), (200, USER)).await;
    expect_both(
        &app,
        &format!("/users/{}", ID.to_string().to_uppercase()),
        (200, USER),
    )
    .await;
    expect_both(&app, "/users", (200, &page(50, 0))).await;
    expect_both(&app, "/users?", (200, &page(50, 0))).await;
    expect_both(&app, "/users?limit=200&offset=007", (200, &page(200, 7))).await;
    expect_both(&app, "/healthz?limit=x", (200, r#"{"status":"ok"}"#)).await;
    expect_both(&app, &format!("/users/{ID}?limit=0&limit=0"), (200, USER)).await;
}

#[tokio::test]
async fn paths_may_be_spelt_differently() {
    let app = app(FakeStore::new());
    let escaped_id: String = ID
        .to_string()
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    expect_both(
        &app,
        "/us%65rs?offset=1",
        (200, r#"{"items":[],"limit":50,"offset":1,"total":1}"#),
    )
    .await;
    expect_both(&app, &format!("/users/{escaped_id}"), (200, USER)).await;
    expect_both(&app, &format!("/%75sers/{escaped_id}"), (200, USER)).await;
    expect_both(&app, "/us%65rs/%2F", BAD_REQUEST).await;
    expect_both(&app, "/%68ealthz", (200, r#"{"status":"ok"}"#)).await;
}

#[tokio::test]
async fn bad_requests_never_reach_the_store() {
    let store = FakeStore::new();
    let app = app(store.clone());
    for target in [
        "/users/1",
        "/users/%2F",
        "/users/%FF",
        "/users/%zz",
        "/users/%",
        "/users/%00",
        "/users/..",
        "/users/0cc175b9c0f1b6a831c399e269772661",
        "/users/%7B0cc175b9-c0f1-b6a8-31c3-99e269772661%7D",
        "/users/0cc175b9-c0f1-b6a8-31c3-99e269772661%20",
        "/users?limit=0",
        "/users?limit=5&limit=5",
        "/users?offset=-1",
        "/users?limit=%FF",
    ] {
        expect_both(&app, target, BAD_REQUEST).await;
    }
    assert_eq!(store.questions.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn unknown_paths_are_not_found_with_every_method() {
    let store = FakeStore::new();
    let app = app(store.clone());
    let with_slash = format!("/users/{ID}/");
    for target in [
        "/",
        "/users/",
        "//users",
        "/users//",
        "/users/a/b",
        "/Users",
        "/USERS",
        "/healthz/",
        "/readyz/",
        "/healthz/x",
        "/users%2F",
        "/users%2f1",
        "/us%65rs/",
        "/us%65rz",
        "/%FF",
        "/metrics",
        "/./users",
        with_slash.as_str(),
    ] {
        expect_both(&app, target, NOT_FOUND).await;
        for method in ["POST", "DELETE", "OPTIONS", "BREW"] {
            expect(&app, method, target, NOT_FOUND).await;
        }
    }
    assert_eq!(store.questions.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_method_is_judged_before_the_rest() {
    let store = FakeStore::new();
    let app = app(store.clone());
    let user = format!("/users/{ID}");
    for target in [
        "/healthz",
        "/readyz",
        "/users",
        "/users?limit=0",
        "/users/1",
        "/users/%FF",
        "/us%65rs",
        &user,
    ] {
        for method in [
            "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get",
        ] {
            expect(&app, method, target, NOT_ALLOWED).await;
        }
    }
    assert_eq!(store.questions.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_unknown_id_is_not_found_after_one_question() {
    let store = FakeStore::new();
    let app = app(store.clone());
    expect(
        &app,
        "GET",
        "/users/00000000-0000-0000-0000-000000000000",
        NOT_FOUND,
    )
    .await;
    assert_eq!(store.questions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_database_only_health_is_well() {
    let app = app(FakeStore::unavailable());
    expect_both(&app, "/healthz", (200, r#"{"status":"ok"}"#)).await;
    expect_both(&app, "/readyz", UNAVAILABLE).await;
    expect_both(&app, "/users", UNAVAILABLE).await;
    expect_both(&app, &format!("/users/{ID}"), UNAVAILABLE).await;
    expect_both(&app, "/users/1", BAD_REQUEST).await;
}

#[tokio::test]
async fn a_body_on_get_is_ignored() {
    let request = Request::builder()
        .method(Method::GET)
        .uri("/healthz")
        .body(Body::from("{"))
        .unwrap();
    let response = app(FakeStore::new()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
