//! What a relay holds ready, keeps to itself, and hands up when it is asked to stop.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use skyscan_transport::{
    Hub, HubConfig, HubInbox, HubIncoming, Lease, Link, LinkConfig, LinkInbox, LinkIncoming,
    Outcome, Priority, Result, ScanId, TaskFrame, TaskId, Traffic, Transport, TransportError,
    Version,
};
use skyscan_transport_memory::MemoryTransport;
use skyscan_transport_relay::{RelayConfig, Relayed, run};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

const PROTOCOL: Version = Version { major: 1, minor: 0 };
const LIVENESS: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_secs(10);

/// A relay between two places in memory, with a hub above.
struct Setting {
    zone: MemoryTransport,
    hub: Arc<dyn Hub>,
    inbox: HubInbox,
    stop: oneshot::Sender<()>,
    relay: JoinHandle<skyscan_transport::Result<Relayed>>,
}

impl Setting {
    async fn new(prefetch: u16) -> Self {
        Self::behind(|above| above, prefetch).await
    }

    /// The same; the relay sees the place above through what this makes of it.
    async fn behind<T: Transport>(seen: impl FnOnce(MemoryTransport) -> T, prefetch: u16) -> Self {
        let (above, zone) = (MemoryTransport::new(), MemoryTransport::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let config = RelayConfig {
            zone: "here".to_owned(),
            protocol: PROTOCOL,
            hello: Bytes::new(),
            liveness: LIVENESS,
            lease_term: 4 * LIVENESS,
            prefetch,
            grace: GRACE,
        };
        let relay = tokio::spawn(run(
            Arc::new(seen(above.process())),
            Arc::new(zone.process()),
            config,
            async {
                let _ = stopped.await;
            },
        ));
        let hub_config = HubConfig {
            scan: ScanId(1),
            protocol: PROTOCOL,
            welcome: Bytes::new(),
            backlog: 1000,
            liveness: LIVENESS,
            lease_term: 4 * LIVENESS,
            payloads: None,
            priority: Priority::default(),
        };
        let (hub, inbox) = above.open_hub(hub_config).await.unwrap();
        let frame = |number| TaskFrame {
            task: TaskId(number),
            body: Bytes::new(),
            lost_above: 0,
            avoid: vec![],
        };
        hub.submit((0..20).map(frame).collect()).await.unwrap();
        Self {
            zone,
            hub,
            inbox,
            stop,
            relay,
        }
    }
}

/// Outcomes that come within a while.
async fn outcomes(inbox: &mut HubInbox) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Ok(Some(incoming)) = timeout(Duration::from_secs(1), inbox.next()).await {
        if let Ok(HubIncoming::Settled(batch)) = incoming {
            outcomes.extend(batch.confirm());
        }
    }
    outcomes
}

/// A link of the zone with its first leases.
async fn worker(
    zone: &MemoryTransport,
    credit: u16,
) -> (
    Arc<dyn skyscan_transport::Link>,
    skyscan_transport::LinkInbox,
    Vec<Lease>,
) {
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: skyscan_transport::WorkerId::random(),
        credit,
        hello: Bytes::new(),
    };
    let (link, mut inbox) = zone.process().open_link(config).await.unwrap();
    let mut held = Vec::new();
    while held.len() < usize::from(credit) {
        if let Some(Ok(LinkIncoming::Leased(leases))) = inbox.next().await {
            held.extend(leases);
        }
    }
    (link, inbox, held)
}

#[tokio::test(start_paused = true)]
async fn holds_as_many_tasks_ready_as_it_was_told() {
    let setting = Setting::new(4).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        setting.hub.purge().await.unwrap(),
        20,
        "without a zone it takes nothing"
    );

    let setting = Setting::new(4).await;
    let _worker = worker(&setting.zone, 3).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(setting.hub.purge().await.unwrap(), 20 - 3 - 4);
}

#[tokio::test(start_paused = true)]
async fn gives_everything_back_when_the_zone_is_empty() {
    let setting = Setting::new(4).await;
    let (link, inbox, held) = worker(&setting.zone, 3).await;
    link.close().await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(setting.hub.purge().await.unwrap(), 20);
    drop((inbox, held));
}

/// What a worker may have been lost by is lost above, too, or nobody could ever count.
#[tokio::test(start_paused = true)]
async fn a_task_is_lost_above_with_the_worker_that_had_it_and_not_when_it_was_given_back() {
    let setting = Setting::new(0).await;
    for (goes, attempt) in [("lost", 1), ("closed", 2), ("lost", 2), ("closed", 3)] {
        let (link, inbox, held) = worker(&setting.zone, 1).await;
        assert_eq!(
            (held[0].key().task, held[0].attempt()),
            (TaskId(0), attempt)
        );
        match goes {
            "lost" => drop(link),
            _ => link.close().await.unwrap(),
        }
        drop((inbox, held));
        sleep(LIVENESS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_keeps_its_term_above_however_long_the_zone_takes() {
    let mut setting = Setting::new(0).await;
    let (link, _inbox, mut held) = worker(&setting.zone, 1).await;
    let lease = held.remove(0);
    for _ in 0..20 {
        sleep(LIVENESS).await;
        lease.renew().await.unwrap();
    }
    let task = lease.key().task;
    lease.complete(Bytes::from_static(b"late")).await.unwrap();
    let outcomes = outcomes(&mut setting.inbox).await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!((outcomes[0].task, outcomes[0].attempt), (task, 1));
    drop(link);
}

#[tokio::test(start_paused = true)]
async fn hands_up_what_was_begun_before_it_leaves() {
    let mut setting = Setting::new(4).await;
    let (_link, _inbox, held) = worker(&setting.zone, 3).await;
    setting.stop.send(()).unwrap();
    sleep(GRACE / 2).await;
    for lease in held {
        lease.complete(Bytes::new()).await.unwrap();
    }
    let relayed = setting.relay.await.unwrap().unwrap();
    assert_eq!((relayed.n_handed_up, relayed.n_lost), (3, 0));
    assert_eq!(outcomes(&mut setting.inbox).await.len(), 3);
    assert_eq!(
        setting.hub.purge().await.unwrap(),
        17,
        "the rest goes to others"
    );
}

#[tokio::test(start_paused = true)]
async fn leaves_in_time_when_the_zone_does_not_finish() {
    let setting = Setting::new(0).await;
    let (_link, _inbox, held) = worker(&setting.zone, 3).await;
    setting.stop.send(()).unwrap();
    let relayed = timeout(GRACE + LIVENESS, setting.relay).await;
    assert_eq!(relayed.unwrap().unwrap().unwrap(), Relayed::default());
    assert_eq!(setting.hub.purge().await.unwrap(), 20, "all goes to others");
    drop(held);
}

/// A place where a hub of another protocol is met first, and one of another wire beside it.
#[derive(Debug)]
struct Foreign(MemoryTransport);

#[async_trait]
impl Transport for Foreign {
    fn name(&self) -> &'static str {
        "foreign"
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        self.0.open_hub(config).await
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        let mismatch = TransportError::ProtocolMismatch {
            hub: Version { major: 9, minor: 0 },
            link: config.protocol,
        };
        let (link, inbox) = self.0.open_link(config).await?;
        let strange = TransportError::WireMismatch {
            transport: "foreign",
            beside_others: true,
            source: "version 9".into(),
        };
        let foreign = stream::iter([Err(mismatch), Err(strange)]);
        Ok((link, foreign.chain(inbox).boxed()))
    }

    fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_of_another_protocol_does_not_end_the_relay() {
    let mut setting = Setting::behind(Foreign, 0).await;
    let (link, _inbox, held) = worker(&setting.zone, 2).await;
    let settlements = held.into_iter().map(|lease| lease.completed(Bytes::new()));
    link.settle(settlements.collect()).await.unwrap();
    assert_eq!(outcomes(&mut setting.inbox).await.len(), 2);
    assert!(!setting.relay.is_finished());
}
