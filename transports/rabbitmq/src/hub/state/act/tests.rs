use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use skyscan_transport::{
    HubConfig, LinkId, Priority, ScanId, TaskFrame, TaskId, Version, WorkerId,
    backend::{HubQueue, HubQueueOwner, Meters, Side},
};
use skyscan_transport_conformance::Seen;
use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

use super::{Address, FromProcess, HubState, Lane, Outbox};
use crate::{
    hub::budget::{MAX_CREDIT, MAX_LINKS, MAX_PROCESSES, MAX_UNREAD_BYTES},
    wire::Scan,
};

const REJECTED: &str = "skyscan_transport_rejected_messages_total";

struct Nobody;

impl HubQueueOwner for Nobody {
    fn has_room(&self) {}
    fn inbox_dropped(&self) {}
}

const LIVENESS: Duration = Duration::from_secs(10);

fn hub(now: Instant) -> HubState {
    let config = HubConfig {
        scan: ScanId(1),
        protocol: Version { major: 1, minor: 0 },
        welcome: Bytes::new(),
        backlog: 1,
        liveness: LIVENESS,
        lease_term: LIVENESS,
        payloads: None,
        priority: Priority::default(),
    };
    let scan = Scan {
        id: ScanId(1),
        epoch: 1,
    };
    let queue = HubQueue::new(1, Box::new(Nobody));
    let meters = Arc::new(Meters::new("test", Side::Hub));
    let mut hub = HubState::new(scan, config, queue, Arc::new(Notify::new()), meters, now);
    hub.attached = true;
    hub
}

/// A forged frame with the highest session number holds a process up, but no longer than silence
/// is allowed to last.
#[test]
fn the_highest_session_number_locks_nobody_out_for_longer_than_the_liveness() {
    let now = Instant::now();
    let (mut hub, mut outbox) = (hub(now), Outbox::default());
    let from = Address {
        process: 7,
        incarnation: 0,
    };
    let mut says = |hub: &mut HubState, session, at| {
        let lane = Lane {
            session,
            sequence: 1,
            arrived: 0,
            missing: false,
        };
        hub.receive(from, lane, Bytes::new(), at, &mut outbox)
            .expect("it is well formed");
        hub.peers.get(&7).map(|peer| peer.session)
    };
    assert_eq!(says(&mut hub, u32::MAX, now), Some(u32::MAX));
    assert_eq!(says(&mut hub, 1, now), Some(u32::MAX));
    let later = now + LIVENESS + Duration::from_millis(1);
    hub.tick(later, false, &mut Outbox::default());
    assert_eq!(says(&mut hub, 2, later), Some(2));
}

/// The first frame of a process.
fn greets(hub: &mut HubState, process: u64, entries: &[FromProcess], now: Instant) {
    let from = Address {
        process,
        incarnation: 0,
    };
    let lane = Lane {
        session: 1,
        sequence: 1,
        arrived: 0,
        missing: false,
    };
    let mut bytes = BytesMut::new();
    entries.iter().for_each(|entry| entry.put(&mut bytes));
    hub.receive(from, lane, bytes.freeze(), now, &mut Outbox::default())
        .expect("it is well formed");
}

fn link_up(number: usize, credit: u16) -> FromProcess {
    FromProcess::LinkUp {
        link: LinkId(number as u64),
        protocol: Version { major: 1, minor: 0 },
        worker: WorkerId([1; 16]),
        credit,
        hello: Bytes::new(),
    }
}

#[test]
fn a_hub_knows_no_more_processes_than_make_sense() {
    let (seen, _here) = Seen::record();
    let now = Instant::now();
    let mut hub = hub(now);
    for process in 0..MAX_PROCESSES + 3 {
        greets(&mut hub, process as u64, &[], now);
    }
    assert_eq!(hub.peers.len(), MAX_PROCESSES);
    seen.is(REJECTED, "hub", 3).expect("each is counted");
}

#[test]
fn a_hub_knows_no_more_links_than_make_sense_and_leases_none_more_than_that() {
    let (seen, _here) = Seen::record();
    let now = Instant::now();
    let mut hub = hub(now);
    let links: Vec<FromProcess> = (0..MAX_LINKS + 2).map(|n| link_up(n, 1)).collect();
    greets(&mut hub, 1, &links, now);
    assert_eq!(
        (hub.slots.len(), hub.table.credit()),
        (MAX_LINKS, MAX_LINKS)
    );
    seen.is(REJECTED, "hub", 2).expect("each is counted");
    hub.lose(1);
    greets(&mut hub, 2, &[link_up(0, u16::MAX)], now);
    assert_eq!(hub.table.credit(), usize::from(MAX_CREDIT));
    seen.is(REJECTED, "hub", 3).expect("each is counted");
}

#[test]
fn a_process_that_reads_nothing_keeps_no_more_than_its_share_of_the_memory() {
    let (seen, _here) = Seen::record();
    let now = Instant::now();
    let mut hub = hub(now);
    greets(&mut hub, 1, &[link_up(1, MAX_CREDIT)], now);
    let body = Bytes::from(vec![0; 1 << 20]);
    for task in 0..=(MAX_UNREAD_BYTES / body.len()) as u64 {
        let task = TaskFrame {
            task: TaskId(task),
            body: body.clone(),
            lost_above: 0,
            avoid: vec![],
        };
        assert!(hub.table.submit(hub.scan.id, task));
    }
    hub.tick(now, false, &mut Outbox::default());
    assert!(hub.peers[&1].outbound.n_bytes() > MAX_UNREAD_BYTES);
    // It may be about to read.
    hub.tick(now + LIVENESS / 8, false, &mut Outbox::default());
    assert_eq!(hub.peers.len(), 1);
    hub.tick(now + LIVENESS / 3, false, &mut Outbox::default());
    assert!(hub.peers.is_empty());
    seen.is(REJECTED, "hub", 1).expect("it is counted");
}
