use std::sync::Arc;

use bytes::BytesMut;
use skyscan_transport::{
    LeaseToken, LinkConfig, Priority, ScanId, TaskId, Version, WorkerId,
    backend::{LinkQueue, LinkQueueOwner},
};
use skyscan_transport_conformance::Seen;
use tokio::time::Duration;

use super::*;
use crate::{
    link::Announcement,
    place::Place,
    process::{Common, Process},
};

const REJECTED: &str = "skyscan_transport_rejected_messages_total";
const PROTOCOL: Version = Version { major: 1, minor: 0 };
const LIVENESS: Duration = Duration::from_secs(10);
const LINK: LinkId = LinkId(1);

struct Nobody;

impl LinkQueueOwner for Nobody {
    fn inbox_dropped(&self) {}
}

fn scan(id: u64) -> Scan {
    let id = ScanId(id);
    Scan { id, epoch: 1 }
}

/// A process whose link has so much credit, and hears these hubs.
fn process(credit: u16, hubs: &[u64]) -> Arc<Process> {
    let place = Place::parse("amqp://host").expect("it is well formed");
    let process = Process::new(place, false, Arc::<Common>::default());
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: WorkerId([1; 16]),
        credit,
        hello: Bytes::new(),
    };
    let queue = LinkQueue::new(Box::new(Nobody));
    process.with(|state, now| {
        let sessions = &mut state.sessions;
        sessions.links.insert(LINK, LinkState::new(config, queue));
        for &hub in hubs {
            let heard = Announcement {
                scan: scan(hub),
                protocol: PROTOCOL,
                liveness: LIVENESS,
                lease_term: LIVENESS,
            };
            let open = sessions.hub_open(heard, &process, now);
            open.expect("there are few");
        }
    });
    process
}

/// Hears leases of a hub, one for each token, in its next frame.
fn leases(
    process: &Arc<Process>,
    hub: u64,
    sequence: u64,
    tokens: std::ops::Range<u64>,
    body: &Bytes,
) {
    let mut entries = BytesMut::new();
    for token in tokens {
        let leased = FromHub::Leased {
            link: LINK,
            token: LeaseToken(token),
            task: TaskId(token),
            attempt: 1,
            avoid: vec![],
            body: body.clone(),
        };
        leased.put(&mut entries);
    }
    hears(process, hub, sequence, entries);
}

fn hears(process: &Arc<Process>, hub: u64, sequence: u64, entries: BytesMut) {
    process.with(|state, now| {
        let sessions = &mut state.sessions;
        let serving = sessions.hubs[&ScanId(hub)].serving.as_ref();
        let lane = Lane {
            session: serving.expect("it is served").session,
            sequence,
            arrived: 0,
            missing: false,
        };
        let meters = &process.told.link;
        let heard = sessions.receive(scan(hub), lane, entries.freeze(), meters, now);
        heard.expect("it is well formed");
    });
}

fn link<T>(process: &Process, look: impl Fn(&LinkState) -> T) -> T {
    process.with(|state, _| look(state.sessions.links.get(LINK).expect("it is open")))
}

#[test]
fn a_link_holds_no_more_of_a_hub_than_twice_its_credit_and_a_few() {
    let (seen, _here) = Seen::record();
    let process = process(2, &[1]);
    leases(&process, 1, 1, 0..50, &Bytes::new());
    let most = 4 + LEASES_BESIDE;
    assert_eq!(link(&process, |link| link.n_held(ScanId(1))), most);
    let n_over = (50 - most) as u64;
    seen.is(REJECTED, "link", n_over).expect("each is counted");
    // The hub has acted on what was given back: none of it makes room for more.
    process.with(|state, now| {
        let (serving, _) = state.sessions.serving(scan(1), 1).expect("it is served");
        serving.reattached(now, scan(1), &mut Default::default());
        assert!(serving.outbound.next().is_some());
    });
    let mut taken = BytesMut::new();
    FromHub::Taken { sequence: 1 }.put(&mut taken);
    hears(&process, 1, 2, taken);
    leases(&process, 1, 3, 50..60, &Bytes::new());
    assert_eq!(link(&process, |link| link.n_held(ScanId(1))), most);
}

#[test]
fn what_waits_for_the_credit_of_a_link_is_bounded_over_all_hubs() {
    let (seen, _here) = Seen::record();
    let hubs: Vec<u64> = (1..=10).collect();
    let process = process(8, &hubs);
    let body = Bytes::from(vec![0; 1 << 20]);
    for &hub in &hubs {
        leases(&process, hub, 1, 0..8, &body);
    }
    // The first hub's fill the credit; of those of the nine others, 64 MiB may wait.
    assert_eq!(link(&process, |link| link.waiting.len()), 64);
    seen.is(REJECTED, "link", 8).expect("each is counted");
    process.with(|state, _| state.sessions.drain(LINK));
    assert_eq!(link(&process, |link| link.waiting.len()), 0);
}

/// A hub says how urgent it is, and that it knows the link.
fn welcome(process: &Arc<Process>, hub: u64, priority: Priority) {
    let mut entries = BytesMut::new();
    let welcome = Bytes::new();
    FromHub::Welcome { priority, welcome }.put(&mut entries);
    FromHub::Known { link: LINK }.put(&mut entries);
    hears(process, hub, 1, entries);
}

#[test]
fn what_waits_is_handed_out_by_priority_and_half_is_kept_free_of_lower_hubs() {
    let (normal, urgent) = (ScanId(1), ScanId(2));
    let process = process(4, &[1, 2]);
    welcome(&process, 1, Priority::NORMAL);
    welcome(&process, 2, Priority::URGENT);
    // Two are handed out at once, which is half of the credit.
    leases(&process, 1, 2, 0..4, &Bytes::new());
    assert_eq!(link(&process, |link| link.waiting.n_of(normal)), 2);
    leases(&process, 2, 2, 0..4, &Bytes::new());
    assert_eq!(link(&process, |link| link.waiting.n_of(urgent)), 2);
    process.with(|state, _| {
        let link = state.sessions.links.get_mut(LINK).expect("it is open");
        let mut next_after = |ended: Option<ScanId>| {
            if let Some(ended) = ended {
                link.let_go(ended);
            }
            link.next_waiting().map(|waiting| waiting.scan.id)
        };
        assert_eq!(next_after(None), None);
        assert_eq!(next_after(Some(normal)), Some(urgent));
        assert_eq!(next_after(Some(urgent)), Some(urgent));
        // One lower lease is out: there is room for another one of that kind, and not for two.
        assert_eq!(next_after(Some(urgent)), Some(normal));
        assert_eq!(next_after(Some(urgent)), None);
        link.up.remove(&urgent);
        link.forget(urgent);
        assert_eq!(
            link.next_waiting().map(|waiting| waiting.scan.id),
            Some(normal)
        );
    });
}
