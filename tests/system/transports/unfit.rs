//! Workers and scans that cannot serve each other harm nobody.

use std::time::Duration;

use libtest_mimic::Failed;
use skyscan::protocol::{Message, PROTOCOL, Welcome};
use skyscan::transport;
use skyscan_transport::{HubConfig, Priority, ScanId, Version};

use crate::transports::remote::{Scan, Scanned, Subject, Typo, Worker, skyscan, worker_gives_up};
use crate::transports::same;

const RECO: &str = "photon-mpe";

/// The code that the worker's help promises.
const UNFIT: i32 = 4;

pub(crate) fn other_protocol(url: &str) -> Result<(), Failed> {
    let theirs = Version {
        major: PROTOCOL.major + 1,
        minor: 0,
    };
    gives_up_with(
        url,
        theirs,
        RECO,
        &format!(
            "skips scan: hub speaks protocol {theirs}, link speaks {PROTOCOL}: run the same release at \
             both ends\n"
        ),
    )
}

pub(crate) fn other_reco(url: &str) -> Result<(), Failed> {
    let recos = skyscan::reco::built_in();
    let names: Vec<&str> = recos.iter().map(|reco| reco.name()).collect();
    let names = names.join(", ");
    gives_up_with(
        url,
        PROTOCOL,
        "no-such-reco",
        &format!(
            "skips scan 00000000: it asks for reco \"no-such-reco\", this worker runs only {names}: \
             start workers that offer it\n"
        ),
    )
}

/// A worker that meets such a scan and no other one until it gives up says so once.
fn gives_up_with(url: &str, protocol: Version, reco: &str, expected: &str) -> Result<(), Failed> {
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
        priority: Priority::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let transport = transport::open(url, &transport::Access::default())?;
        let (hub, _inbox) = transport.open_hub(config).await?;
        let url = url.to_owned();
        let ended = tokio::task::spawn_blocking(move || worker_gives_up(&url, 3)).await?;
        hub.close().await?;
        ended
    })?;
    let told = String::from_utf8_lossy(&ended.stderr);
    let is_told = told.matches(expected).count() == 1 && told.contains("gives up");
    if ended.status.code() != Some(UNFIT) || !is_told || !ended.stdout.is_empty() {
        return Err(format!("{}: {told:?}, not {expected:?}", ended.status).into());
    }
    Ok(())
}

/// Nobody is there at all.
pub(crate) fn nobody_comes(url: &str) -> Result<(), Failed> {
    let ended = worker_gives_up(url, 7)?;
    let told = String::from_utf8_lossy(&ended.stderr);
    let no_scan =
        format!("skyscan: worker: no scan at {url} for 5 s: nobody answers at 127.0.0.1:");
    let gives_up = format!("skyscan: worker: gives up: no scan at {url} for 7 s\n");
    if ended.status.code() != Some(0) || !told.contains(&no_scan) || !told.ends_with(&gives_up) {
        return Err(format!("{}: {told:?}", ended.status).into());
    }
    let unknown = "zmq://no-such-host.invalid:5555";
    let told = worker_gives_up(unknown, 7)?.stderr;
    let told = String::from_utf8_lossy(&told);
    match told.contains("the name in no-such-host.invalid:5555 cannot be resolved") {
        true => Ok(()),
        false => Err(told.into_owned().into()),
    }
}

/// A scan with a typo says what the worker offers and ends at the first Ctrl-C; the worker stays for
/// the next one.
pub(crate) fn a_typo_is_told(url: &str) -> Result<(), Failed> {
    let worker = Worker::start(url)?;
    let mut typo = Typo::start(url)?;
    typo.wait_for(
        "1 worker is here and does not offer external:typo, they offer cascade, linefit, pandel-mpe, \
         photon-mpe, segmented",
    )?;
    typo.interrupt()?;
    let scanned = Scan::start(Subject::Demo, url)?.finish()?;
    same(&scanned, &Subject::Demo.map_in_memory()?)?;
    worker.leave()
}

/// A scan with a typo at the place of another one, which has workers here and elsewhere.
pub(crate) fn a_neighbours_typo_harms_nobody(url: &str) -> Result<(), Failed> {
    let workers = [Worker::start(url)?, Worker::start(url)?];
    let mut typo = Typo::start(url)?;
    typo.wait_for(
        "2 workers are here, none offers external:typo, they offer cascade, linefit, pandel-mpe, \
         photon-mpe, segmented",
    )?;
    let scanned = Scan::start(Subject::Demo, url)?.finish()?;
    same(&scanned, &Subject::Demo.map_in_memory()?)?;
    let with_own = skyscan()
        .args([
            "scan",
            "demo/event.json",
            "--reco",
            "pandel-mpe",
            "--nside",
            "8,64",
            "--format",
            "json",
        ])
        .args(["--workers", "1", "--transport", url])
        .output()?;
    same(
        &Scanned::read(&with_own.stdout)?,
        &Subject::Demo.map_in_memory()?,
    )?;
    typo.interrupt()?;
    workers.into_iter().try_for_each(Worker::leave)
}
