//! Databases that are not there, or not listening, with both drivers.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use rust_api::{
    config::Config,
    http::app,
    store::{PoolSettings, SqlxStore, TokioPostgresStore},
};
use tokio::net::TcpListener;
use tower::ServiceExt;

const SETTINGS: PoolSettings = PoolSettings {
    max: 3,
    min: 3,
    timeout: Duration::from_millis(200),
};

pub fn apps(url: &str, settings: PoolSettings) -> [(&'static str, Router); 2] {
    let config = Config::read(|name| {
        Some(match name {
            "DATABASE_URL" => url.to_owned(),
            "HOST" => "127.0.0.1".to_owned(),
            _ => "1".to_owned(),
        })
    })
    .unwrap();
    let url = &config.database_url;
    [
        ("sqlx", app(SqlxStore::connect(url, settings).unwrap())),
        (
            "tokio-postgres",
            app(TokioPostgresStore::connect(url, settings).unwrap()),
        ),
    ]
}

pub async fn status(app: &Router, target: &str) -> StatusCode {
    let request = Request::get(target).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

async fn expect_unavailable(url: &str) {
    for (name, app) in apps(url, SETTINGS) {
        // More than the pool has, twice: a hanging connection must not be kept.
        for _ in 0..2 {
            let requests = (0..8).map(|_| status(&app, "/readyz"));
            for status in futures_util::future::join_all(requests).await {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
            }
        }
        assert_eq!(
            status(&app, "/users").await,
            StatusCode::SERVICE_UNAVAILABLE,
            "{name}"
        );
        assert_eq!(status(&app, "/healthz").await, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn a_database_that_refuses() {
    // Bound and let go: nobody listens there now.
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    expect_unavailable(&format!("postgres://u:p@127.0.0.1:{port}/d")).await;
}

#[tokio::test]
async fn a_database_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    expect_unavailable(&format!("postgres://u:p@127.0.0.1:{port}/d")).await;
    silent.abort();
}

#[test]
fn urls_that_no_driver_can_use_are_refused_without_being_shown() {
    for url in [
        "postgres://u:s3cret@h:notaport/d",
        "postgres://u:s3cret@h/d?sslmode=nonsense",
    ] {
        let config =
            Config::read(|name| Some(if name == "DATABASE_URL" { url } else { "1" }.to_owned()))
                .unwrap();
        let errors = [
            SqlxStore::connect(&config.database_url, SETTINGS).err(),
            TokioPostgresStore::connect(&config.database_url, SETTINGS).err(),
        ];
        for error in errors {
            let text = error.expect("must be refused").to_string();
            assert!(
                text.contains("DATABASE_URL") && !text.contains("s3cret"),
                "{text}"
            );
        }
    }
}
