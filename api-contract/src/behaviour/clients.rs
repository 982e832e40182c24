//! Clients that are slow, silent, half gone or far too talkative: nobody else may notice them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Stage;
use super::findings::{Findings, StageError};
use super::stage::Ask;
use crate::http::{Connection, HttpError};
use crate::run::verdict;

/// Connections that are open and ask nothing.
const IDLE: usize = 1000;
/// Clients of each rude kind: more than any pool of the lab has connections.
const RUDE: usize = 40;
/// A browser with many cookies sends heads of this size.
const LARGE: usize = 48 << 10;
/// A head of this size is nobody's honest request. The limit of every service, 64 KiB, lies between; where exactly it
/// is enforced depends on how much a server reads at once.
const TOO_LARGE: usize = 256 << 10;
/// Between two bytes of a slow client.
const DRIP: Duration = Duration::from_millis(50);

/// 1,000 idle connections, half of them silent from the start.
pub(super) fn idle(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let address = stage.service.address();
    let question = Ask::User(1).fine(stage.oracle);
    let mut clients = Vec::with_capacity(IDLE);
    for number in 0..IDLE {
        let mut client = match Connection::open(address, stage.limit()) {
            Ok(client) => client,
            Err(error) => {
                findings.broken(format!("connection {} of {IDLE}: {error}", number + 1));
                return Ok(());
            }
        };
        if number % 2 == 0 {
            let answer = client.exchange(&question.request);
            findings.answer(
                "before it falls silent",
                &question,
                address,
                verdict(&question, &answer),
            );
        }
        clients.push(client);
    }
    stage.all_fine(&format!("with {IDLE} idle connections"), findings);
    // Whoever was silent may still ask.
    for client in clients.iter_mut().step_by(25) {
        let answer = client.exchange(&question.request);
        findings.answer(
            "after a silence",
            &question,
            address,
            verdict(&question, &answer),
        );
    }
    drop(clients);
    stage.recovers(findings)
}

/// Heads that come byte by byte (slowloris), heads that stop in the middle, and clients that stop sending for good.
pub(super) fn slow(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let address = stage.service.address();
    let question = Ask::User(1).fine(stage.oracle);
    let bytes = question.request.to_bytes(address);
    let open = || Connection::open(address, stage.limit());
    let (mut stuck, mut dripping) = (Vec::new(), Vec::new());
    for number in 0..RUDE {
        let rude = || -> Result<(Connection, Connection), HttpError> {
            let mut gone = open()?;
            // Cut off inside the head, and after it with an answer nobody will read.
            let sent = if number % 2 == 0 {
                bytes.len() / 2
            } else {
                bytes.len()
            };
            gone.send_bytes(&bytes[..sent])?;
            gone.end_of_sending()?;
            Ok((gone, open()?))
        };
        match rude() {
            Ok((gone, slow)) => {
                stuck.push(gone);
                dripping.push(slow);
            }
            Err(error) => {
                findings.broken(format!("a connection was not taken: {error}"));
                return Ok(());
            }
        }
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for byte in &bytes[..bytes.len() - 1] {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                for client in &mut dripping {
                    // Some services have lost their patience by now, as they may.
                    let _ = client.send_bytes(std::slice::from_ref(byte));
                }
                thread::sleep(DRIP);
            }
        });
        for _ in 0..3 {
            stage.all_fine("beside slow clients", findings);
            thread::sleep(Duration::from_millis(200));
        }
        // A bad line is not an attack: a head that takes two seconds is answered.
        match open() {
            Ok(mut honest) => {
                let (head, last) = bytes.split_at(bytes.len() - 1);
                let pieces = head.chunks(head.len().div_ceil(20)).chain([last]);
                let sent = pieces.into_iter().try_for_each(|piece| {
                    thread::sleep(Duration::from_millis(100));
                    honest.send_bytes(piece)
                });
                let answer = sent.and_then(|()| honest.receive(&question.request));
                findings.answer(
                    "sent over two seconds",
                    &question,
                    address,
                    verdict(&question, &answer),
                );
            }
            Err(error) => findings.broken(format!("a connection was not taken: {error}")),
        }
        done.store(true, Ordering::SeqCst);
    });
    drop((stuck, dripping));
    stage.recovers(findings)
}

/// Large heads are taken, and those that are too large are refused by the parser and cost the database nothing.
pub(super) fn oversize(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let address = stage.service.address();
    let long = "x".repeat(TOO_LARGE);
    let many: String = (0..TOO_LARGE / 16)
        .map(|number| format!("X-{number:06}: 12345\r\n"))
        .collect();
    let question = Ask::User(1).fine(stage.oracle);
    let target = &question.request.target;
    let cookies = "x".repeat(LARGE);
    let answer = Connection::open(address, stage.limit()).and_then(|mut client| {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n");
        client.send_bytes(head.as_bytes())?;
        client.receive(&question.request)
    });
    findings.answer(
        &format!("with a head of {LARGE} bytes"),
        &question,
        address,
        verdict(&question, &answer),
    );
    let heads = [
        (
            "a target",
            format!("GET {target}?x={long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        ),
        (
            "a header",
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"),
        ),
        (
            "headers",
            format!("GET {target} HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        ),
    ];
    let mut owner = stage.owner()?;
    // What a pool does once per connection has happened before the counting starts.
    owner.wait_for_connections(stage.promises.db_connections, stage.promises.recovery)?;
    stage.all_fine("before requests that are too large", findings);
    owner.reset_statements()?;
    for (what, head) in heads {
        let answer = Connection::open(address, stage.limit()).and_then(|mut client| {
            client.send_bytes(head.as_bytes())?;
            client.receive(&Ask::Health.fine(stage.oracle).request)
        });
        findings.requests += 1;
        match answer {
            Ok(answer) if matches!(answer.status, 400 | 413 | 414 | 431) => {}
            // The answer may be lost when a server hangs up on what it has not read.
            Err(HttpError::ClosedWithoutAnswer | HttpError::Io(_)) => {}
            Ok(answer) => findings.broken(format!(
                "{what} of {TOO_LARGE} bytes: expected 400, 413, 414, 431 or a closed connection, got {}",
                answer.status
            )),
            Err(error) => findings.broken(format!("{what} of {TOO_LARGE} bytes: {error}")),
        }
    }
    let asked = owner.statements()?;
    if !asked.is_empty() {
        findings.broken(format!(
            "requests that are too large were put to the database: {asked:?}"
        ));
    }
    stage.all_fine("after requests that are too large", findings);
    Ok(())
}
