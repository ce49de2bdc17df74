use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::Mutex;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use skyscan_transport::{
    HubConfig, Lease, Link, LinkConfig, LinkInbox, LinkIncoming, Priority, ScanId, Transport,
    WorkerId,
};
use skyscan_transport_memory::MemoryTransport;

use super::super::refiner::{self, Decide};
use super::*;
use crate::event::DetectorDirection;
use crate::protocol::{PROTOCOL, Report, ResultBody};
use crate::reco::PixelRequest;
use crate::scan::StragglerPolicy;
use crate::scan::ledger::Chunking;
use crate::sky::map::fitted;
use crate::sky::{Nside, Pixel};

const MINUTE: Duration = Duration::from_secs(60);

/// Three pixels, and nothing more.
#[derive(Debug)]
struct Three;

impl Decide for Three {
    fn next(&mut self, atlas: &Atlas) -> Vec<Asked> {
        let request = |pixel: Pixel| {
            let direction = DetectorDirection {
                zenith_rad: 1.0,
                azimuth_rad: 0.0,
            };
            let seeds = Vec::new();
            (pixel.into(), PixelRequest { direction, seeds })
        };
        let pixels = Nside::try_from(1).unwrap().pixels().take(3);
        match atlas.is_empty() {
            true => pixels.map(request).collect(),
            false => Vec::new(),
        }
    }
}

/// What was logged.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn line(&self, words: &str) -> Option<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let line = text.lines().find(|line| line.contains(words))?;
        Some(line.to_owned())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A link of a worker with three slots that takes so many tasks, and offers anything.
async fn link(place: &MemoryTransport, worker: u8, credit: u16) -> (Arc<dyn Link>, LinkInbox) {
    link_offering(place, worker, credit, &[]).await
}

async fn link_offering(
    place: &MemoryTransport,
    worker: u8,
    credit: u16,
    recos: &[&str],
) -> (Arc<dyn Link>, LinkInbox) {
    let hello = Hello {
        slots: 3,
        recos: recos.iter().map(|reco| (*reco).to_owned()).collect(),
        build: String::new(),
    };
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: WorkerId([worker; 16]),
        credit,
        hello: hello.encode().into(),
    };
    place.open_link(config).await.unwrap()
}

async fn leases(inbox: &mut LinkInbox, n_leases: usize) -> Vec<Lease> {
    let mut held = Vec::new();
    while held.len() < n_leases {
        if let LinkIncoming::Leased(leases) = inbox.next().await.unwrap().unwrap() {
            held.extend(leases);
        }
    }
    held
}

/// A place where a Scanner has three pixels to hand out, each in a task of its own.
async fn three_pixels() -> (
    MemoryTransport,
    Addr<Scanner>,
    oneshot::Receiver<Result<Scanned, TransportError>>,
) {
    let place = MemoryTransport::new();
    let hub_config = HubConfig {
        scan: ScanId(1),
        protocol: PROTOCOL,
        welcome: Bytes::new(),
        backlog: 100,
        liveness: MINUTE,
        lease_term: MINUTE,
        payloads: None,
        priority: Priority::default(),
    };
    let (hub, inbox) = place.open_hub(hub_config).await.unwrap();
    let one = Chunking::Fixed(NonZeroUsize::MIN);
    let (progress, _watched) = watch::channel(Progress::default());
    let (scanner, end) = start(
        hub,
        inbox,
        refiner::start(Three),
        Ledger::new(one, StragglerPolicy::default()),
        HandOut::default(),
        progress,
        None,
    );
    (place, scanner, end)
}

/// One that offers something else is no reason to keep a task from the only one that can do it: it would
/// be given back for ever by whoever cannot.
#[test]
fn a_task_that_failed_at_the_only_worker_who_helps_goes_there_again() {
    super::super::worker::tests::in_virtual_time(async {
        let (place, scanner, _end) = three_pixels().await;
        scanner.try_send(AskFor("asked".to_owned())).unwrap();
        let (_helps, mut inbox) = link_offering(&place, 0xaa, 3, &["asked"]).await;
        let (_other, _nothing) = link_offering(&place, 0xbb, 3, &["else"]).await;
        for _ in 0..2 {
            let lease = leases(&mut inbox, 1).await.remove(0);
            let result = ResultBody {
                seconds: 1.0,
                report: Report::Failed("dark".to_owned()),
            };
            lease.complete(result.encode().into()).await.unwrap();
        }
        // The second of all that come now is what failed first.
        let again = leases(&mut inbox, 3).await;
        for lease in &again {
            assert!(!lease.avoid().contains(&WorkerId([0xaa; 16])));
        }
    });
}

/// Two pixels are with a worker that hangs and renews its leases, the third waits for a link; another
/// worker is up, and has nothing to do with it.
#[test]
fn a_pixel_that_nothing_comes_of_is_told_with_the_link_that_has_it() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _here = tracing::subscriber::set_default(subscriber);
    super::super::worker::tests::in_virtual_time(async {
        let (place, _scanner, _end) = three_pixels().await;
        let (hangs, mut inbox) = link(&place, 0xaa, 2).await;
        let held = leases(&mut inbox, 2).await;
        let (_listens, _nothing) = link(&place, 0xbb, 0).await;
        let told = loop {
            tokio::time::sleep(MINUTE / 3).await;
            for lease in &held {
                lease.renew().await.unwrap();
            }
            if let Some(told) = log.line("tasks are handed out again") {
                break told;
            }
        };
        let name = format!("link {:x} of worker {}", hangs.id().0, WorkerId([0xaa; 16]));
        for pixel in 0..2 {
            let at = format!("{pixel} of nside 1 (at {name}, for ");
            assert!(told.contains(&at), "{told}");
        }
        assert!(told.contains("2 of nside 1 (waits for a link)"), "{told}");
        assert!(told.contains(&format!("links=\"{name}: 2\"")), "{told}");
        assert!(told.contains("held=2"), "{told}");
        let other = WorkerId([0xbb; 16]).to_string();
        assert!(!told.contains(&other), "{told}");
    });
}

/// Who takes all that it can get, renews it and answers nothing gets each pixel once: the copies go to
/// the worker that has come meanwhile.
#[test]
fn a_copy_goes_to_others_than_those_that_hold_what_it_is_a_copy_of() {
    super::super::worker::tests::in_virtual_time(async {
        let (place, _scanner, mut end) = three_pixels().await;
        let (_hoards, mut hoarded) = link(&place, 0xaa, u16::MAX).await;
        let held = leases(&mut hoarded, 3).await;
        let (works, mut inbox) = link(&place, 0xbb, 1).await;
        let mut renewal = tokio::time::interval(MINUTE / 3);
        let scanned = loop {
            tokio::select! {
                _ = renewal.tick() => {
                    for lease in &held {
                        // Those whose pixels have their outcomes are not renewed.
                        let _ = lease.renew().await;
                    }
                }
                Some(incoming) = inbox.next() => {
                    if let Ok(LinkIncoming::Leased(leases)) = incoming {
                        let fits = leases.into_iter().map(|lease| {
                            let task = TaskBody::decode(lease.body()).unwrap();
                            let fitted = task.requests.iter().map(|_| fitted(1.0));
                            let report = Report::Outcomes(fitted.collect());
                            let result = ResultBody { seconds: 1.0, report };
                            lease.completed(result.encode().into())
                        });
                        works.settle(fits.collect()).await.unwrap();
                    }
                }
                scanned = &mut end => break scanned.unwrap().unwrap(),
            }
        };
        assert!(scanned.complete);
        assert_eq!(scanned.tasks.speculated, 3);
        let more = hoarded.next().now_or_never();
        let is_lease = |next: &_| matches!(next, Some(Some(Ok(LinkIncoming::Leased(_)))));
        assert!(!is_lease(&more), "{more:?}");
    });
}
