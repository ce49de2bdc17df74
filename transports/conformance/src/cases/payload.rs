//! Payloads travel once, whole, by name.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use skyscan_transport::{MAX_PAYLOAD_BYTES, PayloadId, ScanId, TransportError, backend::Dice};

use super::Case;
use crate::{Site, hub_end::HubEnd, link_end::LinkEnd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "payload::transfers_a_payload_once_per_process",
            clause: "C7",
            alone: false,
            run: |site| Box::pin(transfers_a_payload_once_per_process(site)),
        },
        Case {
            name: "payload::serves_a_late_joiner",
            clause: "C7",
            alone: false,
            run: |site| Box::pin(serves_a_late_joiner(site)),
        },
        Case {
            name: "payload::an_unknown_payload_is_an_error",
            clause: "C7",
            alone: false,
            run: |site| Box::pin(an_unknown_payload_is_an_error(site)),
        },
        Case {
            name: "payload::moves_64_mib",
            clause: "C7",
            alone: false,
            run: |site| Box::pin(moves_64_mib(site)),
        },
        Case {
            name: "payload::refuses_an_oversized_payload",
            clause: "C7",
            alone: false,
            run: |site| Box::pin(refuses_an_oversized_payload(site)),
        },
        Case {
            name: "payload::serves_tasks_while_a_payload_moves",
            clause: "C7",
            alone: false,
            run: |site| Box::pin(serves_tasks_while_a_payload_moves(site)),
        },
    ]
}

const SCAN: ScanId = ScanId(1);

fn noise(n_bytes: usize) -> Bytes {
    let mut dice = Dice::seeded(n_bytes as u64);
    let mut bytes = Vec::with_capacity(n_bytes + 8);
    while bytes.len() < n_bytes {
        bytes.extend_from_slice(&dice.draw().to_le_bytes());
    }
    bytes.truncate(n_bytes);
    bytes.into()
}

async fn transfers_a_payload_once_per_process(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let payload = noise(1_000_000);
    let id = hub.hub.publish(payload.clone()).await?;
    ensure!(id == PayloadId::of(&payload));
    let process = site.link_process().await?;
    let mut links = Vec::new();
    for _ in 0..5 {
        let mut link = LinkEnd::open_at(process.clone(), 1).await?;
        link.hub_up().await?;
        links.push(link);
    }
    let fetched = try_join_all(links.iter().map(|link| link.link.fetch(SCAN, id))).await?;
    ensure!(
        fetched.iter().all(|fetched| *fetched == payload),
        "a payload arrived changed"
    );
    let mut late = LinkEnd::open_at(process.clone(), 1).await?;
    late.hub_up().await?;
    ensure!(late.link.fetch(SCAN, id).await? == payload);
    let n_received = process.traffic().payloads_received;
    ensure!(n_received == 1, "transferred {n_received} times");
    Ok(())
}

async fn serves_a_late_joiner(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let ids = [
        hub.hub.publish(noise(10)).await?,
        hub.hub.publish(noise(0)).await?,
    ];
    tokio::time::sleep(site.liveness()).await;
    let mut link = LinkEnd::open(site, 1).await?;
    link.hub_up().await?;
    ensure!(link.link.fetch(SCAN, ids[0]).await? == noise(10));
    ensure!(link.link.fetch(SCAN, ids[1]).await?.is_empty());
    Ok(())
}

async fn an_unknown_payload_is_an_error(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    link.hub_up().await?;
    let id = PayloadId::of(b"never published");
    let fetched = link.link.fetch(SCAN, id).await;
    ensure!(
        matches!(fetched, Err(TransportError::UnknownPayload(of)) if of == id),
        "{fetched:?}"
    );
    let id = hub.hub.publish(Bytes::from_static(b"published")).await?;
    let fetched = link.link.fetch(ScanId(9), id).await;
    ensure!(
        matches!(fetched, Err(TransportError::UnknownPayload(_))),
        "{fetched:?}"
    );
    Ok(())
}

async fn moves_64_mib(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let payload = noise(64 << 20);
    let id = hub.hub.publish(payload.clone()).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    link.hub_up().await?;
    ensure!(
        link.link.fetch(SCAN, id).await? == payload,
        "the payload arrived changed"
    );
    Ok(())
}

async fn refuses_an_oversized_payload(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let payload = Bytes::from(vec![0; MAX_PAYLOAD_BYTES + 1]);
    let refused = hub.hub.publish(payload).await;
    ensure!(
        matches!(refused, Err(TransportError::FrameTooLarge { .. })),
        "{refused:?}"
    );
    Ok(())
}

async fn serves_tasks_while_a_payload_moves(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let payload = noise(16 << 20);
    let id = hub.hub.publish(payload.clone()).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    link.hub_up().await?;
    hub.submit(0..100).await?;
    let fetcher = link.link.clone();
    let fetch = tokio::spawn(async move { fetcher.fetch(SCAN, id).await });
    for _ in 0..100 {
        link.lease().await?.complete(Bytes::new()).await?;
    }
    hub.outcomes(100).await?;
    ensure!(fetch.await.context("the fetch panicked")?? == payload);
    Ok(())
}
