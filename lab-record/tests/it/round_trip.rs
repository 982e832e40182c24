//! What goes in comes out.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use lab_record::Samples;
use proptest::prelude::*;

use crate::script::{Case, ENDPOINTS, PHASES, Request, User, log, small};

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = (
        0u64..1_000_000,
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
    let user = (1_600_000_000_000u64..1_900_000_000_000, requests(), 0u64..3);
    let user = user.prop_map(|(base_ms, requests, dropped)| User {
        base_ms,
        requests,
        dropped,
    });
    prop::collection::vec(user, 1..5)
}

/// started_at and the request, in the promised order.
fn in_order(users: &[User]) -> Vec<(i64, Request)> {
    let mut all: Vec<_> = users
        .iter()
        .flat_map(|user| {
            let started_at = |r: &Request| (user.base_ms + r.start_ms) as i64 * 1_000_000;
            user.requests.iter().map(move |r| (started_at(r), *r))
        })
        .collect();
    all.sort_by_key(|(started_at, _)| *started_at);
    all
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
    assert_eq!(samples.started_at.len(), expected.len());
    for (i, (started_at, r)) in expected.iter().enumerate() {
        assert_eq!(samples.started_at[i], *started_at);
        assert_eq!(samples.duration[i], r.duration_ns);
        assert_eq!(samples.waiting[i], r.waiting_ns);
        assert_eq!(samples.status[i], i32::from(r.status));
        assert_eq!(samples.failed[i], r.status < 200 || r.status > 399);
        assert_eq!(
            samples.names[usize::from(samples.endpoint[i])],
            ENDPOINTS[r.endpoint]
        );
        assert_eq!(
            samples.names[usize::from(samples.phase[i])],
            PHASES[r.phase]
        );
    }
    for (number, phase) in PHASES.iter().enumerate() {
        let count = expected.iter().filter(|(_, r)| r.phase == number).count() as u64;
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
            start_ms: i / 7,
            duration_ns: (i * 977 % 5_000_000) as i64,
            ..request
        })
        .collect();
    check(
        &[User {
            base_ms: 1_700_000_000_000,
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
    // 4 lines of the first user, 3 of the second.
    let order = [0, 4, 5, 1, 2, 6, 3];
    let mixed: String = order.iter().map(|&i| format!("{}\n", lines[i])).collect();
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
