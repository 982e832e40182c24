//! Both stores on a real, seeded database. Runs when `TEST_DATABASE_URL` is set to the services' role.

use std::{env, time::Duration};

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use rust_api::store::PoolSettings;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};
use tower::ServiceExt;

use crate::outage::{apps, status};

const SETTINGS: PoolSettings = PoolSettings {
    max: 5,
    min: 5,
    timeout: Duration::from_secs(5),
};
/// Long enough for any machine: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[allow(clippy::print_stderr, reason = "a skipped test has to say so")]
fn database_url() -> Option<String> {
    let url = env::var("TEST_DATABASE_URL").ok();
    if url.is_none() {
        eprintln!(
            "skipped: TEST_DATABASE_URL is not set (a database with db/migrations and db/seed applied)"
        );
    }
    url
}

async fn body(app: &Router, target: &str) -> (u16, Vec<u8>) {
    let request = Request::get(target).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Process ids of the service's connections, without those of a service that was there before.
async fn backends(client: &Client, others: &[i32]) -> Vec<i32> {
    const PIDS: &str = "SELECT pid FROM pg_stat_activity \
        WHERE application_name = 'rust-api' AND pid != ALL($1) ORDER BY 1";
    client
        .query(PIDS, &[&others])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

async fn wait_for_backends(
    client: &Client,
    others: &[i32],
    wanted: impl Fn(&[i32]) -> bool,
) -> Vec<i32> {
    let wait = async {
        loop {
            let found = backends(client, others).await;
            if wanted(&found) {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .expect("the pool has its budget of connections")
}

/// One test for the database, because it counts connections and two at a time would count each other's.
#[tokio::test]
async fn both_stores_on_a_real_database() {
    let Some(url) = database_url() else { return };
    let client = client(&url).await;
    let others = backends(&client, &[]).await;

    let [(_, sqlx), (_, tokio_postgres)] = apps(&url, SETTINGS);
    let both = 2 * SETTINGS.max;
    let before = wait_for_backends(&client, &others, |found| found.len() == both).await;

    // The same bytes from both, over the whole table.
    let (_, first) = body(&sqlx, "/users?limit=1").await;
    let first: serde_json::Value = serde_json::from_slice(&first).unwrap();
    let total = first["total"].as_u64().unwrap();
    assert!(total > 0, "the table is seeded");
    let id = first["items"][0]["id"].as_str().unwrap();
    let mut targets = vec![
        "/readyz".to_owned(),
        "/users?offset=9223372036854775807".to_owned(),
        format!("/users/{id}"),
        "/users/00000000-0000-0000-0000-000000000000".to_owned(),
    ];
    targets.extend(
        (0..total.div_ceil(200)).map(|page| format!("/users?limit=200&offset={}", page * 200)),
    );
    for target in &targets {
        let (status, bytes) = body(&sqlx, target).await;
        assert!(matches!(status, 200 | 404), "{target}: {status}");
        assert_eq!(
            (status, bytes),
            body(&tokio_postgres, target).await,
            "{target}"
        );
    }
    assert_eq!(
        backends(&client, &others).await,
        before,
        "no connection was opened or closed"
    );

    // All connections die at once; all come back without being asked for.
    client
        .query(
            "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid",
            &[&before],
        )
        .await
        .unwrap();
    let after = wait_for_backends(&client, &others, |found| {
        found.len() == both && !found.iter().any(|pid| before.contains(pid))
    })
    .await;
    for app in [&sqlx, &tokio_postgres] {
        for _ in 0..both {
            assert_eq!(status(app, "/users").await, 200);
        }
    }

    // A client that goes away in the middle of a query costs no connection, and nobody gets its answer.
    let user = format!("/users/{id}");
    let expected = body(&sqlx, &user).await;
    for app in [&sqlx, &tokio_postgres] {
        for _ in 0..100 {
            let _ = timeout(Duration::from_micros(300), status(app, "/users?limit=200")).await;
        }
        for _ in 0..both {
            assert_eq!(body(app, &user).await, expected);
        }
    }
    assert_eq!(
        backends(&client, &others).await,
        after,
        "the same connections as before"
    );
}
