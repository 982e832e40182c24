//! What loadtest/scripts/lib/record.js writes, made by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lab_record::{Converted, Result, convert};
use tempfile::TempDir;

pub(crate) const PHASES: [&str; 2] = ["warmup", "measure"];
pub(crate) const ENDPOINTS: [&str; 2] = ["user", "users"];

/// One request as the script sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(crate) requests: Vec<Request>,
    pub(crate) dropped: u64,
}

/// A line of requests of the same phase, endpoint and status.
pub(crate) fn part(vu: usize, number: usize, requests: &[&Request]) -> String {
    // As k6 makes milliseconds of its nanoseconds.
    let ms = |ns: i64| ns as f64 / 1e6;
    let starts = requests.iter().map(|r| r.start_ms as f64);
    let durations = requests.iter().map(|r| ms(r.duration_ns));
    let waitings = requests.iter().map(|r| ms(r.waiting_ns));
    let numbers = starts.chain(durations).chain(waitings);
    let bytes: Vec<u8> = numbers.flat_map(f64::to_le_bytes).collect();
    let Request {
        status,
        endpoint,
        phase,
        ..
    } = *requests[0];
    let (phase, endpoint) = (PHASES[phase], ENDPOINTS[endpoint]);
    let rows = STANDARD.encode(bytes);
    format!("BENCH-RECORD {vu} {number} {phase} {endpoint} {status} {rows}\n")
}

pub(crate) fn end(vu: usize, vus: usize, parts: usize, user: &User) -> String {
    format!(
        "BENCH-RECORD-END {{\"version\":1,\"vu\":{vu},\"vus\":{vus},\"parts\":{parts},\"rows\":{},\"dropped\":{}}}\n",
        user.requests.len(),
        user.dropped,
    )
}

/// All users, one after the other, at most `part_rows` requests a line.
pub(crate) fn log(users: &[User], part_rows: usize) -> String {
    let mut out = String::new();
    for (i, user) in users.iter().enumerate() {
        let mut kinds = BTreeMap::<_, Vec<&Request>>::new();
        for r in &user.requests {
            kinds
                .entry((r.phase, r.endpoint, r.status))
                .or_default()
                .push(r);
        }
        let mut parts = 0;
        for requests in kinds.values().flat_map(|all| all.chunks(part_rows)) {
            out += &part(i + 1, parts, requests);
            parts += 1;
        }
        out += &end(i + 1, users.len(), parts, user);
    }
    out
}

/// A small valid hand-over of two users.
pub(crate) fn small() -> Vec<User> {
    let request = |ms: u64, status, endpoint, phase| Request {
        start_ms: 1_700_000_000_000_u64 + ms,
        duration_ns: 1_234_567,
        waiting_ns: 1_000_001,
        status,
        endpoint,
        phase,
    };
    let user = |requests| User {
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
