//! What loadtest/scripts/lib/record.js writes, made by hand.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lab_record::{Converted, Result, convert};
use tempfile::TempDir;

pub(crate) const PHASES: [&str; 2] = ["warmup", "measure"];
pub(crate) const ENDPOINTS: [&str; 2] = ["user", "users"];

/// One request as the script sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Request {
    pub(crate) start_ms: u64,
    pub(crate) duration_ns: i64,
    pub(crate) waiting_ns: i64,
    pub(crate) status: u16,
    pub(crate) endpoint: usize,
    pub(crate) phase: usize,
}

/// One user of the load.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) base_ms: u64,
    pub(crate) requests: Vec<Request>,
    pub(crate) dropped: u64,
}

pub(crate) fn chunk(vu: usize, number: usize, requests: &[Request]) -> String {
    let mut bytes = Vec::new();
    for r in requests {
        let code =
            r.start_ms * 65_536 + u64::from(r.status) * 64 + (r.endpoint * 8 + r.phase) as u64;
        // As k6 makes milliseconds of its nanoseconds.
        for value in [
            code as f64,
            r.duration_ns as f64 / 1e6,
            r.waiting_ns as f64 / 1e6,
        ] {
            bytes.extend(value.to_le_bytes());
        }
    }
    format!("BENCH-RECORD {vu} {number} {}\n", STANDARD.encode(bytes))
}

pub(crate) fn end(vu: usize, vus: usize, chunks: usize, user: &User) -> String {
    format!(
        "BENCH-RECORD-END {{\"version\":1,\"vu\":{vu},\"vus\":{vus},\"chunks\":{chunks},\"rows\":{},\"dropped\":{},\
         \"base_ms\":{},\"phases\":[\"warmup\",\"measure\"],\"endpoints\":[\"user\",\"users\"]}}\n",
        user.requests.len(),
        user.dropped,
        user.base_ms
    )
}

/// All users, one after the other, `chunk_rows` requests a line.
pub(crate) fn log(users: &[User], chunk_rows: usize) -> String {
    let mut out = String::new();
    for (i, user) in users.iter().enumerate() {
        let chunks = user.requests.chunks(chunk_rows);
        let count = chunks.len();
        for (number, requests) in chunks.enumerate() {
            out += &chunk(i + 1, number, requests);
        }
        out += &end(i + 1, users.len(), count, user);
    }
    out
}

/// A small valid hand-over of two users.
pub(crate) fn small() -> Vec<User> {
    let request = |start_ms, status, endpoint, phase| Request {
        start_ms,
        duration_ns: 1_234_567,
        waiting_ns: 1_000_001,
        status,
        endpoint,
        phase,
    };
    let user = |requests| User {
        base_ms: 1_700_000_000_000,
        requests,
        dropped: 0,
    };
    vec![
        user(vec![
            request(5, 200, 0, 0),
            request(9, 503, 1, 1),
            request(9, 0, 1, 1),
        ]),
        user(vec![request(2, 200, 0, 0), request(9, 302, 0, 1)]),
    ]
}

/// A folder with a log.
pub(crate) struct Case {
    folder: TempDir,
}

impl Case {
    pub(crate) fn new(log: impl AsRef<[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("console"), log).unwrap();
        Self { folder }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("console")
    }

    pub(crate) fn samples(&self) -> PathBuf {
        self.folder.path().join("samples.parquet")
    }

    pub(crate) fn convert(&self) -> Result<Converted> {
        convert(&self.log(), &self.samples(), "1.1.0")
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
