//! What a journal costs, measured; and how long a long one takes to be gone on from.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::HashMap;
use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use libtest_mimic::Failed;
use skyscan::actors::progress::Progress;
use skyscan::actors::refiner::{self, ByPlan};
use skyscan::actors::scanner::{self, HandOut, Recording, StopScan};
use skyscan::event::detector::Detector;
use skyscan::journal::{Asked, Contents, Journal, Note, PixelRow, Record, Results};
use skyscan::protocol::{Hello, Message as _, PROTOCOL, Report, ResultBody, WorkerId};
use skyscan::reco::Problem;
use skyscan::scan::ledger::Chunking;
use skyscan::scan::{Ledger, Plan, StragglerPolicy, Strategy};
use skyscan::sky::Nside;
use skyscan::sky::coordinates::SkyFrame;
use skyscan::sky::map::fitted;
use skyscan::sky::region::RegionMethod;
use skyscan::synthetic::{Recipe, generate};
use skyscan_transport::{
    HubConfig, HubInbox, HubIncoming, LinkConfig, LinkIncoming, Outcome, Priority, Receipts,
    ScanId, SettledBatch, Transport,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::scan::command::empty_folder;

/// How long results come before they count, and how long they count.
const WARM_UP: Duration = Duration::from_secs(2);
const WINDOW: Duration = Duration::from_secs(6);
/// Twice in turns: the better one counts, since others use the machine, too.
const TURNS: usize = 2;

fn asked(nside: u32) -> Result<Asked, Failed> {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e4);
    let strategy = Strategy::Direct { within: None };
    Ok(Asked {
        problem: Problem {
            event: generate(&detector, &recipe),
            detector,
            reco: "test".to_owned(),
            systematics: None,
        },
        plan: Plan::new(strategy, vec![Nside::try_from(nside)?], 4.6)?,
        regions: RegionMethod::Wilks.into(),
        fail_after: NonZeroU32::MIN,
        files_beside: true,
    })
}

/// When each batch came to the Scanner, until it confirms it.
#[derive(Debug, Default)]
struct Stopwatch {
    waiting: Mutex<HashMap<u64, (Instant, SettledBatch)>>,
    waited: Mutex<Vec<Duration>>,
}

impl Receipts for Stopwatch {
    fn confirmed(&self, number: u64, n_outcomes: usize) {
        let waiting = self.waiting.lock().ok();
        if let Some((since, batch)) = waiting.and_then(|mut waiting| waiting.remove(&number)) {
            if let Ok(mut waited) = self.waited.lock() {
                waited.extend(std::iter::repeat_n(since.elapsed(), n_outcomes));
            }
            drop(batch.confirm());
        }
    }

    fn unconfirmed(&self, number: u64, _: Vec<Outcome>) {
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.remove(&number);
        }
    }
}

/// An inbox whose batches are timed.
fn timed(inbox: HubInbox, watch: &Arc<Stopwatch>) -> HubInbox {
    let watch = Arc::clone(watch);
    let mut number = 0;
    let timed = inbox.map(move |incoming| match incoming {
        Ok(HubIncoming::Settled(batch)) => {
            number += 1;
            let outcomes = batch.outcomes().to_vec();
            if let Ok(mut waiting) = watch.waiting.lock() {
                waiting.insert(number, (Instant::now(), batch));
            }
            let receipts: Arc<dyn Receipts> = Arc::<Stopwatch>::clone(&watch);
            Ok(HubIncoming::Settled(SettledBatch::new(
                outcomes, number, receipts,
            )))
        }
        other => other,
    });
    timed.boxed()
}

/// A link that takes so long for each task, and answers at once when it is over.
async fn work(place: Arc<dyn Transport>, takes: Duration) {
    let config = LinkConfig {
        protocol: PROTOCOL,
        credit: 2,
        worker: WorkerId::random(),
        hello: Hello {
            slots: 1,
            recos: vec!["test".to_owned()],
            build: String::new(),
        }
        .encode()
        .into(),
    };
    let Ok((link, mut inbox)) = place.open_link(config).await else {
        return;
    };
    let result = ResultBody {
        seconds: takes.as_secs_f64(),
        report: Report::Outcomes(vec![fitted(1.0)]),
    };
    let result = bytes::Bytes::from(result.encode());
    let mut due = Instant::now();
    while let Some(Ok(incoming)) = inbox.next().await {
        let LinkIncoming::Leased(leases) = incoming else {
            continue;
        };
        for lease in leases {
            // One slot: the next one begins when this one was due.
            due = (due + takes).max(Instant::now() - takes);
            tokio::time::sleep_until(due).await;
            let _ = link.settle(vec![lease.completed(result.clone())]).await;
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    per_s: f64,
    p99_ms: f64,
}

/// A hub of which no worker is lost while something is measured.
fn hub() -> HubConfig {
    HubConfig {
        scan: ScanId(1),
        protocol: PROTOCOL,
        welcome: Vec::new().into(),
        backlog: 65_536,
        liveness: Duration::from_secs(60),
        lease_term: Duration::from_secs(60),
        payloads: None,
        priority: Priority::default(),
    }
}

/// Accepts results for a while.
async fn measure(
    n_links: u32,
    rate: u32,
    journal: Option<(Journal, Contents)>,
) -> Result<Measured, Failed> {
    let asked = asked(256)?;
    let place = skyscan::transport::open("memory:", &skyscan::transport::Access::default())?;
    let (hub, inbox) = place.open_hub(hub()).await?;
    let watch = Arc::new(Stopwatch::default());
    let frame = SkyFrame::new(asked.problem.event.mjd, &asked.problem.detector.site);
    let mut ledger = Ledger::new(
        Chunking::Fixed(NonZeroUsize::MIN),
        StragglerPolicy::default(),
    );
    let mut recording = None;
    if let Some((journal, contents)) = journal {
        ledger = ledger.going_on(journal.first_task(), contents.counts, 0.0);
        recording = Some(Recording {
            path: journal.path().to_path_buf(),
            record: Record::start(journal, "memory")?,
            known: contents.atlas,
            n_waves: contents.n_waves,
        });
    }
    let (progress, watched) = watch::channel(Progress::default());
    let plan = asked.plan;
    let (scanner, scanned) = scanner::start(
        hub,
        timed(inbox, &watch),
        refiner::start(ByPlan {
            plan,
            frame,
            n_systematics: 0,
        }),
        ledger,
        HandOut::default(),
        progress,
        recording,
    );
    let takes = Duration::from_secs_f64(f64::from(n_links) / f64::from(rate));
    let links: Vec<_> = (0..n_links)
        .map(|_| actix::spawn(work(Arc::clone(&place), takes)))
        .collect();
    sleep(WARM_UP).await;
    let accepted = || watched.borrow().tasks.accepted;
    let (before, begun) = (accepted(), Instant::now());
    if let Ok(mut waited) = watch.waited.lock() {
        waited.clear();
    }
    sleep(WINDOW).await;
    let per_s = (accepted() - before) as f64 / begun.elapsed().as_secs_f64();
    let mut waited = watch.waited.lock().map_err(|_| "poisoned")?.clone();
    waited.sort_unstable();
    let p99 = waited.get(waited.len() * 99 / 100).copied();
    scanner.send(StopScan).await?;
    let _ = timeout(WINDOW, scanned).await;
    links.iter().for_each(|link| link.abort());
    Ok(Measured {
        per_s,
        p99_ms: p99.unwrap_or_default().as_secs_f64() * 1e3,
    })
}

/// What it takes to sync a little at this place, the median and the 99th of a hundred.
fn sync_ms(folder: &Path) -> Result<[f64; 2], Failed> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[1; 4096])?;
        let begun = std::time::Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok([100, 198].map(|at| times[at].as_secs_f64() * 1e3))
}

pub(super) fn beside_a_scan_without() -> Result<(), Failed> {
    let folder = empty_folder("journal-cost")?;
    let [median, worst] = sync_ms(&folder)?;
    println!("a sync of 4 KiB here: {median:.1} ms, 99 % below {worst:.1} ms");
    println!(
        "| links | asked for a second | without: a second, p99 | with: a second, p99 | costs |"
    );
    println!("|---|---|---|---|---|");
    let mut wrong = Vec::new();
    for n_links in [100, 1_000] {
        for rate in [1_000, 10_000, 50_000] {
            let mut best = [Measured::default(); 2];
            for turn in 0..TURNS {
                for (with, best) in best.iter_mut().enumerate() {
                    let path = folder.join(format!("{n_links}-{rate}-{turn}.scan.db"));
                    let journal = match with {
                        0 => None,
                        _ => {
                            drop(Journal::create(&path, &asked(256)?)?);
                            let (journal, contents) = Journal::resume(&path)?;
                            journal.zip(Some(contents))
                        }
                    };
                    let system = actix::System::new();
                    let measured = system.block_on(measure(n_links, rate, journal))?;
                    if measured.per_s > best.per_s {
                        *best = measured;
                    }
                }
            }
            let [without, with] = best;
            // Right after a pause the links may give more than was asked for.
            let reached = without.per_s.min(f64::from(rate));
            let cost = 100.0 * (1.0 - with.per_s / reached);
            println!(
                "| {n_links} | {rate} | {:.0}, {:.2} ms | {:.0}, {:.2} ms | {cost:.1} % |",
                without.per_s, without.p99_ms, with.per_s, with.p99_ms
            );
            // Of a machine that others keep busy nothing can be told.
            let is_idle_enough = without.per_s > 0.98 * f64::from(rate);
            if rate <= 10_000 && is_idle_enough && cost > 3.0 {
                wrong.push(format!("{n_links} links at {rate}: {cost:.1} %"));
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("; ").into()),
    }
}

/// Receipts that nobody waits for.
#[derive(Debug)]
struct Nobody;

impl Receipts for Nobody {
    fn confirmed(&self, _: u64, _: usize) {}
    fn unconfirmed(&self, _: u64, _: Vec<Outcome>) {}
}

fn processor_seconds() -> Result<f64, Failed> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let spent = usage.user_time() + usage.system_time();
    Ok(spent.num_microseconds() as f64 / 1e6)
}

/// From the start of a scanner until it hands out again.
pub(super) fn a_million_pixels() -> Result<(), Failed> {
    const N_PIXELS: u64 = 1_000_000;
    /// Of a processor, since others use the machine, too.
    const LIMIT_S: f64 = 5.0;
    let folder = empty_folder("journal-million")?;
    let path = folder.join("million.scan.db");
    let asked = asked(512)?;
    let record = Record::start(Journal::create(&path, &asked)?, "memory")?;
    let nside = asked.plan.rounds()[0];
    let pixels: Vec<_> = nside.pixels().take(N_PIXELS as usize).collect();
    record.put(Note::Wave(nside, nside.n_pixels() as usize));
    for (number, pixels) in pixels.chunks(1000).enumerate() {
        let row = |pixel: &skyscan::sky::Pixel| PixelRow {
            point: (*pixel).into(),
            outcome: fitted(pixel.index as f64),
            task: 1 << 40 | pixel.index,
            attempt: 1,
            worker: WorkerId([1; 16]),
            seconds: 0.1,
        };
        let receipt = SettledBatch::new(Vec::new(), number as u64, Arc::new(Nobody));
        record.put(Note::Results(Results {
            pixels: pixels.iter().map(row).collect(),
            ..Results::new(Some(receipt))
        }));
    }
    let system = actix::System::new();
    system.block_on(record.end(false, "test".to_owned()))?;
    let took = system.block_on(async {
        let begun = Instant::now();
        let spent_before = processor_seconds()?;
        let (journal, contents) = Journal::resume(&path)?;
        let verified = begun.elapsed();
        let journal = journal.ok_or("it is finished")?;
        let frame = SkyFrame::new(asked.problem.event.mjd, &asked.problem.detector.site);
        let recording = Recording {
            path: path.clone(),
            known: contents.atlas,
            n_waves: contents.n_waves,
            record: Record::start(journal, "memory")?,
        };
        let place = skyscan::transport::open("memory:", &skyscan::transport::Access::default())?;
        // Whoever drops it closes the hub.
        let (hub, _unread) = place.open_hub(hub()).await?;
        let inbox: HubInbox = stream::pending().boxed();
        let (progress, mut watched) = watch::channel(Progress::default());
        let plan = asked.plan.clone();
        let (scanner, _scanned) = scanner::start(
            hub,
            inbox,
            refiner::start(ByPlan {
                plan,
                frame,
                n_systematics: 0,
            }),
            Ledger::new(Chunking::USUAL, StragglerPolicy::default()),
            HandOut::default(),
            progress,
            Some(recording),
        );
        let n_out = watched.wait_for(|progress| progress.n_out > 0).await?.n_out;
        let spent_s = processor_seconds()? - spent_before;
        println!(
            "{N_PIXELS} pixels, {} MB: read and checked in {:.2} s, {n_out} tasks out after {:.2} s, of which \
             {spent_s:.2} s of a processor",
            std::fs::metadata(&path)?.len() >> 20,
            verified.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        );
        scanner.send(StopScan).await?;
        Ok::<f64, Failed>(spent_s)
    })?;
    std::fs::remove_dir_all(&folder)?;
    match took <= LIMIT_S {
        true => Ok(()),
        false => Err(format!("it took {took} s of a processor").into()),
    }
}
