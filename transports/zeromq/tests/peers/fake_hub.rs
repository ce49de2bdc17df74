//! Hubs that are not what they seem: a worker neither ends nor fills up because of them.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    Link, LinkConfig, LinkInbox, LinkIncoming, Transport, TransportError, Version, WorkerId,
};
use skyscan_transport_conformance::Seen;
use skyscan_transport_zeromq::ZeromqTransport;
use tokio::time::timeout;

use crate::{
    PROTOCOL,
    frames::{WIRE, frame, hub_up, lease, terms},
    free_port,
};

const REJECTED: &str = "skyscan_transport_rejected_messages_total";

/// A ROUTER that a link has just said hello to.
struct FakeHub {
    router: zmq::Socket,
    peer: Vec<u8>,
    _link: Arc<dyn Link>,
    inbox: LinkInbox,
}

impl FakeHub {
    async fn greeted(credit: u16) -> Self {
        let port = free_port();
        let router = zmq::Context::new().socket(zmq::ROUTER).unwrap();
        router.set_linger(0).unwrap();
        router.set_rcvtimeo(10_000).unwrap();
        router.bind(&format!("tcp://127.0.0.1:{port}")).unwrap();
        let transport = ZeromqTransport::new(&format!("zmq://127.0.0.1:{port}")).unwrap();
        let config = LinkConfig {
            protocol: PROTOCOL,
            worker: WorkerId::random(),
            credit,
            hello: Bytes::new(),
        };
        let (link, inbox) = transport.open_link(config).await.unwrap();
        let mut parts = router.recv_multipart(0).unwrap();
        Self {
            router,
            peer: parts.swap_remove(0),
            _link: link,
            inbox,
        }
    }

    fn say(&self, frame: Vec<u8>) {
        self.router
            .send_multipart([self.peer.clone(), frame], 0)
            .unwrap();
    }

    async fn next(&mut self) -> Result<LinkIncoming, TransportError> {
        let next = timeout(Duration::from_secs(10), self.inbox.next()).await;
        next.expect("something comes").expect("the inbox goes on")
    }
}

#[tokio::test]
async fn a_link_takes_no_more_leases_than_it_has_credit_for() {
    let (seen, _here) = Seen::record();
    let mut hub = FakeHub::greeted(4).await;
    hub.say(frame(0, &[terms(15_000), hub_up(1, PROTOCOL, b"")]));
    for number in 0..400_u32 {
        let body = vec![0; 100_000];
        hub.say(frame(number + 1, &[lease(1, number.into(), &body)]));
    }
    // Twice the credit, and what may have run out meanwhile.
    seen.wait(REJECTED, "link", 400 - (2 * 4 + 16))
        .await
        .unwrap();
    let mut held = Vec::new();
    while held.len() < 24 {
        if let LinkIncoming::Leased(leases) = hub.next().await.unwrap() {
            held.extend(leases);
        }
    }
    assert_eq!(held.len(), 24);
}

#[tokio::test]
async fn a_link_knows_no_more_hubs_than_make_sense() {
    let (seen, _here) = Seen::record();
    let mut hub = FakeHub::greeted(4).await;
    hub.say(frame(0, &[terms(15_000)]));
    for scan in 0..300 {
        hub.say(frame(scan + 1, &[hub_up(scan.into(), PROTOCOL, b"")]));
    }
    seen.wait(REJECTED, "link", 300 - 256).await.unwrap();
    // Welcomes are bounded together, too: one more of any size is one too many.
    for scan in 0..256 {
        match hub.next().await.unwrap() {
            LinkIncoming::HubUp { scan: found, .. } => assert_eq!(found.0, scan),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_hub_of_another_wire_version_is_told_as_that() {
    let mut hub = FakeHub::greeted(1).await;
    hub.say(b"\x08 whatever follows".to_vec());
    let error = hub.next().await.expect_err("it cannot be served");
    assert!(
        matches!(error, TransportError::WireMismatch { .. }),
        "{error:?}"
    );
    assert!(!error.is_transient());
}

/// It was dialled again at once, thousands of times a second, until there were no files left.
#[tokio::test]
async fn a_hub_that_answers_every_hello_with_nonsense_is_dialled_ever_less_often() {
    let hub = FakeHub::greeted(1).await;
    hub.say(b"\x08 whatever follows".to_vec());
    let begun = Instant::now();
    let mut dialled = BTreeSet::new();
    while begun.elapsed() < Duration::from_secs(2) {
        match hub.router.recv_multipart(zmq::DONTWAIT) {
            Ok(parts) => {
                dialled.insert(parts[0].clone());
                let nonsense = [parts[0].as_slice(), b"\x08 whatever follows"];
                // Who has gone meanwhile is dialled by nobody.
                let _gone = hub.router.send_multipart(nonsense, zmq::DONTWAIT);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
    assert!((2..20).contains(&dialled.len()), "{} times", dialled.len());
}

#[tokio::test]
async fn a_frame_of_another_version_does_not_end_a_session() {
    let (seen, _here) = Seen::record();
    let mut hub = FakeHub::greeted(1).await;
    hub.say(frame(0, &[terms(15_000)]));
    hub.say(b"\x08 whatever follows".to_vec());
    // One flipped bit away from the right version.
    hub.say([WIRE ^ 1, 0, 0].to_vec());
    hub.say(frame(1, &[hub_up(1, PROTOCOL, b"good")]));
    let up = hub.next().await.expect("the session goes on");
    assert!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
    seen.wait(REJECTED, "link", 2).await.unwrap();
}

#[tokio::test]
async fn a_foreign_hub_beside_a_good_one_is_not_served_and_ends_nothing() {
    let (seen, _here) = Seen::record();
    let mut hub = FakeHub::greeted(1).await;
    let foreign = Version {
        major: PROTOCOL.major + 8,
        minor: 0,
    };
    hub.say(frame(
        0,
        &[
            terms(15_000),
            hub_up(1, PROTOCOL, b"good"),
            hub_up(2, foreign, b"foreign"),
            hub_up(1, PROTOCOL, b"forged"),
            lease(1, 7, b"task"),
        ],
    ));
    let up = hub.next().await.unwrap();
    let LinkIncoming::HubUp { welcome, .. } = up else {
        panic!("{up:?}");
    };
    assert_eq!(&*welcome, b"good");
    let leased = hub.next().await.unwrap();
    assert!(matches!(leased, LinkIncoming::Leased(_)), "{leased:?}");
    seen.wait(REJECTED, "link", 2).await.unwrap();
}
