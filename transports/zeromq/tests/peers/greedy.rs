//! Peers of a hub that want more than their share.

use std::{fs, time::Duration};

use skyscan_transport_conformance::Seen;
use tokio::time::{Instant, sleep};

use crate::{
    completes_a_task,
    frames::{arrived, beat, chunk, fetch, frame, hello},
    free_port, open_hub,
};

const REJECTED: &str = "skyscan_transport_rejected_messages_total";

/// A payload as long as the chunks of ten processes.
const PAYLOAD_BYTES: usize = 16 << 20;

fn dial(context: &zmq::Context, port: u16) -> zmq::Socket {
    let dealer = context.socket(zmq::DEALER).unwrap();
    dealer.set_linger(0).unwrap();
    dealer.set_rcvtimeo(5000).unwrap();
    dealer.connect(&format!("tcp://127.0.0.1:{port}")).unwrap();
    dealer
}

fn resident_mb() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<usize>().unwrap() / 1024
}

#[tokio::test]
async fn a_frame_of_fetches_costs_its_sender_the_session_and_the_hub_no_memory() {
    let (seen, _here) = Seen::record();
    let port = free_port();
    let url = format!("zmq://127.0.0.1:{port}");
    let (_transport, hub, mut inbox) = open_hub(&url).await;
    let payload = hub.publish(vec![7; PAYLOAD_BYTES].into()).await.unwrap();
    let before = resident_mb();
    let context = zmq::Context::new();
    let peers: Vec<zmq::Socket> = (0..10).map(|_| dial(&context, port)).collect();
    for (number, peer) in peers.iter().enumerate() {
        peer.send(frame(0, &[hello(number as u8)]), 0).unwrap();
        let many = vec![fetch(1, payload.0, 0); 19_000];
        peer.send(frame(1, &many), 0).unwrap();
    }
    seen.wait_above(REJECTED, "hub", 9).await.unwrap();
    completes_a_task(&url, &*hub, &mut inbox).await;
    let more = resident_mb().saturating_sub(before);
    // Other tests of this process have some part in it.
    assert!(more < 150, "the hub holds {more} MB more");
}

#[tokio::test]
async fn no_more_chunks_are_on_their_way_than_their_reader_has_shown_to_read() {
    let port = free_port();
    let (_transport, hub, _inbox) = open_hub(&format!("zmq://127.0.0.1:{port}")).await;
    let payload = hub.publish(vec![7; PAYLOAD_BYTES].into()).await.unwrap();
    let context = zmq::Context::new();
    let peer = dial(&context, port);
    let fetches = (0..20).map(|_| fetch(1, payload.0, 0));
    peer.send(frame(0, &[hello(1)]), 0).unwrap();
    // Terms and hubs come in a frame of their own.
    peer.recv_bytes(0).unwrap();
    peer.send(frame(1, &fetches.collect::<Vec<_>>()), 0)
        .unwrap();
    let next_chunk = || loop {
        let frame = peer.recv_bytes(0).ok()?;
        if let Some(found) = chunk(&frame) {
            return Some(found);
        }
    };
    let first: Vec<u32> = (0..8).map(|_| next_chunk().unwrap().0).collect();
    // Alive, but nothing has arrived: what comes next is a sign of life, and no chunk.
    peer.send(frame(2, &[beat()]), 0).unwrap();
    peer.set_rcvtimeo(5000).unwrap();
    assert_eq!(chunk(&peer.recv_bytes(0).unwrap()), None);
    // The third has arrived, and so have the two before it.
    peer.send(frame(3, &[arrived(first[2])]), 0).unwrap();
    for _ in 0..3 {
        assert_eq!(next_chunk().map(|(_, length)| length), Some(256 << 10));
    }
}

#[tokio::test]
async fn who_sends_rubbish_over_and_over_loses_the_connection() {
    let port = free_port();
    let url = format!("zmq://127.0.0.1:{port}");
    let (_transport, hub, mut inbox) = open_hub(&url).await;
    let context = zmq::Context::new();
    let peer = dial(&context, port);
    peer.monitor(
        "inproc://rubbish",
        i32::from(zmq::SocketEvent::DISCONNECTED.to_raw()),
    )
    .unwrap();
    let lost = context.socket(zmq::PAIR).unwrap();
    lost.connect("inproc://rubbish").unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while lost.poll(zmq::POLLIN, 0).unwrap() == 0 {
        assert!(Instant::now() < until, "the hub goes on listening");
        peer.send("rubbish", 0).unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    completes_a_task(&url, &*hub, &mut inbox).await;
}
