//! What is answered is what the description says: every field that comes is in it, and every one
//! that it demands comes.

use serde_json::{Value, json};

use crate::ask::Answer;
use crate::place::{Place, config};

struct Description(Value);

impl Description {
    /// Finds what an answer has that its schema has not, or the other way round.
    fn check(&self, method: &str, path: &str, answer: &Answer) {
        let operation = &self.0["paths"][path][method];
        let status = answer.status.to_string();
        let known = &operation["responses"];
        let response = known
            .get(&status)
            .or_else(|| known.get(format!("{}XX", &status[..1])));
        let kind = answer.header("content-type").split(';').next().unwrap();
        let schema = &response.unwrap()["content"][kind]["schema"];
        assert!(schema.is_object(), "{method} {path} {status} {kind}");
        if let Err(why) = self.fits(schema, &answer.json()) {
            panic!("{method} {path}: {why}");
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').unwrap();
            return self.fits(self.0.pointer(pointer).unwrap(), value);
        }
        if let Some(kinds) = schema["oneOf"].as_array() {
            let fits = kinds.iter().map(|kind| self.fits(kind, value));
            let why: Vec<String> = fits.filter_map(Result::err).collect();
            return match why.len() < kinds.len() {
                true => Ok(()),
                false => Err(why.join("; ")),
            };
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Err(format!("{value} is none of {words:?}"));
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let is_of = |said: &Value| said == kind || (said == "number" && kind == "integer");
        let fits = match &schema["type"] {
            Value::Null => true,
            Value::Array(kinds) => kinds.iter().any(is_of),
            said => is_of(said),
        };
        if !fits {
            return Err(format!("{value} is no {}", schema["type"]));
        }
        for item in value.as_array().into_iter().flatten() {
            self.fits(&schema["items"], item)?;
        }
        let Some(fields) = value
            .as_object()
            .filter(|_| schema["properties"].is_object())
        else {
            return Ok(());
        };
        for (name, field) in fields {
            let known = &schema["properties"][name];
            if known.is_null() {
                return Err(format!("{name} is not described"));
            }
            self.fits(known, field)
                .map_err(|why| format!("{name}: {why}"))?;
        }
        let demanded = schema["required"].as_array().into_iter().flatten();
        let mut missing = demanded
            .filter_map(Value::as_str)
            .filter(|name| !fields.contains_key(*name));
        missing
            .next()
            .map_or(Ok(()), |name| Err(format!("{name} is missing")))
    }
}

#[test]
fn answers_are_as_described() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let asker = &place.admin;
    let description = Description(asker.get("openapi.json").good());
    let event = json!({"event_id": 1, "seconds": 2.0, "odd": true}).to_string();
    let settings =
        br#"{"tier": "pole", "reco": "photon-mpe", "nside": [4, 16], "levels": [50.0, 90.0]}"#;
    let parts: [(&str, &[u8]); 2] = [("event", event.as_bytes()), ("settings", settings)];
    let taken = asker.form(&parts).unwrap();
    description.check("post", "/scans", &taken);
    let id = taken.good()["id"].as_str().unwrap().to_owned();
    asker.events(&format!("scans/{id}/events"), Some("contour"));
    let running = asker.get(&format!("scans/{id}"));
    assert!(running.good()["progress"].is_object() && running.good()["contour"].is_object());
    description.check("get", "/scans/{id}", &running);
    description.check(
        "get",
        "/scans/{id}/map",
        &asker.get(&format!("scans/{id}/map")),
    );
    description.check(
        "get",
        "/scans/{id}/wait",
        &asker.get(&format!("scans/{id}/wait")),
    );
    for path in ["map", "hits", "result", "files"] {
        let answer = asker.get(&format!("scans/{id}/{path}"));
        assert_eq!(answer.status, 200);
        description.check("get", &format!("/scans/{{id}}/{path}"), &answer);
        let none = asker.get(&format!("scans/none/{path}"));
        none.problem(404);
        description.check("get", &format!("/scans/{{id}}/{path}"), &none);
    }
    let failing = json!({"event_id": 2, "seconds": 0.1, "fail": "no light"});
    asker.wait(&asker.submit_named(&failing));
    let listed = asker.get("scans?limit=1");
    assert!(listed.good()["next"].is_string());
    description.check("get", "/scans", &listed);
    description.check("get", "/scans", &asker.get("scans"));
    description.check("get", "/fleet", &asker.get("fleet"));
    description.check("get", "/whoami", &asker.get("whoami"));
    let rescan = asker.post_json(
        &format!("scans/{id}/rescan"),
        &json!({"priority": "background"}),
    );
    description.check("post", "/scans/{id}/rescan", &rescan);
    let long = asker.submit_named(&json!({"event_id": 3, "seconds": 60.0}));
    let urgent = json!({"priority": "urgent"});
    let raised = asker.put_json(&format!("scans/{long}/priority"), &urgent);
    description.check("put", "/scans/{id}/priority", &raised);
    let cancelled = asker.post_json(&format!("scans/{long}/cancel"), &json!({}));
    description.check("post", "/scans/{id}/cancel", &cancelled);
}

#[test]
fn a_field_that_is_not_described_would_be_seen() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
    let description = Description(json!({}));
    description.fits(&schema, &json!({"a": 1})).unwrap();
    for other in [
        json!({"a": 1, "b": 2}),
        json!({}),
        json!({"a": "1"}),
        json!([]),
    ] {
        description.fits(&schema, &other).unwrap_err();
    }
}
