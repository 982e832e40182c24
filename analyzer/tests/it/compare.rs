use crate::made_up::{session, small};
use crate::program::{analyze, folder};

const TARGETS: [(&str, f64); 3] = [("control", 1.0), ("same", 1.0), ("slow", 1.3)];

#[test]
fn two_targets_of_one_run_are_compared_in_their_blocks() {
    let tmp = folder();
    let run = session(tmp.path(), "run", &TARGETS, 1);
    let run = run.to_str().unwrap();
    let (code, out, err) = analyze(&["compare", &format!("{run}:control"), &format!("{run}:slow")]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("regression"));
    assert!(!out.contains("different sessions"), "{out}");
    let (code, out, _) = analyze(&["compare", &format!("{run}:slow"), &format!("{run}:control")]);
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = analyze(&[
        "compare",
        &format!("{run}:control"),
        &format!("{run}:same"),
        "--metric",
        "p50",
        "--margin",
        "20%",
    ]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn two_sessions_by_their_control_or_by_their_variance() {
    let tmp = folder();
    let base = session(tmp.path(), "base", &[("control", 1.0), ("api", 1.0)], 1);
    // The session makes everything 30% slower; the target itself is unchanged.
    let moved = session(tmp.path(), "moved", &[("control", 1.3), ("api", 1.3)], 2);
    let worse = session(tmp.path(), "worse", &[("control", 1.0), ("api", 1.5)], 3);
    let [base, moved, worse] = [&base, &moved, &worse].map(|p| p.to_str().unwrap());
    let code = |arguments: &[&str]| {
        let (code, out, err) = analyze(arguments);
        (code, format!("{out}{err}"))
    };
    let (with, text) = code(&[
        "compare",
        base,
        moved,
        "--control",
        "control",
        "--metric",
        "p50",
        "--margin",
        "10%",
    ]);
    assert_eq!(with, 0, "{text}");
    let (without, text) = code(&["compare", base, moved, "--target", "api", "--metric", "p50"]);
    assert_eq!(without, 1, "{text}");
    assert!(text.contains("different sessions"), "{text}");
    let (real, text) = code(&["compare", base, worse, "--control", "control"]);
    assert_eq!(real, 1, "{text}");
    // Where sessions differ as much as that, nothing is shown.
    let loose = [
        "compare",
        base,
        worse,
        "--target",
        "api",
        "--session-sd",
        "60%",
    ];
    assert_eq!(code(&loose).0, 3);
    assert_eq!(
        code(&[&loose[..], &["--on-inconclusive", "pass"]].concat()).0,
        0
    );
    assert_eq!(
        code(&[&loose[..], &["--on-inconclusive", "fail"]].concat()).0,
        1
    );
    for format in ["json", "markdown"] {
        assert_eq!(
            code(&[
                "compare",
                base,
                worse,
                "--control",
                "control",
                "--format",
                format
            ])
            .0,
            1
        );
    }
}

#[test]
fn results_made_in_another_way_are_refused_unless_asked() {
    let tmp = folder();
    let targets = [("control", 1.0), ("api", 1.0)];
    let base = session(tmp.path(), "base", &targets, 1);
    let other = session(tmp.path(), "other", &targets, 2);
    let file = other.join("manifest.json");
    for (place, value) in [
        ("/environment/recording", "csv"),
        ("/environment/kind", "vm"),
        ("/environment/limits", "affinity"),
        ("/versions/programs/k6", "2.0.0"),
    ] {
        let original = std::fs::read(&file).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&original).unwrap();
        *manifest.pointer_mut(place).unwrap() = value.into();
        std::fs::write(&file, manifest.to_string()).unwrap();
        let arguments = [
            "compare",
            base.to_str().unwrap(),
            other.to_str().unwrap(),
            "--control",
            "control",
        ];
        let (code, _, err) = analyze(&arguments);
        assert_eq!(code, 2, "{place}");
        assert!(err.contains("--across-environments"), "{err}");
        let (code, _, err) = analyze(&[&arguments[..], &["--across-environments"]].concat());
        assert_ne!(code, 2, "{err}");
        std::fs::write(&file, original).unwrap();
    }
}

#[test]
fn sides_that_do_not_fit_are_refused() {
    let tmp = folder();
    let run = small(tmp.path(), "run");
    let other = small(tmp.path(), "other");
    let (run, other) = (run.to_str().unwrap(), other.to_str().unwrap());
    for sides in [
        [format!("{run}:go"), format!("{other}:rust-sqlx")],
        [format!("{run}:go"), run.to_owned()],
        [format!("{run}:go"), format!("{run}:java")],
        [format!("{run}:go"), format!("{run}:go")],
    ] {
        assert_eq!(
            analyze(&["compare", &sides[0], &sides[1]]).0,
            2,
            "{sides:?}"
        );
    }
    assert_eq!(analyze(&["compare", run, other, "--control", "java"]).0, 2);
}
