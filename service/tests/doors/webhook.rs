//! Receivers that refuse, hang, redirect and change their minds.

use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use skyscan_service::doors::{Moment, Stop, Tells};
use skyscan_service::leaving::{NotDelivered, Outbox, Outgoing, Secret, Webhook};

use super::receiver::{Receiver, Reply, Request};
use super::{SECRET, SOON, letter, secret, webhook};

fn outgoing() -> Outgoing {
    Outgoing {
        id: "0123abcd".to_owned(),
        scan: "a".to_owned(),
        moment: Moment::Final,
        body: "{\"moment\":\"final\"}".to_owned(),
    }
}

fn hand_over(url: &str) -> Result<(), NotDelivered> {
    let folder = tempfile::tempdir().unwrap();
    webhook(url, folder.path()).hand_over(&outgoing(), &Stop::default())
}

/// Why it was not taken, and how long the receiver wants to be left alone.
fn refusal(replies: impl IntoIterator<Item = Reply>) -> (String, Option<Duration>) {
    let receiver = Receiver::start(replies);
    match hand_over(&receiver.url()).unwrap_err() {
        NotDelivered::Now { why, wait } => (why, wait),
        NotDelivered::Ever(why) => panic!("given up: {why}"),
    }
}

/// What the request says of itself is what was signed with the secret.
pub(crate) fn assert_signed(request: &Request) {
    let signature = request.header("Skyscan-Signature").unwrap();
    let (time, code) = signature.split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{}", request.body).as_bytes());
    let expected = mac.finalize().into_bytes();
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(code, expected);
    assert!(time.parse::<u64>().unwrap() > 1_700_000_000, "{time}");
}

#[test]
fn a_letter_is_signed_and_named() {
    let receiver = Receiver::start([]);
    let url = receiver.url().replace("http://", "http://me:p%40ss@");
    hand_over(&url).unwrap();
    let request = receiver.requests().remove(0);
    assert_signed(&request);
    assert_eq!(request.body, outgoing().body);
    assert_eq!(request.header("Skyscan-Delivery"), Some("0123abcd"));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    // "me:p@ss".
    assert_eq!(request.header("Authorization"), Some("Basic bWU6cEBzcw=="));
}

#[test]
fn what_a_receiver_answers_is_told() {
    let answer = Reply::Answer(500, "", "no \x1b[1mroom".to_owned());
    let (why, wait) = refusal([answer]);
    assert!(
        why.contains("500") && why.contains(r#""no \u{1b}[1mroom""#),
        "{why}"
    );
    assert_eq!(wait, None);
    let flood = Reply::Answer(503, "", "x".repeat(10 << 20));
    let (why, _) = refusal([flood]);
    assert!(why.len() < 300, "{why}");
    let (why, _) = refusal([Reply::HangUp]);
    assert!(why.starts_with("http://127.0.0.1:"), "{why}");
}

#[test]
fn a_receiver_that_hangs_is_left() {
    let begun = Instant::now();
    let (why, _) = refusal([Reply::Silence]);
    assert!(why.contains("timeout"), "{why}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Receiver::start([]);
    let location = format!("Location: {}?token=secret\r\n", elsewhere.url());
    let redirect = Reply::Answer(307, location.leak(), String::new());
    let (why, _) = refusal([redirect]);
    assert!(
        why.contains("redirect to 127.0.0.1") && !why.contains("token"),
        "{why}"
    );
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_receiver_may_ask_to_be_left_alone() {
    let after = |header| refusal([Reply::Answer(429, header, String::new())]).1;
    assert_eq!(after("Retry-After: 17\r\n"), Some(Duration::from_secs(17)));
    assert_eq!(after("Retry-After: soon\r\n"), None);
    let past = after("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n");
    assert_eq!(past, Some(Duration::ZERO));
    let future = after("Retry-After: Tue, 31 Dec 2199 23:59:59 GMT\r\n");
    assert!(future.unwrap() > Duration::from_secs(1 << 30), "{future:?}");
}

#[test]
fn a_receiver_that_has_gone_is_not_told_again() {
    let receiver = Receiver::start([Reply::status(410)]);
    let outcome = hand_over(&receiver.url());
    assert!(matches!(outcome, Err(NotDelivered::Ever(why)) if why.contains("410")));
}

#[test]
fn secrets_are_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let port = skyscan_free_ports::free_port().unwrap();
    let url = format!("http://me:password@127.0.0.1:{port}/hook/token?key=token");
    let secret = Secret::read(&secret(folder.path())).unwrap();
    let webhook = Webhook::new(&url, secret, Webhook::PATIENCE).unwrap();
    let shown = format!("http://127.0.0.1:{port}");
    assert_eq!(webhook.shown(), shown);
    assert_eq!(format!("{webhook:?}"), format!("Webhook({shown:?})"));
    let refused = format!("{:?}", hand_over(&url).unwrap_err());
    assert!(refused.contains(&shown), "{refused}");
    assert!(
        !refused.contains("password") && !refused.contains("token"),
        "{refused}"
    );
    for none in [
        "ftp://me:password@host/",
        "password",
        "http:///password",
        "",
    ] {
        let secret = Secret::read(&folder.path().join("secret")).unwrap();
        let refused = Webhook::new(none, secret, Webhook::PATIENCE)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("https://HOST") && !refused.contains("password"),
            "{refused}"
        );
    }
}

#[test]
fn a_letter_comes_until_it_is_taken() {
    let busy = Reply::Answer(429, "Retry-After: 1\r\n", String::new());
    let replies = [Reply::status(500), Reply::HangUp, Reply::status(404), busy];
    let receiver = Receiver::start(replies);
    let folder = tempfile::tempdir().unwrap();
    let doors = folder.path().join("doors.sqlite");
    let outbox = Outbox::open(&doors, vec![webhook(&receiver.url(), folder.path())], SOON).unwrap();
    outbox.tell(letter("a", Moment::Final));
    let requests = receiver.await_requests(5);
    for request in &requests {
        assert_signed(request);
        assert_eq!(request.body, requests[0].body);
        assert_eq!(
            request.header("Skyscan-Delivery"),
            requests[0].header("Skyscan-Delivery")
        );
    }
    let waited = requests[4].at - requests[3].at;
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    super::until(|| outbox.n_waiting() == [("webhook".to_owned(), 0)]);
    drop(outbox);
    assert_eq!(receiver.requests().len(), 5);
}
