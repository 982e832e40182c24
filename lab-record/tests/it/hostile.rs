//! Damaged and foreign input is an error that says what and where; nothing panics, nothing is written.

use lab_record::{RecordError, Samples};
use proptest::prelude::*;

use crate::script::{Case, User, end, log, part, small};

fn refused(log: impl AsRef<[u8]>) -> String {
    let case = Case::new(log);
    let error = case.convert().expect_err("must be refused");
    assert_eq!(case.files(), ["console"], "nothing is written");
    error
        .to_string()
        .replace(case.log().to_str().unwrap(), "LOG")
}

#[test]
fn no_record() {
    let message = refused("k6 said something\n");
    assert!(
        message
            .starts_with("LOG has no record of requests: was k6 started with --console-output=LOG"),
        "{message}"
    );
    assert!(refused("").contains("has no record"));
}

#[test]
fn no_file() {
    let case = Case::new("");
    std::fs::remove_file(case.log()).unwrap();
    let error = case.convert().expect_err("must be refused");
    assert!(matches!(error, RecordError::File(_)), "{error:?}");
    assert!(error.to_string().contains("console"), "{error}");
}

#[test]
fn lines_that_the_script_does_not_write() {
    let user = User {
        requests: vec![small()[0].requests[0]; 3],
        dropped: 0,
    };
    let good = end(1, 1, 1, &user);
    let requests: Vec<_> = user.requests.iter().collect();
    let rows = part(1, 0, &requests);
    let second = rows.replace("RECORD 1 0 ", "RECORD 1 1 ");
    let named = |name: &str| rows.replace("warmup", name);
    for (lines, words) in [
        ("BENCH-RECORD 1\n".to_owned(), "LOG:1: no part in it"),
        (
            "BENCH-RECORD 1 0 a b 200\n".to_owned(),
            "LOG:1: no rows in it",
        ),
        (
            "BENCH-RECORD x 0 a b 200 AAAA\n".to_owned(),
            "LOG:1: 'x' is no user number",
        ),
        (
            "BENCH-RECORD 1 -1 a b 200 AAAA\n".to_owned(),
            "LOG:1: '-1' is no part number",
        ),
        (
            "BENCH-RECORD 1 0 a b 65536 AAAA\n".to_owned(),
            "LOG:1: '65536' is no status number",
        ),
        (
            "hello\nBENCH-RECORD 1 0 a b 200 A*AA\n".to_owned(),
            "LOG:2: its rows are no base64",
        ),
        (
            "BENCH-RECORD 1 0 a b 200 AAAA\n".to_owned(),
            "LOG:1: 3 bytes are not rows of 24",
        ),
        (
            rows.replace('\n', " more\n"),
            "LOG:1: something follows its rows",
        ),
        (named(""), "'' is no name of phase"),
        (named("war\tmup"), "'war\\tmup' is no name of phase"),
        (second.clone(), "user 1 hands over part 1, part 0 is next"),
        (
            format!("{rows}{rows}"),
            "LOG:2: user 1 hands over part 0, part 1 is next",
        ),
        (format!("{rows}{good}{good}"), "LOG:3: user 1 ends twice"),
        (
            format!("{rows}{good}{second}"),
            "LOG:3: user 1 hands over again after its end",
        ),
        (
            good.clone(),
            "LOG:1: user 1 counts 3 rows in 1 parts, here are 0 in 0",
        ),
        (
            rows.clone() + &good.replace("\"rows\":3", "\"rows\":4"),
            "counts 4 rows in 1 parts, here are 3 in 1",
        ),
        (
            rows.clone() + &good.replace("\"version\":1", "\"version\":2"),
            "version 2 of the record, this program reads 1",
        ),
        (
            rows.clone() + &good.replace(",\"dropped\":0", ""),
            "missing field `dropped`",
        ),
        (
            rows.clone() + &good.replace("\"vus\"", "\"users\""),
            "unknown field `users`",
        ),
    ] {
        let message = refused(&lines);
        assert!(message.contains(words), "{message}\nfor {lines}");
        assert!(message.contains("run the repetition again"), "{message}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let text = log(&small(), 10);
    let first_end = text.find("BENCH-RECORD-END").unwrap();
    let second = text.find("BENCH-RECORD 2").unwrap();
    let second_end = text.rfind("BENCH-RECORD-END").unwrap();
    for (kept, words) in [
        (second_end, "no end from user 2"),
        (second, "1 users handed over, of 2"),
        (first_end, "no end from user 1"),
    ] {
        let message = refused(&text[..kept]);
        assert!(message.contains(words), "{message}");
    }
    let other = text.replacen("\"vus\":2", "\"vus\":3", 1);
    assert!(refused(other).contains("user 2 knows of 2 users, user 1 of 3"));
}

#[test]
fn an_old_file_stays_when_the_record_is_damaged() {
    let case = Case::new(log(&small(), 10));
    case.convert().unwrap();
    let before = std::fs::read(case.samples()).unwrap();
    std::fs::write(case.log(), "BENCH-RECORD 1 0 a b 200 AAAA\n").unwrap();
    case.convert().expect_err("damaged");
    assert_eq!(std::fs::read(case.samples()).unwrap(), before);
}

#[test]
fn files_that_are_no_samples() {
    let case = Case::new(log(&small(), 10));
    case.convert().unwrap();
    let whole = std::fs::read(case.samples()).unwrap();
    for length in 0..whole.len() {
        std::fs::write(case.samples(), &whole[..length]).unwrap();
        let error = Samples::read(&case.samples()).expect_err("a cut file is refused");
        assert!(
            error.to_string().contains("is no record of requests"),
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_off_log_is_refused(part in 0.0..1.0f64, chunk_rows in 1usize..4) {
        let text = log(&small(), chunk_rows);
        // Without its last line feed the log is still whole.
        let kept = (part * (text.len() - 1) as f64) as usize;
        refused(&text[..kept]);
    }

    #[test]
    fn a_changed_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = log(&small(), 2).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let case = Case::new(text);
        if case.convert().is_ok() {
            Samples::read(&case.samples()).unwrap();
        }
    }

    #[test]
    fn any_bytes_behind_the_mark_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), ends in any::<bool>()) {
        let mark: &[u8] = if ends { b"BENCH-RECORD-END " } else { b"BENCH-RECORD 1 0 a b 200 " };
        let case = Case::new([mark, &bytes].concat());
        prop_assert!(case.convert().is_err());
    }
}
