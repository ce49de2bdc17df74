//! The description is whole: every reference leads somewhere, every operation can be called by its
//! name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn document() -> Value {
    let (_, document) = crate::http::api(0).split_for_parts();
    serde_json::to_value(complete(document)).unwrap()
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 15, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_has_a_name_parameters_of_its_path_and_answers() {
    let document = document();
    let mut names = BTreeSet::new();
    let mut n_operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            n_operations += 1;
            names.insert(operation["operationId"].as_str().unwrap());
            let described: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let named: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(described, named, "{method} {path}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.contains_key("4XX") && answers.contains_key("5XX"));
            assert!(answers.contains_key("200"), "{method} {path}");
            for answer in answers.values() {
                assert!(!answer["description"].as_str().unwrap().is_empty());
            }
        }
    }
    assert_eq!((names.len(), n_operations), (17, 17));
}

#[test]
fn the_description_is_of_a_version_that_generators_eat() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["components"]["securitySchemes"]["token"]["scheme"],
        "bearer"
    );
    let settings = &document["components"]["schemas"]["Settings"];
    assert_eq!(settings["additionalProperties"], false);
    assert!(
        settings["description"]
            .as_str()
            .unwrap()
            .starts_with("Settings")
    );
}
