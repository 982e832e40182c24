//! lab.toml and the schemas, as committed.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use lab_model::config::{ConfigError, Lab};

fn text() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab.toml")).unwrap()
}

fn lab() -> Lab {
    Lab::parse("lab.toml", &text()).unwrap()
}

/// Breaks lab.toml by one replacement; gives line, message and hint.
fn broken(from: &str, to: &str) -> (usize, String, String) {
    let original = text();
    assert!(original.contains(from), "lab.toml no longer has `{from}`");
    let edited = original.replacen(from, to, 1);
    match Lab::parse("lab.toml", &edited) {
        Err(ConfigError::Invalid {
            line,
            message,
            hint,
            ..
        }) => {
            let expected = original[..original.find(from).unwrap()]
                .matches('\n')
                .count()
                + 1;
            assert_eq!(
                line, expected,
                "the error must point at the line that was broken: {message}"
            );
            (line, message, hint.unwrap_or_default())
        }
        other => panic!("accepted or wrong kind: {other:?}"),
    }
}

#[test]
fn budgets_of_the_design() {
    let lab = lab();
    for (mode, target, expected) in [
        ("single", "go", (1, 30)),
        ("single", "python", (1, 30)),
        ("multi", "rust-sqlx", (1, 40)),
        ("multi", "python", (4, 10)),
    ] {
        let b = lab.budget(mode, target).unwrap();
        assert_eq!((b.processes, b.pool_size), expected, "{mode} {target}");
        assert_eq!(b.processes * b.pool_size, b.db_connections);
    }
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_a_suggestion() {
    let (_, message, hint) = broken("repetitions = 10 ", "repetitons = 10 ");
    assert!(message.contains("repetitons"), "{message}");
    assert_eq!(hint, "did you mean `repetitions`?");
}

#[test]
fn a_pool_that_does_not_divide_is_an_error() {
    let (_, message, hint) = broken("db_connections = 40", "db_connections = 41");
    assert_eq!(
        message,
        "mode multi: 41 db_connections do not divide by 4 processes"
    );
    assert!(hint.contains("never rounded"));
}

#[test]
fn impossible_values_are_refused_where_they_stand() {
    for (from, to, word) in [
        ("cpus = 1  ", "cpus = 0  ", "at least 1"),
        (
            "measure_s = 10\nvus = 32",
            "measure_s = -10\nvus = 32",
            "measure_s",
        ),
        (
            "db_connections = 30",
            "db_connections = 95",
            "max_connections",
        ),
        ("port = 8081", "port = 8080", "`go`'s"),
        ("margin = 0.05", "margin = 5", "margin"),
        ("baseline = \"go\"", "baseline = \"gp\"", "no target"),
        (
            "primary = [\"p99\"]",
            "primary = [\"p98\"]",
            "unknown metric",
        ),
        (
            "DB_MAX_CONNS = \"{pool_size}\"",
            "DB_MAX_CONNS = \"{poolsize}\"",
            "unknown placeholder",
        ),
        (
            "executor = \"ramping-vus\"",
            "executor = \"ramping-vuss\"",
            "unknown variant",
        ),
        ("schema_version = 1", "schema_version = 2", "schema_version"),
    ] {
        let (_, message, hint) = broken(from, to);
        assert!(message.contains(word), "{to}: {message}");
        assert!(!hint.is_empty(), "{to}: no hint");
    }
}

#[test]
fn a_missing_key_is_named() {
    let edited = text().replacen("looks = 1", "#", 1);
    let error = Lab::parse("lab.toml", &edited).unwrap_err().to_string();
    assert!(error.contains("missing field `looks`"), "{error}");
}

#[test]
fn unknown_names_suggest_the_nearest() {
    let error = lab().budget("singel", "go").unwrap_err();
    let ConfigError::Unknown { hint, .. } = error else {
        panic!()
    };
    assert!(hint.starts_with("did you mean `single`?"), "{hint}");
}

/// `UPDATE_SCHEMAS=1 cargo test -p lab-model` writes the copies anew.
#[test]
fn committed_schemas_are_current() {
    for (name, schema) in lab_model::schema::all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("schema")
            .join(name);
        let now = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == now,
            "{name} is stale: UPDATE_SCHEMAS=1 cargo test --release -p lab-model"
        );
    }
}

#[test]
fn the_real_lab_toml_fits_its_committed_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/lab.schema.json");
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let value: serde_json::Value = toml::from_str(&text()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");

    let mut wrong = value;
    wrong["modes"]["single"]["cpu"] = 1.into();
    assert!(!validator.is_valid(&wrong), "an unknown key must not fit");
}

#[test]
fn figures_are_the_same_to_the_last_bits_only() {
    use lab_model::results::same_figure;
    assert!(same_figure(
        Some(10.667558600000007),
        Some(10.667558600000008)
    ));
    assert!(same_figure(None, None) && same_figure(Some(0.0), Some(0.0)));
    assert!(!same_figure(Some(10.6675586), Some(10.6675587)));
    assert!(!same_figure(Some(1.0), None));
}

#[test]
fn the_rates_of_the_steps_are_those_of_the_load_script() {
    let lab = lab();
    let mut p = lab.profile("capacity").unwrap().clone();
    (p.rate, p.steps, p.measure_s) = (Some(1000), Some(3), 6.0);
    // Math.round(1000 * step / 3)
    assert_eq!(p.step_rates(), [333, 667, 1000]);
    assert!((p.step_s() - 2.0).abs() < 1e-12);
    p.steps = None;
    assert_eq!(p.step_rates().len(), 8);
    (p.rate, p.steps) = (Some(1), Some(4));
    assert_eq!(p.step_rates(), [1, 1, 1, 1]);
    assert!(lab.profile("open").unwrap().step_rates().is_empty());
}

#[test]
fn other_connections_are_refused_in_the_words_of_the_file() {
    let lab = lab();
    let with = lab.with_connections("multi", 60).unwrap();
    assert_eq!(with.budget("multi", "python").unwrap().pool_size, 15);
    assert_eq!(with.budget("multi", "go").unwrap().pool_size, 60);
    assert_eq!(with.modes["single"], lab.modes["single"]);
    let odd = lab.with_connections("multi", 42).unwrap();
    assert_eq!(
        odd.budget("multi", "python").unwrap_err().to_string(),
        "mode multi: 42 db_connections do not divide by 4 processes"
    );
    assert!(odd.budget("multi", "go").is_ok());
    assert_eq!(
        lab.with_connections("single", 91).unwrap_err().to_string(),
        "mode single: 91 connections and 10 for the lab itself do not fit max_connections = 100"
    );
    assert!(lab.with_connections("single", 90).is_ok());
    assert!(lab.with_connections("single", 0).is_err());
    assert!(lab.with_connections("none", 5).is_err());
}
