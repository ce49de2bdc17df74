//! A scan in small: a hub, two worker processes, and trouble in the middle.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    HubConfig, HubIncoming, LinkConfig, LinkIncoming, Priority, ScanId, TaskFrame, TaskId,
    Transport, Version,
};
use skyscan_transport_rabbitmq::RabbitmqTransport;
use tokio::{task::JoinHandle, time::sleep};

/// Tasks of the scan.
const N_TASKS: u64 = 2000;

/// How long a task takes.
const SERVICE: Duration = Duration::from_millis(20);

const PROTOCOL: Version = Version { major: 1, minor: 0 };

/// Something that is done to the broker.
pub(crate) type Disturbance<'a> = &'a mut (dyn FnMut() -> Result<()> + Send);

/// What came of a scan.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    pub(crate) n_missing: usize,
    pub(crate) n_doubled: usize,
    /// Links that were taken for lost.
    pub(crate) n_downs: usize,
    /// Outcomes before the trouble.
    pub(crate) n_before: usize,
}

/// What a hub's inbox yielded.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) outcomes: BTreeMap<u64, usize>,
    pub(crate) n_doubled: usize,
    pub(crate) n_downs: usize,
}

impl Counted {
    pub(crate) fn take(&mut self, incoming: HubIncoming) {
        match incoming {
            HubIncoming::LinkUp { .. } => {}
            HubIncoming::LinkDown { .. } => self.n_downs += 1,
            HubIncoming::Settled(batch) => {
                for outcome in batch.confirm() {
                    let count = self.outcomes.entry(outcome.task.0).or_default();
                    *count += 1;
                    self.n_doubled += usize::from(*count > 1);
                }
            }
        }
    }
}

pub(crate) fn hub_config(liveness: Duration) -> HubConfig {
    HubConfig {
        scan: ScanId(1),
        protocol: PROTOCOL,
        welcome: Bytes::new(),
        backlog: 10_000,
        liveness,
        lease_term: Duration::from_secs(600),
        payloads: None,
        priority: Priority::default(),
    }
}

pub(crate) fn link_config(credit: u16) -> LinkConfig {
    LinkConfig {
        protocol: PROTOCOL,
        worker: skyscan_transport::WorkerId::random(),
        credit,
        hello: Bytes::new(),
    }
}

pub(crate) fn frame(number: u64) -> TaskFrame {
    TaskFrame {
        task: TaskId(number),
        body: Bytes::copy_from_slice(&number.to_le_bytes()),
        lost_above: 0,
        avoid: vec![],
    }
}

/// Opens links that complete whatever they are leased, each task after a while.
pub(crate) async fn serve(
    process: &Arc<dyn Transport>,
    n_links: usize,
    service: Duration,
) -> Result<Vec<JoinHandle<()>>> {
    let mut workers = Vec::new();
    for _ in 0..n_links {
        let (link, mut inbox) = process.open_link(link_config(2)).await?;
        workers.push(tokio::spawn(async move {
            while let Some(Ok(incoming)) = inbox.next().await {
                let LinkIncoming::Leased(leases) = incoming else {
                    continue;
                };
                let mut settlements = Vec::new();
                for lease in leases {
                    if !service.is_zero() {
                        sleep(service).await;
                    }
                    let body = lease.body().clone();
                    settlements.push(lease.completed(body));
                }
                if link.settle(settlements).await.is_err() {
                    return;
                }
            }
        }));
    }
    Ok(workers)
}

/// Runs a scan and disturbs the broker while it is under way.
pub(crate) async fn run(
    address: &str,
    liveness: Duration,
    disturb: Disturbance<'_>,
) -> Result<Scanned> {
    let process = RabbitmqTransport::new(address)?;
    let (hub, mut inbox) = process.open_hub(hub_config(liveness)).await?;
    let mut workers = Vec::new();
    let mut processes: Vec<Arc<dyn Transport>> = Vec::new();
    for _ in 0..2 {
        let process: Arc<dyn Transport> = Arc::new(RabbitmqTransport::new(address)?);
        workers.extend(serve(&process, 8, SERVICE).await?);
        processes.push(process);
    }
    hub.submit((0..N_TASKS).map(frame).collect()).await?;
    let mut counted = Counted::default();
    while counted.outcomes.len() < N_TASKS as usize / 10 {
        counted.take(inbox.next().await.context("the inbox ended")??);
    }
    let n_before = counted.outcomes.len();
    // The hub and the workers go on meanwhile on the runtime's other thread.
    tokio::task::block_in_place(disturb)?;
    while counted.outcomes.len() < N_TASKS as usize {
        counted.take(inbox.next().await.context("the inbox ended")??);
    }
    // Whatever comes twice has had time to come.
    let late = tokio::time::timeout(Duration::from_secs(1), async {
        while let Some(Ok(incoming)) = inbox.next().await {
            counted.take(incoming);
        }
    });
    let _over = late.await;
    hub.close().await?;
    workers.iter().for_each(JoinHandle::abort);
    Ok(Scanned {
        n_missing: N_TASKS as usize - counted.outcomes.len(),
        n_doubled: counted.n_doubled,
        n_downs: counted.n_downs,
        n_before,
    })
}
