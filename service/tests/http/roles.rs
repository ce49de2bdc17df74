//! Who may do what.

use std::time::Instant;

use serde_json::json;
use skyscan_service::tokens::Role;

use crate::ask::PATIENCE;
use crate::place::{Place, config};

#[test]
fn nothing_is_said_without_a_token_but_health_and_the_description() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let nobody = place.admin.with("not a token");
    for path in [
        "scans",
        "scans/x",
        "scans/x/files/y",
        "fleet",
        "whoami",
        "events",
        "nothing",
    ] {
        let answer = nobody.get(path);
        answer.problem(401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    nobody.form(&[("event", b"{}")]).unwrap().problem(401);
    assert_eq!(nobody.get("openapi.json").good()["openapi"], "3.1.0");
    for path in ["/health", "/ready"] {
        assert_eq!(nobody.get(path).status, 200, "{path}");
    }
}

#[test]
fn each_role_may_do_what_it_says() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let asker = |name: &str, role| place.admin.with(&place.tokens.add(name, role).unwrap());
    let (reader, one, other) = (
        asker("reader", Role::Read),
        asker("one", Role::Submit),
        asker("other", Role::Submit),
    );
    for (asker, name, role) in [
        (&reader, "reader", "read"),
        (&one, "one", "submit"),
        (&place.admin, "admin", "admin"),
    ] {
        let said = asker.get("whoami").good();
        assert_eq!(said, json!({"name": name, "role": role}));
    }
    let event = json!({"event_id": 1, "seconds": 30.0});
    let refused = reader.form(&[("event", event.to_string().as_bytes())]);
    assert!(refused.unwrap().problem(403).contains("submit is needed"));
    let scan = one.submit(&event);
    assert_eq!(scan["from"], "http one");
    let id = scan["id"].as_str().unwrap();
    assert_eq!(reader.get(&format!("scans/{id}")).status, 200);
    let cancel = format!("scans/{id}/cancel");
    let priority = format!("scans/{id}/priority");
    let urgent = json!({"priority": "urgent"});
    for asker in [&reader, &other] {
        asker.post_json(&cancel, &json!({})).problem(403);
        asker.put_json(&priority, &urgent).problem(403);
    }
    assert_eq!(
        one.put_json(&priority, &urgent).good()["priority"],
        "urgent"
    );
    assert_eq!(
        one.post_json(&cancel, &json!({})).good()["state"],
        "cancelled"
    );
    let scan = one.submit(&event);
    let cancelled = place.admin.post_json(&cancel, &json!({})).good();
    assert_eq!(cancelled["id"], scan["id"]);
    assert!(place.tokens.remove("reader").unwrap());
    reader.get("scans").problem(401);
}

#[test]
fn streams_end_when_their_token_is_removed() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let reader = place.tokens.add("reader", Role::Read).unwrap();
    let reader = place.admin.with(&reader);
    let event = json!({"event_id": 1, "seconds": 60.0});
    let id = place.admin.submit_named(&event);
    let begun = Instant::now();
    let streams = ["events".to_owned(), format!("scans/{id}/events")].map(|path| {
        let mut events = reader.stream(&path);
        assert_eq!(events.next().unwrap().0, "state");
        std::thread::spawn(move || events.count())
    });
    assert!(place.tokens.remove("reader").unwrap());
    for stream in streams {
        stream.join().unwrap();
    }
    // And not because whoever reads has lost patience.
    assert!(begun.elapsed() < PATIENCE / 2);
}
