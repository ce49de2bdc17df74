//! The two ends of a measurement: a hub that never runs out of tasks, and links that compute nothing.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, LinkConfig, LinkIncoming, Priority, ScanId, TaskFrame, TaskId,
    Transport, Version, WorkerId,
};
use tokio::task::JoinHandle;

/// Bytes of a task's body and of a result.
pub const BODY_BYTES: usize = 200;

const PROTOCOL: Version = Version { major: 1, minor: 0 };

/// Opens a hub with so much backlog.
///
/// # Errors
/// If the transport cannot.
pub async fn open_hub(
    transport: &dyn Transport,
    backlog: usize,
) -> Result<(Arc<dyn Hub>, HubInbox)> {
    let config = HubConfig {
        scan: ScanId(1),
        protocol: PROTOCOL,
        welcome: Bytes::new(),
        backlog,
        liveness: Duration::from_secs(30),
        lease_term: Duration::from_secs(60),
        payloads: None,
        priority: Priority::default(),
    };
    Ok(transport.open_hub(config).await?)
}

/// Hands over tasks, so many in one call, until the hub ends.
pub fn submit_on(hub: &Arc<dyn Hub>, n_at_once: u64) -> JoinHandle<()> {
    let hub = Arc::clone(hub);
    tokio::spawn(async move {
        let body = Bytes::from(vec![0x5a; BODY_BYTES]);
        let frame = |task| TaskFrame {
            task: TaskId(task),
            body: body.clone(),
            lost_above: 0,
            avoid: vec![],
        };
        let mut first = 0;
        while hub
            .submit((first..first + n_at_once).map(frame).collect())
            .await
            .is_ok()
        {
            first += n_at_once;
        }
    })
}

/// Opens a link that completes every lease with a result of the task's size: at once those that came together,
/// or each after so long.
///
/// # Errors
/// If the transport cannot.
pub async fn work_on(
    transport: &dyn Transport,
    credit: u16,
    task: Option<Duration>,
) -> Result<JoinHandle<()>> {
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: WorkerId::random(),
        credit,
        hello: Bytes::new(),
    };
    let (link, mut inbox) = transport.open_link(config).await?;
    let result = Bytes::from(vec![0xa5; BODY_BYTES]);
    Ok(tokio::spawn(async move {
        while let Some(Ok(incoming)) = inbox.next().await {
            let LinkIncoming::Leased(leases) = incoming else {
                continue;
            };
            let mut settlements = Vec::with_capacity(leases.len());
            for lease in leases {
                settlements.push(lease.completed(result.clone()));
                // A task that takes time is told when it is done.
                if let Some(task) = task {
                    tokio::time::sleep(task).await;
                    if link.settle(std::mem::take(&mut settlements)).await.is_err() {
                        return;
                    }
                }
            }
            if !settlements.is_empty() && link.settle(settlements).await.is_err() {
                return;
            }
        }
    }))
}
