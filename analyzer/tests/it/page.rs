//! The HTML report as text; `tests/browser.py` looks at it in a real browser.

use crate::made_up::{Plan, session, write};
use crate::program::{analyze, folder};

#[test]
fn one_file_without_script_that_fetches_nothing() {
    let tmp = folder();
    let targets = [("go", 1.0), ("python<script>", 4.0), ("rust-sqlx", 0.9)];
    let run = session(tmp.path(), "run", &targets, 1);
    let page = tmp.path().join("report.html");
    let (code, _, err) = analyze(&[
        run.to_str().unwrap(),
        "--format",
        "html",
        "--out",
        page.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{err}");
    let html = std::fs::read_to_string(page).unwrap();
    for wanted in [
        "id=\"verdict\"",
        "id=\"receipt\"",
        "id=\"ratios\"",
        "id=\"quantiles\"",
        "id=\"repetitions\"",
        "id=\"errors\"",
        "id=\"time\"",
        "id=\"flags\"",
        "id=\"provenance\"",
        "prefers-color-scheme",
        "@media print",
        "width=device-width",
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
    for unwanted in [
        "<script", "<link", "<img", "<iframe", "url(", "@import", "src=", "href=", "30 <b>",
    ] {
        assert!(!html.contains(unwanted), "{unwanted}");
    }
    // Verdicts come first, every figure has its numbers.
    assert!(
        html.find("id=\"verdict\"") < html.find("id=\"receipt\"")
            && html.find("id=\"receipt\"") < html.find("<svg")
    );
    assert!(html.matches("<svg ").count() >= 5 + 3 + 5 + 3);
    assert!(html.matches("<details").count() >= html.matches("<svg ").count());
    assert_eq!(html.matches("NaN").count(), 0);
}

#[test]
fn one_target_and_broken_runs_still_make_a_page() {
    let tmp = folder();
    let run = write(
        tmp.path(),
        &Plan {
            targets: &[("go", 1.0)],
            blocks: 2,
            requests: 100,
            ..Plan::default()
        },
    );
    let (code, out, err) = analyze(&[run.to_str().unwrap(), "--format", "html"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Nothing is compared here"));
    std::fs::remove_dir_all(run.join("single")).unwrap();
    let (code, out, err) = analyze(&[run.to_str().unwrap(), "--format", "html"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("id=\"verdict\""));
}
