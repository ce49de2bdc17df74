//! Every route does what it says.

use serde_json::{Value, json};

use crate::place::{Place, config};

#[test]
fn an_alert_comes_in_is_watched_and_its_map_goes_out() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let asker = &place.admin;
    let event = json!({"run_id": 1, "event_id": 7, "seconds": 0.8, "odd": true});
    let words = event.to_string();
    let parts: [(&str, &[u8]); 3] = [
        ("priority", b"urgent"),
        ("settings", br#"{"reco": "pandel-mpe"}"#),
        ("event", words.as_bytes()),
    ];
    let taken = asker.form(&parts).unwrap();
    let scan = taken.good();
    assert_eq!(taken.status, 201);
    let id = scan["id"].as_str().unwrap();
    assert_eq!(taken.header("location"), format!("scans/{id}"));
    assert_eq!(
        (&scan["priority"], &scan["from"]),
        (&json!("urgent"), &json!("http admin"))
    );
    assert_eq!(scan["settings"], json!({"reco": "pandel-mpe"}));
    assert_eq!(scan["warnings"][0], "it has <b>few</b> hits");
    assert_eq!(asker.form(&parts).unwrap().status, 200);

    let events = asker.events(&format!("scans/{id}/events"), None);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["state", "progress", "contour"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let (name, last) = events.last().unwrap();
    assert_eq!((name.as_str(), &last["state"]), ("state", &json!("done")));
    // Somebody who comes later hears the end at once.
    let late = asker.events(&format!("scans/{id}/events"), None);
    let late: Vec<&str> = late.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(late, ["contour", "state"]);

    let standing = asker.wait(id);
    assert_eq!(standing["scan"], *last);
    assert_eq!(standing["contour"]["is_stable"], true);
    assert!(
        asker
            .get(&format!("scans/{id}/hits"))
            .good()
            .as_array()
            .unwrap()
            .len()
            > 10
    );
    let result = asker.get(&format!("scans/{id}/result")).good();
    assert_eq!(result["complete"], true);
    let map = asker.get(&format!("scans/{id}/map")).good();
    let rounds = map["rounds"].as_array().unwrap();
    let nsides: Vec<u64> = rounds
        .iter()
        .map(|round| round["nside"].as_u64().unwrap())
        .collect();
    assert_eq!(nsides, [4, 16, 64, 256]);
    let fleet = asker.get("fleet").good();
    assert_eq!(fleet["workers"].as_array().unwrap().len(), 5);
}

#[test]
fn a_map_is_sent_once_as_long_as_it_does_not_change() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let asker = &place.admin;
    let id = asker.submit_named(&json!({"event_id": 1}));
    asker.wait(&id);
    let map = asker.get(&format!("scans/{id}/map"));
    let again = asker.get_unless(&format!("scans/{id}/map"), map.header("etag"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = asker.head(&format!("scans/{id}/map"));
    assert_eq!(head.header("content-length"), map.body.len().to_string());
    assert_eq!(head.body.len(), 0);

    // One that grows has another tag each time.
    let id = asker.submit_named(&json!({"event_id": 2, "seconds": 20.0}));
    let path = format!("scans/{id}/map");
    asker.events(&format!("scans/{id}/events"), Some("progress"));
    let mut before = asker.get(&path);
    while before.good()["rounds"].as_array().unwrap().is_empty() {
        before = asker.get(&path);
    }
    let mut after = asker.get_unless(&path, before.header("etag"));
    while after.status == 304 {
        after = asker.get_unless(&path, before.header("etag"));
    }
    assert!(after.body.len() > before.body.len());
    let cancelled = asker
        .post_json(&format!("scans/{id}/cancel"), &json!({}))
        .good();
    assert_eq!(cancelled["state"], "cancelled");
    // What was found is kept.
    let kept = asker.get(&path).good();
    assert!(!kept["rounds"].as_array().unwrap().is_empty());
}

#[test]
fn scans_are_listed_by_state_and_page_by_page() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let asker = &place.admin;
    let mut all: Vec<String> = (0..5)
        .map(|number| asker.submit_named(&json!({"event_id": number, "seconds": 0.1})))
        .collect();
    all.iter()
        .for_each(|id| assert_eq!(asker.wait(id)["scan"]["state"], "done"));
    let failed = asker.submit_named(&json!({"event_id": 9, "seconds": 0.1, "fail": "no light"}));
    assert_eq!(asker.wait(&failed)["scan"]["error"], "no light");
    let mut listed = Vec::new();
    let mut page = asker.get("scans?state=done&limit=2").good();
    loop {
        let scans = page["scans"].as_array().unwrap();
        listed.extend(
            scans
                .iter()
                .map(|scan| scan["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        page = asker
            .get(&format!("scans?state=done&limit=2&before={next}"))
            .good();
    }
    all.reverse();
    assert_eq!(listed, all);
    let failures = asker.get("scans?state=failed").good();
    assert_eq!(failures["scans"][0]["id"], json!(failed));
    assert_eq!(failures["next"], Value::Null);
    asker.get("scans?before=none").problem(400);
    asker.get("scans?limit=0").problem(400);
    asker.get("scans?state=odd").problem(400);
}

#[test]
fn a_scan_can_be_cancelled_raised_and_made_again() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.desk.max_running = 1;
    let place = Place::open(config);
    let asker = &place.admin;
    let long = asker.submit_named(&json!({"event_id": 1, "seconds": 100.0}));
    let waiting = asker.submit_named(&json!({"event_id": 2, "seconds": 100.0}));
    let path = format!("scans/{waiting}/priority");
    let raised = asker.put_json(&path, &json!({"priority": "urgent"})).good();
    assert_eq!(raised["priority"], "urgent");
    // It does not wait for the other one.
    asker.events(&format!("scans/{waiting}/events"), Some("progress"));
    asker
        .put_json(&path, &json!({"priority": "at once"}))
        .problem(400);
    for id in [&long, &waiting] {
        let cancelled = asker.post_json(&format!("scans/{id}/cancel"), &json!({}));
        assert_eq!(cancelled.good()["state"], "cancelled");
        asker
            .post_json(&format!("scans/{id}/cancel"), &json!({}))
            .problem(409);
    }
    let path = format!("scans/{long}/rescan");
    let again = asker.post_json(&path, &json!({}));
    assert_eq!((again.status, &again.good()["id"]), (200, &json!(long)));
    let settings = json!({"settings": {"nside": [4, 16]}, "priority": "background"});
    let other = asker.post_json(&path, &settings);
    assert_eq!(other.status, 201);
    assert_eq!(other.good()["settings"], settings["settings"]);
    assert_ne!(other.good()["id"], json!(long));
    let location = other.header("location").to_owned();
    assert_eq!(
        location,
        format!("../{}", other.good()["id"].as_str().unwrap())
    );
    for (path, body) in [
        ("scans/none/cancel", json!({})),
        ("scans/none/rescan", json!({})),
    ] {
        asker.post_json(path, &body).problem(404);
    }
}

#[test]
fn all_scans_can_be_watched_together() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let asker = &place.admin;
    let first = asker.submit_named(&json!({"event_id": 1, "seconds": 30.0}));
    asker.events(&format!("scans/{first}/events"), Some("progress"));
    // Those that run come at once.
    let events = asker.events("events", Some("state"));
    assert_eq!(events[0].1["id"], json!(first));
}

#[test]
fn a_file_of_the_watched_folder_is_taken_by_its_name() {
    let data = tempfile::tempdir().unwrap();
    let watched = tempfile::tempdir().unwrap();
    std::fs::write(watched.path().join("a.json"), r#"{"event_id": 3}"#).unwrap();
    let mut config = config(data.path());
    config.watched = Some(watched.path().to_owned());
    let place = Place::open(config);
    let taken = place
        .admin
        .post_json("watched", &json!({"path": "a.json", "priority": "urgent"}));
    assert_eq!(taken.status, 201);
    let id = taken.good()["id"].as_str().unwrap().to_owned();
    let files = place.admin.get(&format!("scans/{id}/files")).good();
    let files = files["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file["name"] == "event.json"));
    place
        .admin
        .post_json("watched", &json!({"path": "../admin-token"}))
        .problem(404);
}

#[test]
fn a_service_that_was_stopped_goes_on_without_its_catalogue() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let done = place
        .admin
        .submit_named(&json!({"event_id": 1, "seconds": 0.1}));
    place.admin.wait(&done);
    let id = place
        .admin
        .submit_named(&json!({"event_id": 2, "seconds": 3.0}));
    place
        .admin
        .events(&format!("scans/{id}/events"), Some("contour"));
    // Who waits is let go.
    let mut watching = place.admin.stream(&format!("scans/{id}/events"));
    watching.next().unwrap();
    drop(place);
    assert!(watching.all(|(name, said)| name != "state" || said["state"] == "running"));
    for file in ["catalogue.sqlite", "tokens.sqlite"] {
        std::fs::remove_file(data.path().join(file)).unwrap();
    }
    let place = Place::open(config(data.path()));
    assert_eq!(place.admin.wait(&id)["scan"]["state"], "done");
    let listed = place.admin.get("scans?state=done").good();
    assert_eq!(listed["scans"].as_array().unwrap().len(), 2);
}
