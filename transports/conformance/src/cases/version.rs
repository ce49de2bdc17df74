//! Peers of different majors never exchange a task.

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{TransportError, Version};

use super::Case;
use crate::{
    Site,
    hub_end::{HubEnd, PROTOCOL},
    link_end::LinkEnd,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "version::refuses_another_major",
            clause: "C12",
            alone: false,
            run: |site| Box::pin(refuses_another_major(site)),
        },
        Case {
            name: "version::refuses_another_major_of_a_late_hub",
            clause: "C12",
            alone: false,
            run: |site| Box::pin(refuses_another_major_of_a_late_hub(site)),
        },
        Case {
            name: "version::ignores_an_unknown_minor",
            clause: "C12",
            alone: false,
            run: |site| Box::pin(ignores_an_unknown_minor(site)),
        },
    ]
}

const NEWER: Version = Version {
    major: PROTOCOL.major + 1,
    minor: 0,
};

async fn refuses_another_major(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    hub.submit([1]).await?;
    let process = site.link_process().await?;
    let mut stranger =
        LinkEnd::open_with(process.clone(), 1, |config| config.protocol = NEWER).await?;
    refused(&mut stranger).await?;
    let ups = hub.ups_within(site.liveness() / 2).await?;
    ensure!(ups.is_empty(), "a stranger came up");
    let mut link = LinkEnd::open_at(process, 1).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    Ok(())
}

async fn refuses_another_major_of_a_late_hub(site: &dyn Site) -> Result<()> {
    let process = site.link_process().await?;
    let mut stranger = LinkEnd::open_with(process, 1, |config| config.protocol = NEWER).await?;
    let hub = HubEnd::open(site).await?;
    hub.submit([1]).await?;
    refused(&mut stranger).await
}

async fn refused(stranger: &mut LinkEnd) -> Result<()> {
    match stranger.error().await? {
        TransportError::ProtocolMismatch { hub, link } => {
            ensure!(hub == PROTOCOL && link == NEWER, "told {hub} and {link}");
            Ok(())
        }
        other => Err(other.into()),
    }
}

async fn ignores_an_unknown_minor(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let minor = PROTOCOL.minor + 9;
    let mut link = LinkEnd::open_with(process, 1, |config| config.protocol.minor = minor).await?;
    hub.submit([1]).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}
