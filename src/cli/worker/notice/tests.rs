use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::UNIX_EPOCH;

use super::*;

fn at(time: &str) -> SystemTime {
    let seconds = DateTime::parse_from_rfc3339(time).unwrap().timestamp();
    UNIX_EPOCH + Duration::from_secs(seconds as u64)
}

const S: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn what_the_clouds_document_is_understood() {
    let action = r#"{"action": "terminate", "time": "2017-09-18T08:22:00Z"}"#;
    assert_eq!(aws(action, at("2017-09-18T08:20:10Z")), Ok(Some(S(110))));
    assert_eq!(aws(action, at("2017-09-18T08:22:10Z")), Ok(Some(S(0))));
    assert!(aws("<html>", at("2017-09-18T08:22:10Z")).is_err());
    assert_eq!(gcp("FALSE\n"), Ok(None));
    assert_eq!(gcp("TRUE"), Ok(Some(SHORT_NOTICE)));
    assert!(gcp("<html>").is_err());
    let now = at("2016-09-19T18:29:07Z");
    let event = |kind: &str, name: &str, time: &str| {
        let event = format!(
            r#"{{"EventId": "602d9444", "EventStatus": "Scheduled", "EventType": "{kind}", "ResourceType":
            "VirtualMachine", "Resources": ["FrontEnd_IN_0", "{name}"], "NotBefore": "{time}"}}"#
        );
        format!(r#"{{"DocumentIncarnation": 1, "Events": [{event}]}}"#)
    };
    let time = "Mon, 19 Sep 2016 18:29:47 GMT";
    let heard = |events: &str| azure(events, "WestNO_0", now);
    assert_eq!(heard(&event("Preempt", "WestNO_0", time)), Ok(Some(S(40))));
    assert_eq!(heard(&event("Preempt", "WestNO_0", "")), Ok(Some(S(25))));
    assert_eq!(heard(&event("Preempt", "WestNO_1", time)), Ok(None));
    assert_eq!(heard(&event("Freeze", "WestNO_0", time)), Ok(None));
    assert_eq!(
        heard(r#"{"DocumentIncarnation": 0, "Events": []}"#),
        Ok(None)
    );
}

/// Answers one request after the other by the rules; returns the address.
fn service(answer: fn(&str, &[String]) -> (u16, &'static str)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut lines = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            let request = lines.next().unwrap_or_default();
            let headers: Vec<String> = lines.map(|line| line.to_lowercase()).collect();
            let (status, body) = answer(&request, &headers);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    address
}

#[test]
fn aws_is_asked_with_a_session_token_and_known_by_it() {
    let address = service(|request, headers| {
        let has = |header: &str| headers.iter().any(|line| line == header);
        match request {
            "PUT /latest/api/token HTTP/1.1"
                if has("x-aws-ec2-metadata-token-ttl-seconds: 21600") =>
            {
                (200, "SECRET")
            }
            "GET /latest/meta-data/spot/instance-action HTTP/1.1"
                if has("x-aws-ec2-metadata-token: secret") =>
            {
                (200, r#"{"action": "stop", "time": "2100-01-01T00:00:00Z"}"#)
            }
            _ => (401, ""),
        }
    });
    let mut heard = watch(Notice::Auto, Some(address));
    let left = heard.blocking_recv().unwrap();
    assert!(left > S(3600), "{left:?}");
}

#[test]
fn google_and_azure_are_known_by_what_they_answer() {
    let google = service(|request, headers| {
        let is_asked = headers.iter().any(|line| line == "metadata-flavor: google");
        match request.contains("/computeMetadata/v1/instance/preempted") && is_asked {
            true => (200, "TRUE"),
            false => (404, ""),
        }
    });
    assert_eq!(
        watch(Notice::Auto, Some(google)).blocking_recv(),
        Some(SHORT_NOTICE)
    );
    let azure = service(|request, headers| {
        let is_asked = headers.iter().any(|line| line == "metadata: true");
        match (request.contains("/compute/name?"), is_asked) {
            (true, true) => (200, "me"),
            (false, true) if request.contains("/metadata/scheduledevents?") => (
                200,
                r#"{"Events": [{"EventType": "Preempt", "Resources": ["me"], "NotBefore": ""}]}"#,
            ),
            _ => (400, ""),
        }
    });
    assert_eq!(
        watch(Notice::Auto, Some(azure)).blocking_recv(),
        Some(SHORT_NOTICE)
    );
}

#[test]
fn where_no_cloud_is_no_notice_comes() {
    let nobody = service(|_, _| (404, ""));
    assert_eq!(watch(Notice::Auto, Some(nobody)).blocking_recv(), None);
    assert_eq!(watch(Notice::None, None).blocking_recv(), None);
}
