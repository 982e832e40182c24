//! What goes in comes out.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use lab_record::Samples;
use proptest::prelude::*;

use crate::script::{Case, ENDPOINTS, PHASES, Request, User, log, small};

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = (
        1_600_000_000_000u64..1_600_000_000_400,
        0i64..60_000_000_000,
        0i64..60_000_000_000,
        0u16..1000,
        0usize..2,
        0usize..2,
    );
    let request = request.prop_map(
        |(start_ms, duration_ns, waiting_ns, status, endpoint, phase)| Request {
            start_ms,
            duration_ns,
            waiting_ns,
            status,
            endpoint,
            phase,
        },
    );
    prop::collection::vec(request, 0..60)
}

fn users() -> impl Strategy<Value = Vec<User>> {
    let user = (requests(), 0u64..3);
    let user = user.prop_map(|(requests, dropped)| User { requests, dropped });
    prop::collection::vec(user, 1..5)
}

/// The promised order: by start, then by user. Within both, any: rows are compared as sets.
fn in_order(users: &[User]) -> Vec<(u64, usize, Request)> {
    let of = |(vu, user): (usize, &User)| -> Vec<_> {
        user.requests.iter().map(|r| (r.start_ms, vu, *r)).collect()
    };
    let mut all: Vec<_> = users.iter().enumerate().flat_map(of).collect();
    all.sort();
    all
}

/// The requests of a file; sorted within a millisecond, where users are not told apart.
fn requests_of(samples: &Samples) -> Vec<Request> {
    let place = |names: &[&str], id: u16| {
        let name = samples.names[usize::from(id)].as_str();
        names.iter().position(|known| *known == name).unwrap()
    };
    (0..samples.started_at.len())
        .map(|i| {
            assert_eq!(samples.started_at[i] % 1_000_000, 0);
            assert_eq!(samples.failed[i], !(200..400).contains(&samples.status[i]));
            Request {
                start_ms: (samples.started_at[i] / 1_000_000) as u64,
                duration_ns: samples.duration[i],
                waiting_ns: samples.waiting[i],
                status: samples.status[i] as u16,
                endpoint: place(&ENDPOINTS, samples.endpoint[i]),
                phase: place(&PHASES, samples.phase[i]),
            }
        })
        .collect()
}

fn check(users: &[User], chunk_rows: usize) {
    let case = Case::new(log(users, chunk_rows));
    let converted = case.convert().unwrap();
    let expected = in_order(users);
    let dropped: u64 = users.iter().map(|user| user.dropped).sum();
    assert_eq!(converted.rows, expected.len() as u64);
    assert_eq!(converted.rows_dropped, dropped);
    assert_eq!(converted.vus as usize, users.len());

    let samples = Samples::read(&case.samples()).unwrap();
    assert_eq!(
        (samples.rows_dropped, samples.k6_version.as_str()),
        (dropped, "1.1.0")
    );
    assert_eq!(samples.clock_resolution_ns, 1_000_000);
    assert!(samples.started_at.is_sorted());
    let mut found = requests_of(&samples);
    found.sort();
    let mut sent: Vec<Request> = expected.iter().map(|(_, _, r)| *r).collect();
    sent.sort();
    assert_eq!(found, sent);
    for (number, phase) in PHASES.iter().enumerate() {
        let count = expected
            .iter()
            .filter(|(_, _, r)| r.phase == number)
            .count() as u64;
        assert_eq!(
            converted.rows_by_phase.get(*phase).copied().unwrap_or(0),
            count
        );
        assert_eq!(samples.phase_in_time_order(phase).len() as u64, count);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_record(users in users(), chunk_rows in 1usize..70) {
        check(&users, chunk_rows);
    }
}

#[test]
fn more_rows_than_a_row_group() {
    let request = small()[0].requests[0];
    let requests = (0..300_000u64)
        .map(|i| Request {
            start_ms: request.start_ms + i / 7,
            duration_ns: (i * 977 % 5_000_000) as i64,
            ..request
        })
        .collect();
    check(
        &[User {
            requests,
            dropped: 0,
        }],
        1024,
    );
}

#[test]
fn a_user_without_requests_counts_too() {
    let mut users = small();
    users[1].requests.clear();
    check(&users, 10);
}

#[test]
fn messages_are_kept_apart() {
    let text = log(&small(), 2);
    let (first, rest) = text.split_at(text.find('\n').unwrap() + 1);
    let case = Case::new(format!(
        "wrong answer to GET /\n{first}BENCH-RECORDER\n\n{rest}last words"
    ));
    let converted = case.convert().unwrap();
    assert_eq!(
        converted.messages,
        "wrong answer to GET /\nBENCH-RECORDER\n\nlast words\n"
    );
    assert_eq!(
        lab_record::messages(&case.log()).unwrap(),
        converted.messages
    );
}

#[test]
fn users_may_hand_over_at_the_same_time() {
    let text = log(&small(), 1);
    let lines: Vec<_> = text.lines().collect();
    let (first, second): (Vec<&str>, Vec<&str>) = lines
        .iter()
        .partition(|line| line.contains("\"vu\":1,") || line.starts_with("BENCH-RECORD 1 "));
    let mut mixed = String::new();
    for i in 0..first.len().max(second.len()) {
        for line in [second.get(i), first.get(i)].into_iter().flatten() {
            mixed += &format!("{line}\n");
        }
    }
    let (ordered, mixed) = (Case::new(&text), Case::new(mixed));
    ordered.convert().unwrap();
    mixed.convert().unwrap();
    assert_eq!(
        Samples::read(&ordered.samples()).unwrap(),
        Samples::read(&mixed.samples()).unwrap()
    );
}

#[test]
fn counts_by_endpoint() {
    let case = Case::new(log(&small(), 10));
    case.convert().unwrap();
    let samples = Samples::read(&case.samples()).unwrap();
    let expected = BTreeMap::from([("user".to_owned(), 3), ("users".to_owned(), 2)]);
    assert_eq!(samples.count_by_endpoint(), expected);
}

#[test]
fn nothing_but_the_file_is_left_and_others_may_read_it() {
    let case = Case::new(log(&small(), 10));
    case.convert().unwrap();
    assert_eq!(case.files(), ["console", "samples.parquet"]);
    let mode = std::fs::metadata(case.samples())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
}
