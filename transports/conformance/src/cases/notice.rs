//! Notices reach whoever is up.

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::ScanId;
use tokio::time::timeout;

use super::Case;
use crate::{Site, hub_end::HubEnd, link_end::LinkEnd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "notice::reaches_every_live_link",
            clause: "C8",
            alone: false,
            run: |site| Box::pin(reaches_every_live_link(site)),
        },
        Case {
            name: "notice::a_lost_link_does_not_block_a_broadcast",
            clause: "C8",
            alone: false,
            run: |site| Box::pin(a_lost_link_does_not_block_a_broadcast(site)),
        },
    ]
}

async fn reaches_every_live_link(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut links = vec![
        LinkEnd::open_at(process.clone(), 1).await?,
        LinkEnd::open_at(process, 1).await?,
        LinkEnd::open(site, 1).await?,
    ];
    for link in &mut links {
        link.hub_up().await?;
    }
    hub.hub.broadcast(Bytes::from_static(b"pause")).await?;
    for link in &mut links {
        ensure!(link.notice().await? == (ScanId(1), Bytes::from_static(b"pause")));
    }
    Ok(())
}

async fn a_lost_link_does_not_block_a_broadcast(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut lost = LinkEnd::open_at(process.clone(), 1).await?;
    let mut live = LinkEnd::open(site, 1).await?;
    lost.hub_up().await?;
    live.hub_up().await?;
    site.sever(&process)?;
    for number in 0..200_u32 {
        let notice = Bytes::copy_from_slice(&number.to_le_bytes());
        timeout(site.liveness(), hub.hub.broadcast(notice.clone())).await??;
        ensure!(live.notice().await? == (ScanId(1), notice));
    }
    Ok(())
}
