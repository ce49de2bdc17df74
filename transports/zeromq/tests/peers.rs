//! Peers that do not keep to the protocol, and places other than TCP.
#![expect(clippy::unwrap_used, reason = "what fails here is the test")]

#[path = "peers/damage.rs"]
mod damage;
#[path = "peers/fake_hub.rs"]
mod fake_hub;
#[path = "peers/frames.rs"]
mod frames;
#[path = "peers/greedy.rs"]
mod greedy;

use std::{io::Write, net::TcpStream, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, HubIncoming, LinkConfig, LinkInbox, LinkIncoming, Priority, ScanId,
    TaskFrame, TaskId, Transport, TransportError, Version,
};
use skyscan_transport_conformance::Seen;
use skyscan_transport_zeromq::ZeromqTransport;
use tokio::time::timeout;

const PROTOCOL: Version = Version { major: 1, minor: 0 };

async fn open_hub(url: &str) -> (ZeromqTransport, Arc<dyn Hub>, HubInbox) {
    let transport = ZeromqTransport::new(url).unwrap();
    let (hub, inbox) = transport.open_hub(hub_config(1)).await.unwrap();
    (transport, hub, inbox)
}

fn hub_config(scan: u64) -> HubConfig {
    HubConfig {
        scan: ScanId(scan),
        protocol: PROTOCOL,
        welcome: Bytes::new(),
        backlog: 100,
        liveness: Duration::from_secs(1),
        lease_term: Duration::from_secs(5),
        payloads: None,
        priority: Priority::default(),
    }
}

/// Moves one task through the hub.
async fn completes_a_task(url: &str, hub: &dyn Hub, inbox: &mut HubInbox) {
    let transport = ZeromqTransport::new(url).unwrap();
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: skyscan_transport::WorkerId::random(),
        credit: 1,
        hello: Bytes::from_static(b"good"),
    };
    let (link, mut leases) = transport.open_link(config).await.unwrap();
    hub.submit(vec![TaskFrame {
        task: TaskId(7),
        body: Bytes::new(),
        lost_above: 0,
        avoid: vec![],
    }])
    .await
    .unwrap();
    let work = async {
        loop {
            if let LinkIncoming::Leased(leased) = leases.next().await.unwrap().unwrap() {
                for lease in leased {
                    lease.complete(Bytes::new()).await.unwrap();
                }
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), work)
        .await
        .expect("the task was leased");
    loop {
        if let HubIncoming::Settled(batch) = inbox.next().await.unwrap().unwrap() {
            assert_eq!(batch.confirm()[0].task, TaskId(7));
            break;
        }
    }
    link.close().await.unwrap();
}

fn free_port() -> u16 {
    skyscan_free_ports::free_port().unwrap()
}

#[tokio::test]
async fn works_over_ipc() {
    let path = std::env::temp_dir().join(format!("skyscan-ipc-{}", std::process::id()));
    let url = format!("zmq+ipc://{}", path.display());
    let (transport, hub, mut inbox) = open_hub(&url).await;
    completes_a_task(&url, &*hub, &mut inbox).await;
    assert!(path.exists());
    hub.close().await.unwrap();
    drop((transport, hub, inbox));
    assert!(!path.exists(), "the socket's file is left");
}

#[tokio::test]
async fn a_socket_that_took_the_place_of_another_stays() {
    let path = std::env::temp_dir().join(format!("skyscan-ipc-heir-{}", std::process::id()));
    let url = format!("zmq+ipc://{}", path.display());
    let first = open_hub(&url).await;
    std::fs::remove_file(&path).unwrap();
    let (_transport, hub, mut inbox) = open_hub(&url).await;
    drop(first);
    completes_a_task(&url, &*hub, &mut inbox).await;
}

#[tokio::test]
async fn a_plain_file_is_neither_bound_nor_deleted() {
    let path = std::env::temp_dir().join(format!("skyscan-ipc-file-{}", std::process::id()));
    std::fs::write(&path, "precious").unwrap();
    let transport = ZeromqTransport::new(&format!("zmq+ipc://{}", path.display())).unwrap();
    let opened = transport.open_hub(hub_config(1)).await;
    let error = opened.map(drop).expect_err("the file is in the way");
    assert!(matches!(&error, TransportError::Backend { source, .. }
        if source.to_string().contains("no socket")));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn two_first_hubs_opened_at_once_share_the_place() {
    let transport = ZeromqTransport::new(&format!("zmq://127.0.0.1:{}", free_port())).unwrap();
    let both = tokio::join!(
        transport.open_hub(hub_config(1)),
        transport.open_hub(hub_config(2))
    );
    let (_first, _second) = (both.0.unwrap(), both.1.unwrap());
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_told_by_its_name() {
    let transport = ZeromqTransport::new("zmq://nowhere.invalid:5555").unwrap();
    let opened = transport.open_hub(hub_config(1)).await;
    let error = opened.map(drop).expect_err("there is no such host");
    assert!(matches!(&error, TransportError::Backend { action, .. }
        if action.contains("look up") && action.contains("nowhere.invalid")));
}

#[tokio::test]
async fn works_over_ipv6() {
    let url = format!("zmq://[::1]:{}", free_port());
    let (_transport, hub, mut inbox) = open_hub(&url).await;
    completes_a_task(&url, &*hub, &mut inbox).await;
}

#[tokio::test]
async fn strangers_change_nothing() {
    let port = free_port();
    let url = format!("zmq://127.0.0.1:{port}");
    let (_transport, hub, mut inbox) = open_hub(&url).await;
    let context = zmq::Context::new();
    let mut number = 1_u64;
    for round in 0..200_usize {
        let dealer = context.socket(zmq::DEALER).unwrap();
        dealer.set_linger(1000).unwrap();
        dealer.connect(&format!("tcp://127.0.0.1:{port}")).unwrap();
        // A true hello first, every other time, so that the rest is read as a session's.
        if round % 2 == 0 {
            let hello = frames::hello(round as u8);
            dealer.send(frames::frame(0, &[hello]), 0).unwrap();
        }
        for sequence in 1_u32..4 {
            let mut records = Vec::new();
            for _ in 0..round {
                number = number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                records.push((number >> 56) as u8 % 48);
            }
            dealer.send(frames::frame(sequence, &[records]), 0).unwrap();
        }
        dealer.send(vec![9; 3], 0).unwrap();
        dealer.send("", 0).unwrap();
    }
    let mut wire = TcpStream::connect(("127.0.0.1", port)).unwrap();
    wire.write_all(&[0xff; 4096]).unwrap();
    completes_a_task(&url, &*hub, &mut inbox).await;
}

#[tokio::test]
async fn a_frame_over_the_limit_costs_only_its_sender() {
    let port = free_port();
    let url = format!("zmq://127.0.0.1:{port}");
    let (_transport, hub, mut inbox) = open_hub(&url).await;
    let context = zmq::Context::new();
    let dealer = context.socket(zmq::DEALER).unwrap();
    dealer.set_linger(0).unwrap();
    dealer.connect(&format!("tcp://127.0.0.1:{port}")).unwrap();
    dealer.send(vec![0; 64 << 20], 0).unwrap();
    completes_a_task(&url, &*hub, &mut inbox).await;
}

#[tokio::test]
async fn a_place_that_is_taken_is_an_error_that_may_pass() {
    let port = free_port();
    let url = format!("zmq://127.0.0.1:{port}");
    let (_transport, _hub, _inbox) = open_hub(&url).await;
    let other = ZeromqTransport::new(&url).unwrap();
    let error = other
        .open_hub(hub_config(2))
        .await
        .map(drop)
        .expect_err("the port is taken");
    assert!(error.is_transient(), "{error:?}");
    assert!(matches!(&error, TransportError::Backend { action, .. } if action.contains("bind")));
}

#[tokio::test]
async fn a_link_that_finds_a_hub_again_tells_so() {
    let (seen, _here) = Seen::record();
    let url = format!("zmq://127.0.0.1:{}", free_port());
    let first = open_hub(&url).await;
    let transport = ZeromqTransport::new(&url).unwrap();
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: skyscan_transport::WorkerId::random(),
        credit: 1,
        hello: Bytes::new(),
    };
    let (_link, mut inbox) = transport.open_link(config).await.unwrap();
    let reconnects = "skyscan_transport_reconnects_total";
    let up = inbox.next().await.unwrap().unwrap();
    assert!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
    seen.wait(reconnects, "link", 0).await.unwrap();
    drop(first);
    let down = inbox.next().await.unwrap().unwrap();
    assert!(matches!(down, LinkIncoming::HubDown { .. }), "{down:?}");
    let _second = open_hub(&url).await;
    let up = inbox.next().await.unwrap().unwrap();
    assert!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
    seen.wait(reconnects, "link", 1).await.unwrap();
}

/// Whoever goes on with a scan finds its whole fleet dialling at once.
#[tokio::test]
async fn a_thousand_links_that_lost_their_hub_are_all_back_at_the_next() {
    const N_LINKS: usize = 1000;
    let url = format!("zmq://127.0.0.1:{}", free_port());
    let first = open_hub(&url).await;
    let own = ZeromqTransport::new(&format!("{url}?connections=own")).unwrap();
    let open = |_| {
        own.open_link(LinkConfig {
            protocol: PROTOCOL,
            worker: skyscan_transport::WorkerId::random(),
            credit: 1,
            hello: Bytes::new(),
        })
    };
    let links = futures::future::try_join_all((0..N_LINKS).map(open));
    let (_links, mut inboxes): (Vec<_>, Vec<_>) = links.await.unwrap().into_iter().unzip();
    all_hear(&mut inboxes, |it| matches!(it, LinkIncoming::HubUp { .. })).await;
    drop(first);
    all_hear(&mut inboxes, |it| {
        matches!(it, LinkIncoming::HubDown { .. })
    })
    .await;
    let (_transport, _hub, mut inbox) = open_hub(&url).await;
    let mut n_up = 0;
    while n_up < N_LINKS {
        match inbox.next().await.unwrap().unwrap() {
            HubIncoming::LinkUp { .. } => n_up += 1,
            other => panic!("{other:?}"),
        }
    }
    all_hear(&mut inboxes, |it| matches!(it, LinkIncoming::HubUp { .. })).await;
}

/// The next that each of these links hears is of this kind.
async fn all_hear(inboxes: &mut [LinkInbox], is_so: fn(&LinkIncoming) -> bool) {
    for inbox in inboxes {
        let incoming = inbox.next().await.unwrap().unwrap();
        assert!(is_so(&incoming), "{incoming:?}");
    }
}
