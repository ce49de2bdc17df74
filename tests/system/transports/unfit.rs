//! Workers that can never serve the scan that they meet.

use std::time::Duration;

use libtest_mimic::Failed;
use skyscan::protocol::{Message, PROTOCOL, Welcome};
use skyscan::transport;
use skyscan_transport::{HubConfig, ScanId, Version};

use crate::transports::remote::worker_ends;

const RECO: &str = "pandel-mpe";

/// The code that the worker's help promises.
const UNFIT: i32 = 4;

pub(crate) fn other_protocol(url: &str) -> Result<(), Failed> {
    let theirs = Version {
        major: PROTOCOL.major + 1,
        minor: 0,
    };
    ends_with(
        url,
        theirs,
        RECO,
        &format!(
            "skyscan: hub speaks protocol {theirs}, link speaks {PROTOCOL}: run the same release at \
             both ends\n"
        ),
    )
}

pub(crate) fn other_reco(url: &str) -> Result<(), Failed> {
    ends_with(
        url,
        PROTOCOL,
        "no-such-reco",
        &format!(
            "skyscan: the scan asks for reco \"no-such-reco\", this worker runs only {RECO}: start \
             workers that offer it\n"
        ),
    )
}

/// A worker that meets such a scan says this and nothing else.
fn ends_with(url: &str, protocol: Version, reco: &str, expected: &str) -> Result<(), Failed> {
    let welcome = Welcome {
        reco: reco.to_owned(),
        payload: [0; 32],
    };
    let config = HubConfig {
        scan: ScanId(1),
        protocol,
        welcome: welcome.encode().into(),
        backlog: 1,
        liveness: Duration::from_secs(5),
        lease_term: Duration::from_secs(60),
        payloads: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let transport = transport::open(url)?;
        let (hub, _inbox) = transport.open_hub(config).await?;
        let url = url.to_owned();
        let ended = tokio::task::spawn_blocking(move || worker_ends(&url)).await?;
        hub.close().await?;
        ended
    })?;
    let told = String::from_utf8_lossy(&ended.stderr);
    if ended.status.code() != Some(UNFIT) || told != expected || !ended.stdout.is_empty() {
        return Err(format!("{}: {told:?}, not {expected:?}", ended.status).into());
    }
    Ok(())
}
