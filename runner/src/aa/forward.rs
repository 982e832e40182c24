//! `bench __proxy`: forwards connections to a service, and waits a fixed time before each request goes on.
//!
//! One thread a connection. The load sends one request at a time on a connection, each small enough for one segment
//! on the loopback device, so what one read brings is one request.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use miette::{IntoDiagnostic as _, WrapErr as _};
use rustix::event::{PollFd, PollFlags, poll};
use serde::{Deserialize, Serialize};

use crate::error::Exit;
use crate::interrupt::Interrupt;

/// A sleep ends late by about so much; the rest of the time is spun away.
const SPIN: Duration = Duration::from_micros(30);
const BUFFER: usize = 1 << 16;

/// `bench __proxy`.
#[derive(Debug, Clone, Args)]
pub struct ProxyArgs {
    /// Port to listen on, on the loopback address
    #[arg(long)]
    pub port: u16,
    /// The service
    #[arg(long)]
    pub to: SocketAddr,
    /// Delay of each request, in nanoseconds
    #[arg(long)]
    pub delay_ns: u64,
}

/// What the proxy did; the last line of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Waited {
    /// Requests forwarded.
    pub requests: u64,
    /// Time that all of them waited, in nanoseconds.
    pub waited_ns: u64,
}

#[derive(Debug, Default)]
struct Tally {
    requests: AtomicU64,
    waited_ns: AtomicU64,
}

/// Forwards until a signal, then says what it did.
///
/// # Errors
/// The port is taken.
pub fn run(args: &ProxyArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .into_diagnostic()
        .wrap_err("the proxy cannot listen")?;
    let tally = Arc::new(Tally::default());
    let (to, delay) = (args.to, Duration::from_nanos(args.delay_ns));
    let shared = Arc::clone(&tally);
    std::thread::spawn(move || accept(&listener, to, delay, &shared));
    while !interrupt.is_set() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let waited = Waited {
        requests: tally.requests.load(Ordering::Relaxed),
        waited_ns: tally.waited_ns.load(Ordering::Relaxed),
    };
    crate::ui::say(&serde_json::to_string(&waited).into_diagnostic()?);
    Ok(Exit::Ok)
}

fn accept(listener: &TcpListener, to: SocketAddr, delay: Duration, tally: &Arc<Tally>) {
    for client in listener.incoming().flatten() {
        let tally = Arc::clone(tally);
        std::thread::spawn(move || {
            // The kernel may wake a thread up to 50 us late to save power; here that would be most of the delay.
            let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
            // A connection that breaks is seen by both its ends.
            let _ = connection(client, to, delay, &tally);
        });
    }
}

/// Forwards both ways until one end closes.
fn connection(
    mut client: TcpStream,
    to: SocketAddr,
    delay: Duration,
    tally: &Tally,
) -> std::io::Result<()> {
    let mut service = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    service.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let (asked, answered) = {
            let mut ends = [
                PollFd::new(&client, PollFlags::IN),
                PollFd::new(&service, PollFlags::IN),
            ];
            poll(&mut ends, None)?;
            (!ends[0].revents().is_empty(), !ends[1].revents().is_empty())
        };
        if asked {
            let n = client.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            let waited = pause(delay);
            tally.requests.fetch_add(1, Ordering::Relaxed);
            let ns = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            tally.waited_ns.fetch_add(ns, Ordering::Relaxed);
            service.write_all(&buffer[..n])?;
        }
        if answered {
            let n = service.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            client.write_all(&buffer[..n])?;
        }
    }
}

/// Sleeps most of the time and spins the rest; gives the time that really passed.
fn pause(delay: Duration) -> Duration {
    if delay.is_zero() {
        return delay;
    }
    let start = Instant::now();
    if let Some(sleep) = delay.checked_sub(SPIN).filter(|s| !s.is_zero()) {
        std::thread::sleep(sleep);
    }
    loop {
        let passed = start.elapsed();
        if passed >= delay {
            return passed;
        }
        std::hint::spin_loop();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Answers each read with the same bytes, until the other end closes.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut buffer = [0; 1024];
                    while let Ok(n) = stream.read(&mut buffer) {
                        if n == 0 || stream.write_all(&buffer[..n]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    #[test]
    fn each_request_waits_at_least_its_delay_and_arrives_unchanged() {
        let delay = Duration::from_millis(3);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tally = Arc::new(Tally::default());
        let shared = Arc::clone(&tally);
        let to = echo();
        std::thread::spawn(move || accept(&listener, to, delay, &shared));
        let mut clients: Vec<TcpStream> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        for round in 0..4_u8 {
            for client in &mut clients {
                let sent = [round; 100];
                let start = Instant::now();
                client.write_all(&sent).unwrap();
                let mut got = [0; 100];
                client.read_exact(&mut got).unwrap();
                assert!(start.elapsed() >= delay);
                assert_eq!(sent, got);
            }
        }
        assert_eq!(tally.requests.load(Ordering::Relaxed), 12);
        assert!(tally.waited_ns.load(Ordering::Relaxed) >= 12 * 3_000_000);
    }

    #[test]
    fn no_delay_is_none_at_all() {
        assert_eq!(pause(Duration::ZERO), Duration::ZERO);
        for delay in [1, 29, 31, 500].map(Duration::from_micros) {
            assert!(pause(delay) >= delay);
        }
    }
}
