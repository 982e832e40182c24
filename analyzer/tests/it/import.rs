use analyzer::import::error::Problem;
use analyzer::import::{Choice, Kind, from_reader};

use crate::files::{EXPORT, HANDLE, HEADER, OHA, WRK2, csv, gzip, lines};
use crate::program::{analyze, folder};

fn read(bytes: &[u8]) -> Result<analyzer::import::Imported, Problem> {
    from_reader(bytes, &Choice::default())
}

fn metric(bytes: &[u8], name: &str) -> Option<f64> {
    read(bytes).unwrap().repetition.metrics[name]
}

#[test]
fn each_kind_is_known_and_names_what_it_cannot_support() {
    for (text, kind) in [
        (csv(100, 1.0, 1), Kind::K6Csv),
        (lines(100), Kind::K6Json),
        (EXPORT.to_owned(), Kind::K6Summary),
        (HANDLE.to_owned(), Kind::K6Summary),
        (OHA.to_owned(), Kind::Oha),
        (WRK2.to_owned(), Kind::Wrk2),
    ] {
        for bytes in [
            text.clone().into_bytes(),
            gzip(text.as_bytes()),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        ] {
            let imported = read(&bytes).unwrap();
            assert_eq!(imported.kind, kind);
            assert!(!imported.cannot.is_empty());
            assert!(imported.repetition.requests.unwrap() > 0);
        }
    }
}

#[test]
fn figures_of_summaries() {
    for summary in [EXPORT, HANDLE] {
        assert_eq!(metric(summary.as_bytes(), "p95"), Some(5.0));
        assert_eq!(metric(summary.as_bytes(), "error_rate"), Some(0.0005));
        assert_eq!(
            read(summary.as_bytes()).unwrap().repetition.errors,
            Some(10)
        );
    }
    assert_eq!(metric(HANDLE.as_bytes(), "p99"), None);
    assert_eq!(metric(OHA.as_bytes(), "p99"), Some(9.0));
    assert_eq!(read(OHA.as_bytes()).unwrap().repetition.errors, Some(10));
    assert_eq!(metric(WRK2.as_bytes(), "p999"), Some(3.57));
    assert_eq!(metric(WRK2.as_bytes(), "p95"), None);
    assert_eq!(read(WRK2.as_bytes()).unwrap().repetition.errors, Some(6));
}

#[test]
fn raw_rows_give_type_7_percentiles_of_the_good_answers() {
    let mut text = lines(1000);
    text.push_str("{\"metric\":\"http_req_duration\",\"type\":\"Point\",\"data\":{\"time\":\"2026-11-24T09:00:02Z\",\"value\":9999,\"tags\":{\"status\":\"503\",\"expected_response\":\"false\"}}}\n");
    text.push_str("{\"metric\":\"dropped_iterations\",\"type\":\"Point\",\"data\":{\"time\":\"2026-11-24T09:00:02Z\",\"value\":3}}\n");
    let imported = read(text.as_bytes()).unwrap();
    let r = &imported.repetition;
    assert_eq!(
        (r.requests, r.errors, r.dropped_iterations),
        (Some(1001), Some(1), Some(3))
    );
    assert_eq!(
        (r.metrics["p50"], r.metrics["max"]),
        (Some(5.5), Some(10.0))
    );
    let skipped = from_reader(
        text.as_bytes(),
        &Choice {
            skip_s: 0.5,
            scenario: Some("default".into()),
        },
    )
    .unwrap();
    assert!((480..=520).contains(&skipped.repetition.requests.unwrap()));
}

#[test]
fn bad_rows_are_named_by_their_number() {
    let good = csv(5, 1.0, 1);
    let row = |value: &str| {
        format!("{good}http_req_duration,1790000000,{value},,,,true,,GET,user,,default,,200,,,,,\n")
    };
    for (text, word) in [
        (row("NaN"), "row 12"),
        (row("inf"), "row 12"),
        (row("-1"), "row 12"),
        (row("1e300"), "row 12"),
        // What the damaged files of fuzz.rs found: a time of 1970 took the memory of all the seconds since.
        (row("1").replace(",1790000000,1,", ",179,1,"), "row 12"),
        (row("abc"), "row 12"),
        (format!("{good}http_req_duration,179"), "row 12"),
        (format!("{good}{HEADER}"), "no request"),
        (format!("{good}a,b,c\n"), "row 12"),
        (
            row("1").replace(",1790000000,1,", ",yesterday,1,"),
            "row 12",
        ),
        (format!("{}{{\"metric\":\"http_req", lines(3)), "row 5"),
        (
            format!(
                "{}{{\"type\":\"Point\",\"metric\":\"http_req_duration\"}}\n",
                lines(3)
            ),
            "row 5",
        ),
        (WRK2.replace("2.73ms", "2.73xs"), "row 10"),
        (WRK2.replace("  60018 requests", "  sixty requests"), "row"),
        (EXPORT.replace("\"med\":2", "\"med\":-2"), "p50"),
        (OHA.replace("0.009", "\"fast\""), "p99"),
    ] {
        if word == "no request" {
            // A second header in the file is a row of a metric that does not exist; the requests before it stand.
            assert!(read(text.as_bytes()).is_ok());
            continue;
        }
        let error = read(text.as_bytes()).expect_err(word).to_string();
        assert!(error.contains(word), "{word}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn hostile_files_are_refused_without_being_kept() {
    let endless = std::io::Read::take(std::io::repeat(b'a'), 1 << 40);
    assert!(from_reader(endless, &Choice::default()).is_err());
    // A row without an end, and a row of a million columns, behind a good beginning.
    let beginning = csv(2, 1.0, 1);
    for byte in [b'x', b','] {
        let input = std::io::Read::chain(
            beginning.as_bytes(),
            std::io::Read::take(std::io::repeat(byte), 1 << 40),
        );
        let error = from_reader(input, &Choice::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("longer than") || error.contains("fields"),
            "{error}"
        );
    }
    let json = lines(2);
    let input = std::io::Read::chain(
        json.as_bytes(),
        std::io::Read::take(std::io::repeat(b'['), 1 << 40),
    );
    assert!(from_reader(input, &Choice::default()).is_err());
    let document = std::io::Read::chain(
        &b"{\"metrics\":"[..],
        std::io::Read::take(std::io::repeat(b'['), 1 << 40),
    );
    assert!(from_reader(document, &Choice::default()).is_err());
    let packed = gzip(csv(50, 1.0, 1).as_bytes());
    assert!(read(&packed[..packed.len() - 9]).is_err(), "truncated gzip");
    assert!(
        read(&[&packed[..], b"junk"].concat()).is_err(),
        "junk behind gzip"
    );
    assert!(read(b"").is_err() && read(b"\x1f\x8b").is_err());
}

#[test]
fn files_are_repetitions_of_the_target_that_their_name_says() {
    let tmp = folder();
    let mut files = Vec::new();
    for (target, level) in [("go", 1.0), ("rust", 0.5)] {
        for n in 1..=4u64 {
            let path = tmp.path().join(format!("{target}-{n}.csv.gz"));
            std::fs::write(&path, gzip(csv(6000, level, n).as_bytes())).unwrap();
            files.push(path.to_str().unwrap().to_owned());
        }
    }
    let mut arguments = vec!["import"];
    arguments.extend(files.iter().map(String::as_str));
    let (code, out, err) = analyze(&[&arguments[..], &["--format", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    let doc: serde_json::Value = serde_json::from_str(&out).unwrap();
    let pair = &doc["metrics"][0]["comparisons"][0];
    assert_eq!(
        (&pair["a"], &pair["b"], &pair["method"]),
        (&"rust".into(), &"go".into(), &"welch".into())
    );
    assert!(
        pair["text"].as_str().unwrap().starts_with("rust is 2"),
        "{pair}"
    );
    assert!(doc["limits"][0].as_str().unwrap().contains("no receipt"));
    let (_, out, _) = analyze(&[&arguments[..], &["--format", "json", "--paired"]].concat());
    assert!(out.contains("\"paired_t\""));
    let other = tmp.path().join("python.json");
    std::fs::write(&other, OHA).unwrap();
    arguments.push(other.to_str().unwrap());
    let (code, _, err) = analyze(&arguments);
    assert_eq!(code, 2);
    assert!(err.contains("--across-environments"), "{err}");
    arguments.push("--across-environments");
    assert_eq!(analyze(&arguments).0, 0);
    let bad = tmp.path().join("bad.csv");
    std::fs::write(&bad, format!("{HEADER}x\n")).unwrap();
    let (code, _, err) = analyze(&["import", bad.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(
        err.replace(['\n', ' '], "").contains("bad.csv:row2"),
        "{err}"
    );
}
