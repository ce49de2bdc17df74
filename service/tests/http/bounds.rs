//! What is asked wrongly, or too much, changes nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::time::Instant;

use serde_json::json;
use skyscan_service::tokens::Role;

use crate::ask::PATIENCE;
use crate::place::{Place, admin_token, config};

/// What is answered to bytes, with the token but for which they are as given.
fn raw(place: &Place, data: &std::path::Path, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", place.port)).unwrap();
    let request = request.replace("TOKEN", &admin_token(data));
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn an_alert_that_is_too_large_or_odd_is_refused_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.most_event_bytes = 1 << 20;
    let place = Place::open(config);
    let asker = &place.admin;
    let form = |parts: &[(&str, &[u8])]| asker.form(parts).unwrap();
    let large = vec![b'x'; 2 << 20];
    form(&[("event", &large)]).problem(413);
    form(&[("event", b"{}"), ("settings", &large[..100_000])]).problem(413);
    assert!(
        form(&[("event", b"{}"), ("webhook", b"http://x")])
            .problem(400)
            .contains("parts")
    );
    assert!(
        form(&[("event", b"{}"), ("event", b"{}")])
            .problem(400)
            .contains("twice")
    );
    assert!(
        form(&[("settings", b"{}")])
            .problem(400)
            .contains("missing")
    );
    form(&[("event", b"{}"), ("settings", br#"{"program": "rm"}"#)]).problem(400);
    form(&[("event", b"{}"), ("settings", br#"["mma"]"#)]).problem(400);
    form(&[("event", b"{}"), ("priority", b"now")]).problem(400);
    form(&[("event", b"{}"), ("settings", br#"{"reco": "none"}"#)]).problem(422);
    assert!(
        form(&[("event", b"broken")])
            .problem(422)
            .contains("first frame")
    );
    form(&[("event", b"")]).problem(422);
    asker
        .post("scans", "text/plain", b"{}")
        .unwrap()
        .problem(415);
    asker
        .post("scans", "multipart/form-data", b"{}")
        .unwrap()
        .problem(400);
    asker
        .post_json("watched", &json!({"path": "x"}))
        .problem(400);
    asker
        .post_json("watched", &json!({"path": "x", "program": "rm"}))
        .problem(400);
    asker
        .post_json("scans/x/rescan", &json!({"program": "rm"}))
        .problem(400);
    asker
        .put_json("scans/x/priority", &json!("x".repeat(300_000)))
        .problem(413);
    asker.get("nothing").problem(404);
    asker.post_json("fleet", &json!({})).problem(405);
    asker.get("scans/x/wait?seconds=100000").problem(400);
    let listed = asker.get("scans").good();
    assert_eq!(listed["scans"], json!([]));
    for folder in ["incoming", "scans"] {
        let left = std::fs::read_dir(data.path().join(folder)).unwrap();
        assert_eq!(left.count(), 0, "{folder}");
    }
}

#[test]
fn a_disk_that_is_nearly_full_is_said_so() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.desk.least_free_bytes = u64::MAX;
    let place = Place::open(config);
    let refused = place.admin.form(&[("event", b"{}")]).unwrap();
    assert!(refused.problem(507).contains("remove what is not needed"));
    assert_eq!(refused.header("retry-after"), "5");
    place.admin.get("/ready").problem(507);
    assert_eq!(place.admin.get("/health").status, 200);
}

#[test]
fn no_path_leads_out_of_a_scans_folder() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let id = place.admin.scanned();
    let folder = data.path().join("scans").join(&id);
    symlink(data.path().join("admin-token"), folder.join("link.txt")).unwrap();
    std::fs::create_dir(folder.join("below")).unwrap();
    let secret = admin_token(data.path());
    let paths = [
        format!("scans/{id}/files/../../../admin-token"),
        format!("scans/{id}/files/..%2f..%2f..%2fadmin-token"),
        format!("scans/{id}/files/%2e%2e/%2e%2e/%2e%2e/admin-token"),
        format!("scans/{id}/files/..%5c..%5cadmin-token"),
        format!("scans/{id}/files/%2fetc%2fpasswd"),
        format!("scans/{id}/files/a%00.json"),
        format!("scans/{id}/files/%ff"),
        format!("scans/{id}/files/link.txt"),
        format!("scans/{id}/files/below"),
        format!("scans/{id}/files/."),
        format!("scans/{id}/files/.lock"),
        "scans/..%2f..%2fx/files/admin-token".to_owned(),
        "scans/../files/admin-token".to_owned(),
        "scans/..".to_owned(),
        "scans/.%2e/result".to_owned(),
        "scans/%2e%2e/files".to_owned(),
        "scans/%2e%2e/map".to_owned(),
        "scans/%2e%2e/events".to_owned(),
        "scans/%ff".to_owned(),
        "scans/%ff/events".to_owned(),
    ];
    for path in paths {
        // As it stands: a client would resolve the dots.
        let request = format!(
            "GET /api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&place, data.path(), &request);
        let status: u16 = answer[9..12].parse().unwrap();
        assert!((400..=404).contains(&status), "{path}: {answer}");
        assert!(
            answer.contains("application/problem+json"),
            "{path}: {answer}"
        );
        assert!(!answer.contains(&secret), "{path}");
    }
}

#[test]
fn of_two_tokens_neither_counts() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    for (n_times, status) in [(1, "200"), (2, "401")] {
        let tokens = "Authorization: Bearer TOKEN\r\n".repeat(n_times);
        let request =
            format!("GET /api/v1/whoami HTTP/1.1\r\nHost: x\r\n{tokens}Connection: close\r\n\r\n");
        let answer = raw(&place, data.path(), &request);
        assert_eq!(&answer[9..12], status, "{answer}");
    }
}

#[test]
fn what_a_browser_could_execute_is_to_be_kept_not_shown() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let id = place.admin.scanned();
    let folder = data.path().join("scans").join(&id);
    let odd = "<img src=x onerror=alert(1)>.html";
    std::fs::write(folder.join(odd), "<script>alert(1)</script>").unwrap();
    let listed = place.admin.get(&format!("scans/{id}/files"));
    assert_eq!(listed.header("content-type"), "application/json");
    let listed = listed.good();
    let names: Vec<&str> = listed["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    assert!(names.contains(&odd), "{names:?}");
    let quoted = "%3Cimg%20src=x%20onerror=alert(1)%3E.html";
    for (name, kind, disposition) in [
        (quoted, "text/html; charset=utf-8", "attachment"),
        ("sky.svg", "image/svg+xml", "attachment"),
        ("event.dat", "application/octet-stream", "attachment"),
        ("pixels.csv", "text/csv; charset=utf-8", "inline"),
    ] {
        let file = place.admin.get(&format!("scans/{id}/files/{name}"));
        assert_eq!((file.status, file.header("content-type")), (200, kind));
        let shown = file.header("content-disposition");
        assert!(shown.starts_with(disposition), "{shown}");
        assert!(!shown.contains('<'));
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert!(file.header("content-security-policy").contains("sandbox"));
        let again = place
            .admin
            .get_unless(&format!("scans/{id}/files/{name}"), file.header("etag"));
        assert_eq!(again.status, 304);
    }
}

#[test]
fn requests_that_make_no_sense_are_hung_up_on() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000));
    for request in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let answer = raw(&place, data.path(), request);
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.is_empty(),
            "{answer}"
        );
    }
    let mut stream = TcpStream::connect(("127.0.0.1", place.port)).unwrap();
    // It may be hung up on before all of it was sent.
    let _cut = stream.write_all(long.as_bytes());
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.starts_with("HTTP/1.1 4") || answer.is_empty(),
        "{answer}"
    );
    assert_eq!(place.admin.get("/health").status, 200);
}

/// Whoever holds all the places that a token has keeps nobody else out.
#[test]
fn slow_uploads_of_one_token_leave_room_for_others() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let slow = place.tokens.add("slow", Role::Submit).unwrap();
    let held: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", place.port)).unwrap();
            let head = format!(
                "POST /api/v1/scans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {slow}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    for event_id in 0..4 {
        place
            .admin
            .submit(&json!({"event_id": event_id, "seconds": 0.1}));
    }
    assert!(begun.elapsed() < PATIENCE / 2);
    drop(held);
}
