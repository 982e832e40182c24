//! A relay between a service and PostgreSQL that counts what passes.
//!
//! `pg_stat_statements` sees statements, not round trips: a ping, a flush or a statement prepared again leaves no
//! trace there. The relay reads the message frames of the protocol (version 3, no TLS) and changes nothing.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What passed so far, over all connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Times the client waited for the server: Sync, Flush and simple queries.
    pub round_trips: usize,
    /// Parse messages by statement text.
    pub prepared: BTreeMap<String, usize>,
    /// Simple queries by text.
    pub simple: BTreeMap<String, usize>,
}

/// The relay. Connections in progress go on when it is dropped, new ones are refused.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    traffic: Mutex<Traffic>,
    opened: AtomicUsize,
    open: AtomicUsize,
    peak: AtomicUsize,
    closing: AtomicBool,
}

impl Wire {
    /// Listens on a free port of the loopback address and relays to `upstream`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.closing.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || relay(client, upstream, &shared));
            }
        });
        Ok(Self { address, shared })
    }

    /// Where to connect instead of the database.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What passed so far.
    pub fn traffic(&self) -> Traffic {
        self.shared.locked().clone()
    }

    /// Connections with a start-up packet so far (cancel requests are not connections).
    pub fn opened(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    /// The most such connections at the same time.
    pub fn peak(&self) -> usize {
        self.shared.peak.load(Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn locked(&self) -> std::sync::MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: Event) {
        match event {
            Event::StartUp => {
                self.opened.fetch_add(1, Ordering::SeqCst);
                let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
                self.peak.fetch_max(open, Ordering::SeqCst);
            }
            Event::Wait => self.locked().round_trips += 1,
            Event::Prepare(text) => *self.locked().prepared.entry(text).or_default() += 1,
            Event::Simple(text) => {
                let mut traffic = self.locked();
                traffic.round_trips += 1;
                *traffic.simple.entry(text).or_default() += 1;
            }
        }
    }
}

fn relay(client: TcpStream, upstream: SocketAddr, shared: &Arc<Shared>) {
    let Ok(server) = TcpStream::connect(upstream) else {
        return;
    };
    let both = (client.try_clone(), server.try_clone());
    let (Ok(client_writer), Ok(server_reader)) = both else {
        return;
    };
    for stream in [&client, &server] {
        // A relay that waits to fill segments would add delays of its own.
        let _ = stream.set_nodelay(true);
    }
    let back = thread::spawn(move || copy(server_reader, client_writer, |_| {}));
    let mut frames = Frames::default();
    let mut started = false;
    copy(client, server, |bytes| {
        for event in frames.read(bytes) {
            started |= event == Event::StartUp;
            shared.note(event);
        }
    });
    let _ = back.join();
    if started {
        shared.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Copies until either side ends, then ends the other side too.
fn copy(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = [0_u8; 16 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                see(&buffer[..count]);
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    StartUp,
    Wait,
    Prepare(String),
    Simple(String),
}

/// Client messages out of a byte stream.
#[derive(Debug, Default)]
struct Frames {
    pending: Vec<u8>,
    started: bool,
}

/// Request codes that come in the form of a start-up packet: cancel, TLS, GSSAPI.
const REQUEST_CODES: std::ops::RangeInclusive<u32> = 80_877_102..=80_877_104;

impl Frames {
    fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut at = 0;
        loop {
            // Before the start-up packet messages have no type byte.
            let type_bytes = usize::from(self.started);
            let Some(length) = number(&self.pending, at + type_bytes) else {
                break;
            };
            let end = at + type_bytes + usize::try_from(length).unwrap_or(usize::MAX).max(4);
            if self.pending.len() < end {
                break;
            }
            let payload = &self.pending[at + type_bytes + 4..end];
            if self.started {
                events.extend(event(self.pending[at], payload));
            } else if !number(payload, 0).is_some_and(|code| REQUEST_CODES.contains(&code)) {
                self.started = true;
                events.push(Event::StartUp);
            }
            at = end;
        }
        self.pending.drain(..at);
        events
    }
}

fn event(kind: u8, payload: &[u8]) -> Option<Event> {
    match kind {
        b'S' | b'H' => Some(Event::Wait),
        b'Q' => Some(Event::Simple(text(payload))),
        b'P' => {
            let name_end = payload.iter().position(|byte| *byte == 0)?;
            Some(Event::Prepare(text(&payload[name_end + 1..])))
        }
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(u32::try_from(payload.len() + 4).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn untyped(code: u32, rest: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(rest.len() + 8)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        bytes.extend(code.to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    fn session() -> Vec<u8> {
        let mut bytes = untyped(80_877_103, b"");
        bytes.extend(untyped(196_608, b"user\0x\0\0"));
        bytes.extend(message(b'p', b"secret\0"));
        bytes.extend(message(b'P', b"s1\0SELECT 1\0\0\0"));
        bytes.extend(message(b'D', b"Ss1\0"));
        bytes.extend(message(b'H', b""));
        bytes.extend(message(b'B', b"\0s1\0"));
        bytes.extend(message(b'E', b"\0\0\0\0\0"));
        bytes.extend(message(b'S', b""));
        bytes.extend(message(b'Q', b"BEGIN\0"));
        bytes
    }

    fn expected() -> Vec<Event> {
        vec![
            Event::StartUp,
            Event::Prepare("SELECT 1".to_owned()),
            Event::Wait,
            Event::Wait,
            Event::Simple("BEGIN".to_owned()),
        ]
    }

    #[test]
    fn messages_are_found_in_one_piece() {
        assert_eq!(Frames::default().read(&session()), expected());
    }

    #[test]
    fn messages_are_found_byte_by_byte() {
        let mut frames = Frames::default();
        let events: Vec<Event> = session()
            .iter()
            .flat_map(|byte| frames.read(&[*byte]))
            .collect();
        assert_eq!(events, expected());
    }

    #[test]
    fn a_cancel_request_is_no_connection() {
        assert_eq!(Frames::default().read(&untyped(80_877_102, &[0; 8])), []);
    }

    #[test]
    fn the_relay_passes_bytes_and_counts() {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Wire::start(upstream.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(wire.address()).unwrap();
        client.write_all(&session()).unwrap();
        let (mut server, _) = upstream.accept().unwrap();
        let mut received = vec![0; session().len()];
        server.read_exact(&mut received).unwrap();
        assert_eq!(received, session());
        server.write_all(b"answer").unwrap();
        let mut answer = [0; 6];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
        assert_eq!((wire.opened(), wire.peak()), (1, 1));
        assert_eq!(wire.traffic().round_trips, 3);
        assert_eq!(wire.traffic().prepared["SELECT 1"], 1);
        assert_eq!(wire.traffic().simple["BEGIN"], 1);
    }
}
