//! Damaged files for each parser: none panics, none takes in what cannot be, every error is one sentence.
//!
//! `FUZZ_CASES=1000000 cargo test --release -p analyzer --test it fuzz -- --nocapture` runs long; `FUZZ_SEED` gives other
//! damage. A failure names the case, and `FUZZ_FIRST=N FUZZ_CASES=1` runs it again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use analyzer::import::error::Problem;
use analyzer::import::{
    Choice, Imported, from_reader, json, k6_csv, k6_lines, k6_summary, oha, wrk2,
};

use crate::files::{EXPORT, HANDLE, OHA, WRK2, csv, gzip, lines};
use crate::made_up::Random;

type Parser = fn(&[u8]) -> Result<Imported, Problem>;

/// What parsers stumble over.
const TOKENS: [&str; 40] = [
    "NaN",
    "inf",
    "-inf",
    "-1",
    "-0",
    "0",
    "1e308",
    "1e999",
    "1e-400",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "0.1",
    "null",
    "true",
    "\"",
    "\"\"",
    "'",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\u{feff}",
    "{",
    "}",
    "[",
    "]",
    ":",
    "\\",
    "\\u0000",
    "http_req_duration",
    "vus",
    "99.900%",
    "1.00us",
    "1e300s",
    "=1+1",
    "2026-02-30T25:61:61Z",
    "9999-12-31T23:59:59Z",
];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |n| n.parse().unwrap())
}

fn below(random: &mut Random, n: usize) -> usize {
    (random.next() % n.max(1) as u64) as usize
}

/// One to eight pieces of damage.
fn damage(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..=below(random, 8) {
        let at = below(random, bytes.len() + 1);
        let end = (at + below(random, 40)).min(bytes.len());
        match below(random, 9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << below(random, 8),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => {
                bytes.drain(at..end);
            }
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = below(random, bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let other = &others[below(random, others.len())];
                let from = below(random, other.len());
                let to = (from + below(random, 200)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            6 => digits(bytes, random),
            _ => {
                let token = TOKENS[below(random, TOKENS.len())];
                bytes.splice(at..at, token.bytes());
            }
        }
    }
}

/// A number becomes something else.
fn digits(bytes: &mut Vec<u8>, random: &mut Random) {
    let numeric = |b: &u8| b.is_ascii_digit() || *b == b'.';
    let from = below(random, bytes.len());
    let Some(start) = bytes[from..].iter().position(numeric).map(|i| from + i) else {
        return;
    };
    let length = bytes[start..].iter().take_while(|b| numeric(b)).count();
    let token = TOKENS[below(random, TOKENS.len())];
    bytes.splice(start..start + length, token.bytes());
}

/// What must hold of everything that is taken in or refused.
fn judge(result: &Result<Imported, Problem>) -> Result<(), String> {
    match result {
        Err(problem) => {
            let text = problem.to_string();
            if text.lines().count() != 1 || text.len() > 600 {
                return Err(format!("not one sentence: {text:?}"));
            }
        }
        Ok(imported) => {
            let metrics = &imported.repetition.metrics;
            for (name, value) in metrics {
                if value.is_some_and(|v| !v.is_finite() || v < 0.0) {
                    return Err(format!("{name} is {value:?}"));
                }
            }
            let rising = ["p50", "p90", "p95", "p99", "p999", "max"]
                .map(|name| metrics.get(name).copied().flatten());
            let known: Vec<f64> = rising.into_iter().flatten().collect();
            // A summary may say anything; raw requests cannot.
            if imported.figures.is_some() && !known.is_sorted() {
                return Err(format!("percentiles fall: {known:?}"));
            }
        }
    }
    Ok(())
}

fn run(name: &str, parser: Parser, seeds: Vec<Vec<u8>>) {
    let (cases, first, seed) = (
        number("FUZZ_CASES", 3000),
        number("FUZZ_FIRST", 0),
        number("FUZZ_SEED", 1),
    );
    let others: Vec<Vec<u8>> = [
        csv(5, 1.0, 1),
        lines(5),
        EXPORT.to_owned(),
        OHA.to_owned(),
        WRK2.to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec();
    let mut taken = 0u64;
    for case in first..first + cases {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9).wrapping_add(case));
        let mut bytes = seeds[below(&mut random, seeds.len())].clone();
        damage(&mut bytes, &others, &mut random);
        let held = catch_unwind(AssertUnwindSafe(|| {
            let result = parser(&bytes);
            taken += u64::from(result.is_ok());
            judge(&result)
        }));
        let what = match held {
            Ok(Ok(())) => continue,
            Ok(Err(what)) => what,
            Err(_) => "it panicked".to_owned(),
        };
        panic!(
            "{name}, case {case}: {what}: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
    eprintln!("{name}: {cases} damaged files, {taken} of them still readable");
    assert!(
        cases < 100 || taken > 0 && taken < cases,
        "{name}: damage of one kind only"
    );
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|t| t.as_bytes().to_vec()).collect()
}

#[test]
fn k6_csv_files() {
    let quoted = csv(6, 1.0, 2).replace("user,HTTP", "\"a, \"\"b\"\"\nc\",HTTP");
    let parser: Parser = |bytes| k6_csv::read(bytes, &Choice::default());
    run("k6 CSV", parser, seeds(&[&csv(6, 1.0, 1), &quoted]));
}

#[test]
fn k6_json_files() {
    let parser: Parser = |bytes| {
        k6_lines::read(
            bytes,
            &Choice {
                skip_s: 0.001,
                scenario: None,
            },
        )
    };
    run("k6 JSON", parser, seeds(&[&lines(6)]));
}

#[test]
fn k6_summaries() {
    let parser: Parser = |bytes| k6_summary::read(&json::whole(bytes)?);
    run("k6 summary", parser, seeds(&[EXPORT, HANDLE]));
}

#[test]
fn oha_files() {
    run(
        "oha",
        |bytes| oha::read(&json::whole(bytes)?),
        seeds(&[OHA]),
    );
}

#[test]
fn wrk2_texts() {
    run(
        "wrk2",
        |bytes| wrk2::read(&json::text(bytes)?),
        seeds(&[WRK2]),
    );
}

/// What the first bytes tell, and gzip data, damaged before or after it is packed.
#[test]
fn any_file() {
    let parser: Parser = |bytes| {
        let _ = from_reader(&gzip(bytes)[..], &Choice::default()).map(|i| judge(&Ok(i)));
        from_reader(bytes, &Choice::default())
    };
    let plain = [
        csv(4, 1.0, 1),
        lines(4),
        EXPORT.to_owned(),
        HANDLE.to_owned(),
        OHA.to_owned(),
        WRK2.to_owned(),
    ];
    let packed = plain.iter().map(|text| gzip(text.as_bytes()));
    run(
        "any",
        parser,
        packed
            .chain(plain.iter().map(|t| t.as_bytes().to_vec()))
            .collect(),
    );
}
