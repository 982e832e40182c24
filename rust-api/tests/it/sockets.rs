//! The server on real sockets: what only shows on the wire, and the drain.

use std::net::SocketAddr;

use rust_api::{http::app, server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::fake::{FakeStore, ID, USER};

async fn start(store: FakeStore) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<bool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server::serve(listener, app(store), async {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

/// Sends `requests` on one connection and reads until the server closes it.
async fn converse(address: SocketAddr, requests: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(requests).await.unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.unwrap();
    String::from_utf8(answers).unwrap()
}

#[tokio::test]
async fn head_sends_the_headers_of_get_and_no_body() {
    let (address, _stop, _server) = start(FakeStore::new()).await;
    for target in [
        format!("/users/{ID}"),
        "/users/1".to_owned(),
        "/nowhere".to_owned(),
    ] {
        let ask = async |method: &str| {
            let request =
                format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = converse(address, request.as_bytes()).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let head: Vec<String> = head
                .lines()
                .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
                .map(str::to_owned)
                .collect();
            (head, body.to_owned())
        };
        let (get, body) = ask("GET").await;
        let (head, nothing) = ask("HEAD").await;
        assert_eq!(get, head);
        assert!(
            get.contains(&format!("content-length: {}", body.len())),
            "{get:?}"
        );
        assert_eq!(nothing, "");
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let (address, _stop, _server) = start(FakeStore::new()).await;
    let requests = format!(
        "GET /users/{ID} HTTP/1.1\r\nHost: x\r\n\r\n\
         HEAD /users HTTP/1.1\r\nHost: x\r\n\r\n\
         GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
         OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n\
         GET http://x/users/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    let answers = converse(address, requests.as_bytes()).await;
    let statuses: Vec<&str> = answers
        .lines()
        // A body has no line end: the next status line follows on its line.
        .filter_map(|line| line.split("HTTP/1.1 ").nth(1))
        .collect();
    assert_eq!(
        statuses,
        [
            "200 OK",
            "200 OK",
            "200 OK",
            "404 Not Found",
            "400 Bad Request"
        ],
        "{answers}"
    );
    assert!(answers.contains(USER));
}

#[tokio::test]
async fn what_is_no_http_gets_400_and_hurts_nobody_else() {
    let (address, _stop, _server) = start(FakeStore::new()).await;
    let answer = converse(address, b"\x16\x03\x01\x02\x00\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = converse(address, b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with(r#"{"status":"ok"}"#), "{answer}");
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_and_takes_no_more() {
    let store = FakeStore::closed();
    let gate = store.gate.clone();
    let questions = store.questions.clone();
    let (address, stop, server) = start(store).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let in_flight = tokio::spawn(async move {
        converse(
            address,
            format!("GET /users/{ID} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
        )
        .await
    });
    while questions.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }

    stop.send(()).unwrap();
    // The idle connection is closed at once, so the listener is gone by then.
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!in_flight.is_finished());

    gate.add_permits(1);
    let answer = in_flight.await.unwrap();
    assert!(answer.ends_with(USER), "{answer}");
    assert!(server.await.unwrap(), "all requests were finished");
}
