use std::sync::{Condvar, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use skyscan_transport::{
    Conclusion, Hub, HubConfig, HubInbox, HubIncoming, LinkId, LinkInbox, Outcome, Priority,
    Settled, TaskFrame, TaskId, Traffic, Version,
};
use skyscan_transport_memory::MemoryTransport;
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::event::DetectorDirection;
use crate::reco::Kernel;
use crate::reco::compute::ComputeKernel;
use crate::reco::{Likelihood, PixelRequest, Problem};
use crate::sky::map::PixelOutcome;

pub(crate) const RECO: &str = "test";

/// Waits with every task, for a word or for so long.
#[derive(Clone, Debug)]
pub(crate) enum Waiting {
    ForWord(Arc<Notify>),
    For(Duration),
}

impl Reco for Waiting {
    fn name(&self) -> &str {
        RECO
    }

    fn prepare(&self, _: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(self.clone()))
    }

    fn prepare_blindly(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(self.clone()))
    }
}

impl Kernel for Waiting {
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        _: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        Box::pin(async move {
            match &*self {
                Self::ForWord(word) => word.notified().await,
                Self::For(time) => tokio::time::sleep(*time).await,
            }
            Ok(requests.iter().map(|_| failed()).collect())
        })
    }
}

pub(crate) fn failed() -> PixelOutcome {
    PixelOutcome::Failed("only a test".to_owned())
}

pub(crate) fn config(slots: u16, reco: impl Reco) -> WorkerConfig {
    WorkerConfig {
        slots: NonZeroU16::new(slots).unwrap(),
        leases_per_slot: LEASES_PER_SLOT,
        recos: vec![Arc::new(reco)],
    }
}

/// A hub whose scan asks for this.
pub(crate) async fn hub(
    place: &dyn Transport,
    scan: u64,
    welcome: Vec<u8>,
    lease_term: Duration,
) -> (Arc<dyn Hub>, HubInbox) {
    hub_of(place, scan, Priority::default(), welcome, lease_term).await
}

/// The same, of another priority.
pub(crate) async fn hub_of(
    place: &dyn Transport,
    scan: u64,
    priority: Priority,
    welcome: Vec<u8>,
    lease_term: Duration,
) -> (Arc<dyn Hub>, HubInbox) {
    let config = HubConfig {
        scan: ScanId(scan),
        protocol: PROTOCOL,
        welcome: welcome.into(),
        backlog: 10_000,
        liveness: Duration::from_secs(15),
        lease_term,
        payloads: None,
        priority,
    };
    let (hub, inbox) = place.open_hub(config).await.unwrap();
    hub.publish(PAYLOAD.into()).await.unwrap();
    (hub, inbox)
}

const PAYLOAD: &[u8] = b"nothing";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn welcome(reco: &str) -> Vec<u8> {
    let welcome = Welcome {
        reco: reco.to_owned(),
        payload: PayloadId::of(PAYLOAD).0,
    };
    welcome.encode()
}

pub(crate) async fn submit(hub: &dyn Hub, n_tasks: u64) {
    submit_from(hub, 0, n_tasks).await;
}

/// Submits so many tasks, numbered from the first one.
pub(crate) async fn submit_from(hub: &dyn Hub, first: u64, n_tasks: u64) {
    let direction = DetectorDirection {
        zenith_rad: 1.0,
        azimuth_rad: 0.0,
    };
    let requests = vec![PixelRequest {
        direction,
        seeds: vec![],
    }];
    let body = TaskBody {
        systematic: 0,
        requests,
        most_attempts: None,
    }
    .encode();
    let frame = |task| TaskFrame {
        task: TaskId(task),
        body: body.clone().into(),
        lost_above: 0,
        avoid: vec![],
    };
    let tasks = first..first + n_tasks;
    hub.submit(tasks.map(frame).collect()).await.unwrap();
}

pub(crate) async fn outcomes(inbox: &mut HubInbox, n_outcomes: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while outcomes.len() < n_outcomes {
        match inbox.next().await.unwrap().unwrap() {
            HubIncoming::Settled(batch) => outcomes.extend(batch.confirm()),
            HubIncoming::LinkUp { .. } | HubIncoming::LinkDown { .. } => {}
        }
    }
    outcomes
}

pub(crate) fn in_virtual_time(test: impl Future<Output = ()>) {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
    };
    actix::System::with_tokio_rt(runtime).block_on(test);
}

#[test]
fn a_scan_that_it_cannot_serve_harms_no_other() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let go = Arc::new(Notify::new());
        let (listener, mut news) = mpsc::unbounded_channel();
        let reco = Waiting::ForWord(Arc::clone(&go));
        let started = start_telling(&place, config(2, reco), Some(listener)).await;
        let (_worker, mut end) = started.unwrap();
        let (typo, mut typos_inbox) = hub(&place, 1, welcome("external:typo"), MINUTE).await;
        let (garbled, _garbled_inbox) = hub(&place, 2, b"garbled".to_vec(), MINUTE).await;
        submit(typo.as_ref(), 100).await;
        submit(garbled.as_ref(), 100).await;
        // Whoever gave it tasks hears that others should have them.
        let turned_down = outcomes(&mut typos_inbox, 2).await;
        let Conclusion::Completed(result) = &turned_down[0].conclusion else {
            panic!("{turned_down:?}");
        };
        let report = ResultBody::decode(result).unwrap().report;
        assert!(matches!(report, Report::NotServed { .. }), "{report:?}");
        let (good, mut inbox) = hub(&place, 3, welcome(RECO), MINUTE).await;
        submit(good.as_ref(), 20).await;
        let helping = async {
            loop {
                go.notify_one();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            done = outcomes(&mut inbox, 20) => assert_eq!(done.len(), 20),
            _ = &mut end => panic!("it left"),
            () = helping => {}
        }
        let told: Vec<News> = std::iter::from_fn(|| news.try_recv().ok()).collect();
        let skips = |scan: u64, words: &str| {
            told.iter().any(|news| {
                matches!(news, News::Skips { scan: Some(id), reason }
                    if *id == ScanId(scan) && reason.contains(words))
            })
        };
        assert!(
            skips(
                1,
                "asks for reco \"external:typo\", this worker runs only test"
            ),
            "{told:?}"
        );
        assert!(skips(2, "failed to decode a welcome"), "{told:?}");
        let serves = News::Serves {
            scan: ScanId(3),
            reco: RECO.to_owned(),
        };
        assert!(told.contains(&serves), "{told:?}");
    });
}

/// The one with the longer term came first, and its renewal is not due for a while.
#[test]
fn a_lease_with_a_shorter_term_is_renewed_in_time() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let go = Arc::new(Notify::new());
        let (_worker, _end) = start(&place, config(2, Waiting::ForWord(Arc::clone(&go))))
            .await
            .unwrap();
        let (slow, mut slow_inbox) = hub(&place, 1, welcome(RECO), MINUTE).await;
        submit(slow.as_ref(), 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (quick, mut quick_inbox) = hub(&place, 2, welcome(RECO), Duration::from_secs(1)).await;
        submit(quick.as_ref(), 1).await;
        tokio::time::sleep(5 * MINUTE).await;
        go.notify_waiters();
        for inbox in [&mut slow_inbox, &mut quick_inbox] {
            let done = outcomes(inbox, 1).await;
            assert_eq!(done[0].attempt, 1);
        }
    });
}

/// Its kernel runs on, as a program that hangs does; the lease is lost and has no term any more. A worker
/// that renewed it all the same would do nothing else: this test would not end.
#[test]
fn a_lease_that_went_with_its_hub_is_not_renewed() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(1, Waiting::ForWord(Arc::default())))
            .await
            .unwrap();
        let (gone, _inbox) = hub(&place, 1, welcome(RECO), MINUTE).await;
        submit(gone.as_ref(), 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        gone.close().await.unwrap();
        tokio::time::sleep(5 * MINUTE).await;
    });
}

/// A link whose broker takes no answer, and a place that has only such links.
#[derive(Debug)]
struct Blocked<T>(T);

#[async_trait]
impl Link for Blocked<Arc<dyn Link>> {
    fn id(&self) -> LinkId {
        self.0.id()
    }

    async fn settle(&self, _: Vec<Settlement>) -> Result<Settled, TransportError> {
        std::future::pending().await
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes, TransportError> {
        self.0.fetch(scan, payload).await
    }

    async fn drain(&self) -> Result<(), TransportError> {
        self.0.drain().await
    }

    async fn close(&self) -> Result<(), TransportError> {
        self.0.close().await
    }
}

#[async_trait]
impl Transport for Blocked<MemoryTransport> {
    fn name(&self) -> &'static str {
        "blocked"
    }

    async fn open_hub(
        &self,
        config: HubConfig,
    ) -> Result<(Arc<dyn Hub>, HubInbox), TransportError> {
        self.0.open_hub(config).await
    }

    async fn open_link(
        &self,
        config: LinkConfig,
    ) -> Result<(Arc<dyn Link>, LinkInbox), TransportError> {
        let (link, inbox) = self.0.open_link(config).await?;
        Ok((Arc::new(Blocked(link)), inbox))
    }

    fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}

#[test]
fn whoever_is_asked_to_stop_leaves_in_time_though_nobody_takes_its_results() {
    in_virtual_time(async {
        let place = Blocked(MemoryTransport::new());
        let go = Arc::new(Notify::new());
        let reco = Waiting::ForWord(Arc::clone(&go));
        let (worker, end) = super::start(&place, config(1, reco)).await.unwrap();
        let (hub, _inbox) = hub(&place.0, 1, welcome(RECO), MINUTE).await;
        submit(hub.as_ref(), 1).await;
        // The task has begun, ends, and its result is never taken.
        tokio::time::sleep(Duration::from_secs(1)).await;
        go.notify_waiters();
        tokio::time::sleep(Duration::from_secs(1)).await;
        worker.send(StopWorker).await.unwrap();
        let left = tokio::time::timeout(Duration::from_secs(2), end).await;
        left.expect("it waits for the broker").unwrap().unwrap();
    });
}

/// A transport whose links hear of some trouble first.
#[derive(Debug)]
pub(crate) struct Troubled {
    place: MemoryTransport,
    trouble: Mutex<Vec<TransportError>>,
}

impl Troubled {
    pub(crate) fn new(trouble: Vec<TransportError>) -> Self {
        Self {
            place: MemoryTransport::new(),
            trouble: Mutex::new(trouble),
        }
    }
}

#[async_trait]
impl Transport for Troubled {
    fn name(&self) -> &'static str {
        "troubled"
    }

    async fn open_hub(
        &self,
        config: HubConfig,
    ) -> Result<(Arc<dyn Hub>, HubInbox), TransportError> {
        self.place.open_hub(config).await
    }

    async fn open_link(
        &self,
        config: LinkConfig,
    ) -> Result<(Arc<dyn Link>, LinkInbox), TransportError> {
        let (link, inbox) = self.place.open_link(config).await?;
        let trouble = std::mem::take(&mut *self.trouble.lock().unwrap());
        let trouble = stream::iter(trouble.into_iter().map(Err));
        Ok((link, trouble.chain(inbox).boxed()))
    }

    fn traffic(&self) -> Traffic {
        self.place.traffic()
    }
}

pub(crate) fn backend(transient: bool) -> TransportError {
    TransportError::Backend {
        transport: "troubled",
        action: "dial".to_owned(),
        transient,
        source: "no route".into(),
    }
}

#[test]
fn passing_trouble_and_foreign_hubs_end_no_worker() {
    in_virtual_time(async {
        let foreign = TransportError::ProtocolMismatch {
            hub: Version { major: 9, minor: 0 },
            link: PROTOCOL,
        };
        let stranger = wire_mismatch(true);
        let place = Troubled::new(vec![backend(true), foreign, stranger]);
        let go = Arc::new(Notify::new());
        go.notify_one();
        let (listener, mut news) = mpsc::unbounded_channel();
        let started = start_telling(&place, config(1, Waiting::ForWord(go)), Some(listener)).await;
        let (_worker, _end) = started.unwrap();
        let (hub, mut inbox) = hub(&place, 1, welcome(RECO), MINUTE).await;
        submit(hub.as_ref(), 1).await;
        outcomes(&mut inbox, 1).await;
        assert!(matches!(news.recv().await, Some(News::Trouble(_))));
        for _ in 0..2 {
            assert!(matches!(
                news.recv().await,
                Some(News::Skips { scan: None, .. })
            ));
        }
    });
}

fn wire_mismatch(beside_others: bool) -> TransportError {
    TransportError::WireMismatch {
        transport: "troubled",
        beside_others,
        source: "version 9".into(),
    }
}

#[test]
fn what_nothing_can_mend_ends_a_worker() {
    in_virtual_time(async {
        for error in [backend(false), wire_mismatch(false)] {
            let expected = error.to_string();
            let place = Troubled::new(vec![error]);
            let waiting = Waiting::ForWord(Arc::default());
            let (_worker, end) = start(&place, config(1, waiting)).await.unwrap();
            let ended = end.await.unwrap().unwrap_err();
            assert_eq!(ended.to_string(), expected);
        }
    });
}

/// Fits nothing before so many threads do it at once.
#[derive(Clone, Debug)]
struct Together {
    n: usize,
    here: Arc<(Mutex<usize>, Condvar)>,
}

impl Likelihood for Together {
    fn fit(&self, _: &PixelRequest) -> PixelOutcome {
        let (n_here, more) = &*self.here;
        let mut n_here = n_here.lock().unwrap();
        *n_here += 1;
        more.notify_all();
        let limit = Duration::from_secs(30);
        let waited = more.wait_timeout_while(n_here, limit, |n_here| *n_here < self.n);
        assert!(!waited.unwrap().1.timed_out(), "too few run at once");
        failed()
    }
}

impl Reco for Together {
    fn name(&self) -> &str {
        RECO
    }

    fn prepare(&self, _: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ComputeKernel(self.clone())))
    }

    fn prepare_blindly(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(ComputeKernel(self.clone())))
    }
}

/// That is how many threads may block in a runtime that nobody asked for more.
#[test]
fn more_than_512_slots_are_all_busy() {
    let slots = NonZeroU16::new(520).unwrap();
    let runtime = move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(crate::actors::blocking_threads(slots))
            .build()
            .unwrap()
    };
    actix::System::with_tokio_rt(runtime).block_on(async {
        let place = MemoryTransport::new();
        let reco = Together {
            n: usize::from(slots.get()),
            here: Arc::default(),
        };
        let (_worker, _end) = start(&place, config(slots.get(), reco)).await.unwrap();
        let (hub, mut inbox) = hub(&place, 1, welcome(RECO), MINUTE).await;
        submit(hub.as_ref(), u64::from(slots.get())).await;
        for outcome in outcomes(&mut inbox, usize::from(slots.get())).await {
            let skyscan_transport::Conclusion::Completed(result) = outcome.conclusion else {
                panic!("{:?}", outcome.conclusion);
            };
            assert!(ResultBody::decode(&result).is_ok());
        }
    });
}
