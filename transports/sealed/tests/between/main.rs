//! Somebody sits on the wire between a worker and its scanner, who knows how sealed streams are framed: what is
//! flipped, left out, repeated, swapped, cut or recorded there delays, and changes nothing.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod intruder;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use skyscan_transport::{
    Conclusion, Hub, HubConfig, HubInbox, HubIncoming, LinkConfig, LinkIncoming, Priority, ScanId,
    TaskFrame, TaskId, Transport, Version, WorkerId,
};
use skyscan_transport_keys::{add_worker, make};
use skyscan_transport_sealed::SealedTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use intruder::{Deed, Intruder};

const N_TASKS: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(180);
const PROTOCOL: Version = Version { major: 1, minor: 0 };
/// Sessions of each kind of harm.
const N_HARMED: usize = 3;

/// A place with a scanner, and its keys.
struct Place {
    keys: tempfile::TempDir,
    port: u16,
    hub: Arc<dyn Hub>,
    inbox: HubInbox,
    _transport: SealedTransport,
}

impl Place {
    async fn open() -> Self {
        let keys = tempfile::tempdir().unwrap();
        make(keys.path()).unwrap();
        let port = skyscan_free_ports::free_port().unwrap();
        let url = format!("zmqs://127.0.0.1:{port}");
        let transport = SealedTransport::new(&url, Some(keys.path())).unwrap();
        let config = HubConfig {
            scan: ScanId(1),
            protocol: PROTOCOL,
            welcome: Bytes::new(),
            backlog: 1000,
            liveness: Duration::from_secs(4),
            lease_term: Duration::from_secs(20),
            payloads: None,
            priority: Priority::default(),
        };
        let (hub, inbox) = transport.open_hub(config).await.unwrap();
        Self {
            keys,
            port,
            hub,
            inbox,
            _transport: transport,
        }
    }

    /// A worker that says of each task what it was, and comes by way of somebody.
    fn worker_by_way_of(&self, port: u16) -> JoinHandle<()> {
        let keys = add_worker(self.keys.path(), "worker").unwrap();
        let url = format!("zmqs://127.0.0.1:{port}");
        let transport = SealedTransport::new(&url, Some(&keys)).unwrap();
        tokio::spawn(async move {
            let config = LinkConfig {
                protocol: PROTOCOL,
                worker: WorkerId::random(),
                credit: 4,
                hello: Bytes::new(),
            };
            let (link, mut inbox) = transport.open_link(config).await.unwrap();
            while let Some(Ok(incoming)) = inbox.next().await {
                let LinkIncoming::Leased(leases) = incoming else {
                    continue;
                };
                for lease in leases {
                    let said = answer(lease.body());
                    // A lease that was lost on the way comes again.
                    let _lost = link.settle(vec![lease.completed(said)]).await;
                }
            }
        })
    }

    async fn submit(&self) {
        let task = |number: u64| TaskFrame {
            task: TaskId(number),
            body: body(number),
            lost_above: 0,
            avoid: vec![],
        };
        let tasks = (0..N_TASKS).map(task).collect();
        self.hub.submit(tasks).await.unwrap();
    }

    /// What came back of each task, once all have.
    async fn results(&mut self) -> BTreeMap<u64, Bytes> {
        let mut results = BTreeMap::new();
        while results.len() < N_TASKS as usize {
            if let HubIncoming::Settled(batch) = self.inbox.next().await.unwrap().unwrap() {
                for outcome in batch.confirm() {
                    if let Conclusion::Completed(result) = outcome.conclusion {
                        results.insert(outcome.task.0, result);
                    }
                }
            }
        }
        results
    }
}

fn body(number: u64) -> Bytes {
    Bytes::from(format!("task {number} ").repeat(40))
}

fn answer(body: &[u8]) -> Bytes {
    [b"seen: ", body].concat().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_a_wire_delays_and_changes_nothing() {
    for deed in [
        Deed::Flip,
        Deed::FlipLength,
        Deed::LeaveOut,
        Deed::Repeat,
        Deed::Swap,
        Deed::Cut,
    ] {
        let mut place = Place::open().await;
        let intruder = Intruder::before(place.port, deed, N_HARMED).await;
        let worker = place.worker_by_way_of(intruder.port);
        place.submit().await;
        let working = async {
            let results = place.results().await;
            // Signs of life go on, and with them what is done to the wire.
            while intruder.n_done() < N_HARMED || intruder.n_sessions() <= N_HARMED {
                tokio::task::yield_now().await;
            }
            results
        };
        let results = timeout(PATIENCE, working).await;
        let results = results.unwrap_or_else(|_| {
            let (n_sessions, n_done) = (intruder.n_sessions(), intruder.n_done());
            panic!("{deed:?}: {n_sessions} sessions, {n_done} harmed, and not all tasks came back")
        });
        for (number, result) in results {
            assert_eq!(result, answer(&body(number)), "{deed:?}: task {number}");
        }
        worker.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_session_that_is_played_again_is_nobodys() {
    let mut place = Place::open().await;
    let intruder = Intruder::before(place.port, Deed::Nothing, 0).await;
    let worker = place.worker_by_way_of(intruder.port);
    place.submit().await;
    timeout(PATIENCE, place.results()).await.unwrap();
    let record = intruder.recorded();
    assert!(record.len() > 10_000, "{} bytes", record.len());
    // While the worker is there, and after it has gone.
    for is_there in [true, false] {
        if !is_there {
            worker.abort();
        }
        let mut stream = TcpStream::connect(("127.0.0.1", place.port)).await.unwrap();
        let (mut from, mut to) = stream.split();
        let mut said = Vec::new();
        // It may be hung up on before the end.
        let playing = to.write_all(&record);
        let hearing = timeout(PATIENCE, from.read_to_end(&mut said));
        let (_, heard) = tokio::join!(playing, hearing);
        let _cut = heard.expect("it was not hung up on");
        // The answer to the first message, which is of no use to whoever has no key, and nothing else.
        assert!(said.len() < 200, "{} bytes were said", said.len());
    }
    // Nobody else has come meanwhile, though the one who was there may have gone.
    while let Some(incoming) = place.inbox.next().now_or_never() {
        assert!(
            !matches!(incoming, Some(Ok(HubIncoming::LinkUp { .. }))),
            "somebody came up"
        );
    }
}
