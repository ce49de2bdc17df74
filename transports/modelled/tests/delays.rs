//! How long things take over a modelled network, and what is counted.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    HubConfig, HubIncoming, Lease, LinkConfig, LinkIncoming, Priority, ScanId, TaskFrame, TaskId,
    Transport, Version,
};
use skyscan_transport_memory::MemoryTransport;
use skyscan_transport_modelled::{
    Boundary, Model, ModelledTransport, Moved, Network, Path, Sizes, StationModel,
};
use tokio::time::Instant;

const VERSION: Version = Version { major: 1, minor: 0 };
const LIVENESS: Duration = Duration::from_secs(15);
const PATH: Path = Path {
    one_way: Duration::from_millis(40),
    bits_per_s: None,
    boundary: Boundary::Region,
};

fn hub_config() -> HubConfig {
    HubConfig {
        scan: ScanId(1),
        protocol: VERSION,
        welcome: Bytes::new(),
        backlog: 100,
        liveness: LIVENESS,
        lease_term: Duration::from_secs(3600),
        payloads: None,
        priority: Priority::default(),
    }
}

fn link_config() -> LinkConfig {
    LinkConfig {
        protocol: VERSION,
        worker: skyscan_transport::WorkerId::random(),
        credit: 1,
        hello: Bytes::new(),
    }
}

fn network(hub: StationModel) -> Arc<Network> {
    Arc::new(Network::new(Model {
        hub,
        broker: None,
        sizes: Sizes {
            frame: 100,
            task: 900,
            result: 400,
        },
        liveness: LIVENESS,
    }))
}

fn process(place: &MemoryTransport, network: &Arc<Network>) -> ModelledTransport {
    ModelledTransport::new(Arc::clone(network), Arc::new(place.process()), PATH)
}

fn task(id: u64) -> TaskFrame {
    TaskFrame {
        task: TaskId(id),
        body: Bytes::new(),
        lost_above: 0,
        avoid: vec![],
    }
}

async fn next_lease(inbox: &mut skyscan_transport::LinkInbox) -> Lease {
    loop {
        if let LinkIncoming::Leased(mut leases) = inbox.next().await.unwrap().unwrap() {
            return leases.remove(0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_takes_its_way_and_the_stations_time() {
    let place = MemoryTransport::new();
    let network = network(StationModel {
        message: Duration::from_millis(2),
        task: Duration::from_millis(3),
        ..StationModel::default()
    });
    let (hub, mut settled) = place.open_hub(hub_config()).await.unwrap();
    let (_link, mut inbox) = process(&place, &network)
        .open_link(link_config())
        .await
        .unwrap();
    inbox.next().await.unwrap().unwrap();
    let before = network.moved(Boundary::Region);

    let begun = Instant::now();
    hub.submit(vec![task(1)]).await.unwrap();
    let lease = next_lease(&mut inbox).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(2 + 3 + 40));
    lease.complete(Bytes::from_static(b"done")).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(45 + 40 + 5 + 40));
    loop {
        if let HubIncoming::Settled(batch) = settled.next().await.unwrap().unwrap() {
            batch.confirm();
            break;
        }
    }
    let after = network.moved(Boundary::Region);
    let moved = (after.messages - before.messages, after.bytes - before.bytes);
    assert_eq!(moved, (2, 1000 + 500));
    assert_eq!(network.moved(Boundary::Zone), Moved::default());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_vanishes_is_missed_after_the_liveness() {
    let place = MemoryTransport::new();
    let network = network(StationModel::default());
    let (hub, _settled) = place.open_hub(hub_config()).await.unwrap();
    let first = process(&place, &network);
    let (link, mut inbox) = first.open_link(link_config()).await.unwrap();
    hub.submit(vec![task(1)]).await.unwrap();
    let lease = next_lease(&mut inbox).await;
    let (_other, mut others) = process(&place, &network)
        .open_link(link_config())
        .await
        .unwrap();

    let gone = Instant::now();
    first.vanish();
    drop((lease, inbox, link));
    let again = next_lease(&mut others).await;
    assert_eq!(again.attempt(), 2);
    assert_eq!(gone.elapsed(), LIVENESS + PATH.one_way);

    // One that goes in order gives back at once.
    let (_last, mut lasts) = process(&place, &network)
        .open_link(link_config())
        .await
        .unwrap();
    lasts.next().await.unwrap().unwrap();
    let given_back = Instant::now();
    again.release().await.unwrap();
    let lease = tokio::select! {
        lease = next_lease(&mut lasts) => lease,
        lease = next_lease(&mut others) => lease,
    };
    assert_eq!(lease.attempt(), 2);
    assert!(given_back.elapsed() <= 3 * PATH.one_way);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_free_connection_waits() {
    let place = MemoryTransport::new();
    let network = network(StationModel {
        connections: Some(1),
        ..StationModel::default()
    });
    let first = process(&place, &network);
    let (link, inbox) = first.open_link(link_config()).await.unwrap();
    let second = process(&place, &network);
    let mut opening = second.open_link(link_config());
    let patience = tokio::time::timeout(Duration::from_secs(3600), &mut opening);
    assert!(patience.await.is_err());
    drop((inbox, link));
    assert!(opening.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn links_of_a_process_share_its_connection() {
    let place = MemoryTransport::new();
    let network = network(StationModel {
        connect: Duration::from_secs(1),
        connections: Some(1),
        ..StationModel::default()
    });
    let relay = process(&place, &network);
    let begun = Instant::now();
    let first = relay.open_link(link_config()).await.unwrap();
    assert_eq!(begun.elapsed(), 3 * PATH.one_way + Duration::from_secs(1));
    // It stands, so nobody waits for it; but the hub has heard of the second one a way later only.
    let stands = Instant::now();
    let (second, mut inbox) = relay.open_link(link_config()).await.unwrap();
    assert_eq!(stands.elapsed(), Duration::ZERO);
    let (_hub, _settled) = place.open_hub(hub_config()).await.unwrap();
    inbox.next().await.unwrap().unwrap();
    assert_eq!(stands.elapsed(), 2 * PATH.one_way);

    // It ends with the last of them.
    let other = process(&place, &network);
    let mut opening = other.open_link(link_config());
    let patience = Duration::from_secs(3600);
    drop(first);
    let waited = tokio::time::timeout(patience, &mut opening).await;
    assert!(waited.is_err());
    drop((second, inbox));
    assert!(opening.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_links_of_a_process_say_at_once_is_one_message() {
    let place = MemoryTransport::new();
    let network = network(StationModel {
        message: Duration::from_millis(20),
        task: Duration::from_millis(1),
        ..StationModel::default()
    });
    let (hub, _settled) = place.open_hub(hub_config()).await.unwrap();
    let relay = process(&place, &network);
    let (_first, mut firsts) = relay.open_link(link_config()).await.unwrap();
    let (_second, mut seconds) = relay.open_link(link_config()).await.unwrap();
    firsts.next().await.unwrap().unwrap();
    seconds.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = network.moved(Boundary::Region);

    let begun = Instant::now();
    hub.submit(vec![task(1), task(2)]).await.unwrap();
    let leases = tokio::join!(next_lease(&mut firsts), next_lease(&mut seconds));
    assert_eq!(begun.elapsed(), Duration::from_millis(20 + 2 + 40));
    let done = Bytes::from_static(b"done");
    let (first, second) = (leases.0.complete(done.clone()), leases.1.complete(done));
    let (first, second) = tokio::join!(first, second);
    first.and(second).unwrap();
    assert_eq!(
        begun.elapsed(),
        Duration::from_millis(62 + 40 + 20 + 2 + 40)
    );
    let after = network.moved(Boundary::Region);
    let moved = (after.messages - before.messages, after.bytes - before.bytes);
    assert_eq!(moved, (2, 100 + 2 * 900 + 100 + 2 * 400));
}
