//! The sockets: accepting, serving, and draining at the end.

use std::{io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

/// A connection on which no complete request head arrives for this long is closed, be it slow or idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes of a request's line and headers: a longer head is refused with 431. Answers may be longer.
const MAX_HEAD: usize = 64 << 10;
/// How long requests in flight may take after the signal to stop. The contract's ten seconds leave a rest for
/// closing the pool.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(9);
/// Pause after a failed accept, which is mostly a lack of file descriptors that time will heal.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `app` on `listener` until `stop` completes, then finishes the requests in flight. Answers whether all of
/// them were finished within [`DRAIN_TIMEOUT`].
pub async fn serve(listener: TcpListener, app: Router, stop: impl Future<Output = ()>) -> bool {
    let service = TowerToHyperService::new(app);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(serve_connection(
                    stream,
                    service.clone(),
                    connections.watcher(),
                ));
            }
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    timeout(DRAIN_TIMEOUT, connections.shutdown()).await.is_ok()
}

async fn serve_connection(
    stream: TcpStream,
    service: TowerToHyperService<Router>,
    connections: Watcher,
) {
    // Answers are small and complete: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // Errors here are the client's: it broke off, sent what is no HTTP, or nothing at all.
    if let Err(error) = connections.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Completes when the process is asked to stop, by SIGTERM or Ctrl-C.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
