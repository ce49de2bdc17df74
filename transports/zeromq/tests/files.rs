//! A hub that runs out of files. A process of its own: the limit is the whole process's.
#![expect(clippy::unwrap_used, reason = "what fails here is the test")]

use std::{
    fs,
    io::{Read, Seek},
    net::TcpStream,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;
use rlimit::Resource;
use skyscan_transport::{
    HubConfig, HubIncoming, LinkConfig, LinkIncoming, Priority, ScanId, Transport, Version,
    WorkerId,
};
use skyscan_transport_conformance::Seen;
use skyscan_transport_zeromq::ZeromqTransport;
use tokio::time::{sleep, timeout};

const PROTOCOL: Version = Version { major: 1, minor: 0 };

/// User and system time of this process, in seconds, read from the open `/proc/self/stat`: there is no
/// file left to open it with.
fn cpu_seconds(open: &mut fs::File) -> f64 {
    let mut stat = String::new();
    open.rewind().unwrap();
    open.read_to_string(&mut stat).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks = fields.skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

/// Files that this process has open; not to be told where none is left to look with.
fn n_files() -> Option<usize> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count())
}

#[tokio::test]
async fn late_workers_join_when_strangers_have_taken_all_files() {
    let (seen, _here) = Seen::record();
    let port = skyscan_free_ports::free_port().unwrap();
    let url = format!("zmq://127.0.0.1:{port}");
    let worker = ZeromqTransport::new(&url).unwrap();
    let mut stat = fs::File::open("/proc/self/stat").unwrap();
    let n_open = n_files().unwrap() as u64;
    // Room for the hub, and for some of the strangers and their ends in this process.
    Resource::NOFILE.set(n_open + 90, n_open + 90).unwrap();
    let config = HubConfig {
        scan: ScanId(1),
        protocol: PROTOCOL,
        welcome: Bytes::new(),
        backlog: 1,
        liveness: Duration::from_secs(10),
        lease_term: Duration::from_secs(5),
        payloads: None,
        priority: Priority::default(),
    };
    let (_hub, mut inbox) = ZeromqTransport::new(&url)
        .unwrap()
        .open_hub(config)
        .await
        .unwrap();
    let (_link, mut leases) = {
        let mut strangers = Vec::new();
        let n_before = n_files().unwrap();
        while let Ok(stranger) = TcpStream::connect(("127.0.0.1", port)) {
            strangers.push(stranger);
            assert!(strangers.len() < 90, "the limit does not hold");
            // Each has two ends here, once the hub has taken it: who is quicker than a busy hub would have
            // all the files. The last one finds none.
            let taken = async {
                while n_files().is_some_and(|n| n < n_before + 2 * strangers.len()) {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            if timeout(Duration::from_secs(2), taken).await.is_err() {
                break;
            }
        }
        // The hub makes room of its own, and nobody spins meanwhile.
        let rejected = "skyscan_transport_rejected_messages_total";
        seen.wait_above(rejected, "hub", 0).await.unwrap();
        let (since, before) = (Instant::now(), cpu_seconds(&mut stat));
        sleep(Duration::from_secs(1)).await;
        let share = (cpu_seconds(&mut stat) - before) / since.elapsed().as_secs_f64();
        assert!(share < 0.3, "{share:.2} of a core is busy");
        // Ends of strangers that are gone from here, so that the worker has files; the hub has none
        // to spare for it but those that it takes from the other strangers.
        strangers.truncate(strangers.len() - 12);
        let config = LinkConfig {
            protocol: PROTOCOL,
            worker: WorkerId::random(),
            credit: 1,
            hello: Bytes::new(),
        };
        let link = worker.open_link(config).await.unwrap();
        let up = timeout(Duration::from_secs(10), inbox.next()).await;
        let up = up.expect("the late worker joins").unwrap().unwrap();
        assert!(matches!(up, HubIncoming::LinkUp { .. }), "{up:?}");
        link
    };
    let up = leases.next().await.unwrap().unwrap();
    assert!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
}
