//! `openapi.yaml` and the suite tell the same story: every answer that a case expects is documented, with this
//! status, these headers and a schema that the body fits; every documented answer is shown by a case.

use std::collections::{BTreeMap, BTreeSet};

use api_contract::case::{Case, Check};
use api_contract::{OPENAPI, Suite};
use serde_json::{Value, json};

use crate::users::oracle;

/// The document with its anchors filled in.
fn document() -> Value {
    serde_saphyr::from_str(OPENAPI).unwrap()
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap();
            let found = document
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{reference} leads nowhere"));
            resolve(document, found)
        }
        None => value,
    }
}

/// The documented answer to a request: by operation, or by the two extensions for everything else.
fn documented<'a>(document: &'a Value, path: &str, method: &str, status: u16) -> Option<&'a Value> {
    if path == "*" {
        return (status == 404).then(|| resolve(document, &document["x-any-other-path"]));
    }
    let item = document["paths"].get(path)?;
    match item.get(method.to_ascii_lowercase()) {
        Some(operation) => operation["responses"]
            .get(status.to_string())
            .map(|response| resolve(document, response)),
        None => (status == 405).then(|| resolve(document, &item["x-any-other-method"])),
    }
}

/// References inside a schema point into the document: carry it along.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut root = json!({"components": {"schemas": document["components"]["schemas"]}});
    for (key, value) in schema.as_object().unwrap() {
        root[key] = value.clone();
    }
    jsonschema::draft202012::new(&root).unwrap()
}

fn path_of(case: &Case, target: &str) -> String {
    // Rules about connections ask several routes; their requests are plain enough to tell.
    if !case.rule.starts_with("connection.") {
        return case.path.clone();
    }
    let path = target.split('?').next().unwrap();
    match path {
        "/healthz" | "/readyz" | "/users" => path.to_owned(),
        _ if path.starts_with("/users/") => "/users/{id}".to_owned(),
        _ => "*".to_owned(),
    }
}

#[test]
fn every_expected_answer_is_documented_and_fits_its_schema() {
    let document = document();
    let mut validators: BTreeMap<String, jsonschema::Validator> = BTreeMap::new();
    let mut checked = 0;
    for case in Suite::thorough().cases(&oracle()).unwrap() {
        for exchange in &case.exchanges {
            let (request, expect) = (&exchange.request, &exchange.expect);
            let path = path_of(&case, &request.target);
            let name = format!(
                "{} / {}: {} {path} {}",
                case.rule, case.name, request.method, expect.status
            );
            let response = documented(&document, &path, &request.method, expect.status)
                .unwrap_or_else(|| panic!("{name}: not in openapi.yaml"));
            assert!(
                response["headers"].get("Content-Length").is_some(),
                "{name}"
            );
            assert_eq!(
                response["headers"].get("Allow").is_some(),
                expect.status == 405,
                "{name}"
            );
            if expect.check == Check::Status {
                continue;
            }
            if request.method == "HEAD" {
                // An unknown path has one entry for all methods.
                assert!(path == "*" || response.get("content").is_none(), "{name}");
                continue;
            }
            let schema = &response["content"]["application/json"]["schema"];
            assert_eq!(response["content"].as_object().unwrap().len(), 1, "{name}");
            let validator = validators
                .entry(schema.to_string())
                .or_insert_with(|| validator(&document, schema));
            let body: Value = serde_json::from_slice(&expect.body).unwrap();
            if let Err(error) = validator.validate(&body) {
                panic!("{name}: {error}");
            }
            checked += 1;
        }
    }
    assert!(checked > 800, "{checked} bodies were checked");
}

#[test]
fn schemas_refuse_what_the_contract_does_not_allow() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let user: Value = serde_json::from_str(&oracle().user_body(1).unwrap()).unwrap();
    let user_schema = validator(&document, &schemas["User"]);
    assert!(user_schema.is_valid(&user));
    for (key, wrong) in [
        ("id", json!("ABCDEF00-0000-0000-0000-000000000000")),
        ("created_at", json!("2024-01-01T00:00:00+00:00")),
        ("age", json!("20")),
        ("is_active", Value::Null),
        ("more", json!(1)),
    ] {
        let mut changed = user.clone();
        changed[key] = wrong;
        assert!(!user_schema.is_valid(&changed), "{key}");
    }
    let error = validator(&document, &schemas["NotFound"]);
    assert!(error.is_valid(&json!({"error": "not_found"})));
    assert!(!error.is_valid(&json!({"error": "bad_request"})));
}

#[test]
fn every_documented_answer_is_shown_by_a_case() {
    let document = document();
    let mut shown = BTreeSet::new();
    for case in Suite::standard().cases(&oracle()).unwrap() {
        for exchange in &case.exchanges {
            let path = path_of(&case, &exchange.request.target);
            let method = exchange.request.method.to_ascii_lowercase();
            shown.insert((path, method, exchange.expect.status));
        }
    }
    for behaviour in Suite::behaviour().behaviours() {
        for (path, status) in behaviour.covers {
            for method in ["get", "head"] {
                shown.insert(((*path).to_owned(), method.to_owned(), *status));
            }
        }
    }
    let mut missing = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "head"] {
            let operation = item
                .get(method)
                .unwrap_or_else(|| panic!("{method} {path}"));
            for status in operation["responses"].as_object().unwrap().keys() {
                let answer = (path.clone(), method.to_owned(), status.parse().unwrap());
                if !shown.contains(&answer) {
                    missing.push(answer);
                }
            }
        }
        assert!(
            shown.contains(&(path.clone(), "post".to_owned(), 405)),
            "{path}"
        );
    }
    assert_eq!(missing, []);
    assert!(shown.contains(&("*".to_owned(), "get".to_owned(), 404)));
}

#[test]
fn the_document_is_whole() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(item.get("x-any-other-method").is_some(), "{path}");
        for method in ["get", "head"] {
            let id = item[method]["operationId"].as_str().unwrap();
            assert!(operations.insert(id.to_owned()), "{id} twice");
        }
    }
    assert_eq!(operations.len(), 8);
    assert_every_reference_leads_somewhere(&document, &document);
    let limit = &document["components"]["parameters"]["Limit"]["schema"];
    assert_eq!(
        (&limit["minimum"], &limit["maximum"], &limit["default"]),
        (&json!(1), &json!(200), &json!(50))
    );
    let offset = &document["components"]["parameters"]["Offset"]["schema"];
    assert_eq!(offset["maximum"], json!(i64::MAX));
}

fn assert_every_reference_leads_somewhere(document: &Value, value: &Value) {
    match value {
        Value::Object(map) => {
            resolve(document, value);
            map.values()
                .for_each(|value| assert_every_reference_leads_somewhere(document, value));
        }
        Value::Array(items) => {
            items
                .iter()
                .for_each(|value| assert_every_reference_leads_somewhere(document, value));
        }
        _ => {}
    }
}

#[test]
fn names_are_unique() {
    let mut rules = BTreeSet::new();
    for rule in Suite::thorough().rules() {
        assert!(rules.insert(&rule.name), "rule {} twice", rule.name);
        assert!(rule.why.len() > 20, "rule {} does not say why", rule.name);
        let mut cases = BTreeSet::new();
        for case in &rule.cases {
            assert!(
                cases.insert(&case.name),
                "{} / {} twice",
                rule.name,
                case.name
            );
        }
    }
    let behaviours: BTreeSet<&str> = Suite::behaviour()
        .behaviours()
        .iter()
        .map(|b| b.name)
        .collect();
    assert_eq!(behaviours.len(), Suite::behaviour().behaviours().len());
}
