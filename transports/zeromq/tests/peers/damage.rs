//! A wire that flips bits.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    Conclusion, HubIncoming, LinkConfig, LinkIncoming, TaskFrame, TaskId, Transport, WorkerId,
};
use skyscan_transport_conformance::Seen;
use skyscan_transport_zeromq::ZeromqTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    time::timeout,
};

use crate::{PROTOCOL, free_port, open_hub};

const N_TASKS: u64 = 60;

/// Flips one bit in the middle of every eighth piece, long ones only, so that links get a word in.
async fn flip(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf) {
    let mut bytes = vec![0; 64 << 10];
    let mut n_pieces = 0;
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        n_pieces += 1;
        if n_pieces % 8 == 0 && length > 200 {
            bytes[length / 2] ^= 1 << (n_pieces / 8 % 8);
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

async fn flipping_wire(hub_port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", hub_port)).await.unwrap();
            let _unset = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::spawn(flip(near_in, far_out));
            tokio::spawn(flip(far_in, near_out));
        }
    });
    port
}

/// What any worker makes of a task.
fn answer(body: &Bytes) -> Bytes {
    body.iter().rev().copied().collect()
}

#[tokio::test]
async fn a_damaged_result_is_refused_and_its_task_goes_out_again() {
    let (seen, _here) = Seen::record();
    let port = free_port();
    let (_transport, hub, mut inbox) = open_hub(&format!("zmq://127.0.0.1:{port}")).await;
    let wire = flipping_wire(port).await;
    let transport = ZeromqTransport::new(&format!("zmq://127.0.0.1:{wire}")).unwrap();
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: WorkerId::random(),
        credit: 2,
        hello: Bytes::new(),
    };
    let (link, mut leases) = transport.open_link(config).await.unwrap();
    let body = |task: u64| Bytes::from(vec![task as u8; 600]);
    let tasks = (0..N_TASKS).map(|task| TaskFrame {
        task: TaskId(task),
        body: body(task),
        lost_above: 0,
        avoid: Vec::new(),
    });
    hub.submit(tasks.collect()).await.unwrap();
    let work = tokio::spawn(async move {
        while let Some(Ok(incoming)) = leases.next().await {
            if let LinkIncoming::Leased(leased) = incoming {
                let done = leased.into_iter().map(|lease| {
                    let result = answer(lease.body());
                    lease.completed(result)
                });
                link.settle(done.collect()).await.unwrap();
            }
        }
    });
    let mut missing: Vec<u64> = (0..N_TASKS).collect();
    let all = async {
        while !missing.is_empty() {
            if let HubIncoming::Settled(batch) = inbox.next().await.unwrap().unwrap() {
                for outcome in batch.confirm() {
                    let expected = answer(&body(outcome.task.0));
                    assert_eq!(outcome.conclusion, Conclusion::Completed(expected));
                    missing.retain(|&task| task != outcome.task.0);
                }
            }
        }
    };
    timeout(Duration::from_secs(60), all).await.unwrap();
    work.abort();
    let refused = "skyscan_transport_rejected_messages_total";
    assert!(seen.sum(refused, "").unwrap() > 0, "nothing was damaged");
}
