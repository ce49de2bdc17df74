//! A Scanner with its Refiner: scans, is killed now and then, and goes on from its journal; without one
//! it begins anew.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use skyscan::actors::progress::Progress;
use skyscan::actors::refiner::{self, ByPlan, Decide};
use skyscan::actors::scanner::{self, AskFor, HandOut, Recording, Scanned, StopScan};
use skyscan::journal::Record;
use skyscan::protocol::{Message, PROTOCOL, Welcome};
use skyscan::scan::ledger::Chunking;
use skyscan::scan::{Asked, Atlas, Ledger, Plan, Point, StragglerPolicy, Strategy, TaskCounts};
use skyscan::sky::Pixel;
use skyscan::sky::map::{PixelOutcome, SkyMap};
use skyscan_transport::{HubConfig, PayloadId, Priority, ScanId, Transport, TransportError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::disk::Disk;
use crate::draft::{Fault, ScanDraft, Who};
use crate::fate::Fate;
use crate::history::{listed, mix, outcome_word, pixel_word};
use crate::process::Forgery;
use crate::world::World;

/// What travels; the kernels do not look at it.
const PAYLOAD: &[u8] = b"an event";
/// Numbers of tasks of one Scanner after the other, as in a real journal.
const TASKS_PER_EPOCH_BITS: u32 = 40;
/// What `2 (llh - llh_best)` the region reaches to.
const LEVEL: f64 = 9.0;

/// A plan of a scan.
pub(crate) fn plan(draft: &ScanDraft) -> Plan {
    let strategy = match draft.is_zoom {
        true => Strategy::Zoom,
        false => Strategy::Direct { within: None },
    };
    Plan::new(strategy, draft.rounds.clone(), LEVEL).expect("rounds of drafts rise")
}

/// Scans to the end, however often it dies.
pub(crate) async fn live(world: Arc<World>, number: usize) {
    let who = Who::Scan(number);
    let draft = &world.draft.scans[number];
    sleep(draft.begins).await;
    let faults = world.draft.faults.iter();
    let troubles = faults.filter_map(|fault| match fault {
        Fault::Disk { scan, trouble } if *scan == number => Some(*trouble),
        _ => None,
    });
    let disk_seed = mix(world.draft.seed ^ number as u64);
    let disk = draft.has_journal;
    let real = world.draft.has_files.then(|| plan(draft));
    let disk = disk.then(|| Disk::new(world.begun, disk_seed, troubles.collect(), real));
    let deaths = world.deaths(who);
    for epoch in 1.. {
        let fate = world.fate(who, epoch - 1);
        let scanned = tokio::select! {
            biased;
            () = fate.died() => None,
            scanned = scan(&world, number, epoch, &fate, disk.as_ref()) => Some(scanned),
        };
        match scanned {
            Some(Ok(scanned)) => return tell_end(&fate, &scanned),
            Some(Err(error)) => {
                fate.history
                    .note(&fate.name, format_args!("breaks why={error:?}"));
                return;
            }
            None => {}
        }
        if let Some((_, gone)) = deaths.get(epoch - 1) {
            sleep(*gone).await;
        }
    }
}

async fn scan(
    world: &Arc<World>,
    number: usize,
    epoch: usize,
    fate: &Arc<Fate>,
    disk: Option<&Arc<Disk>>,
) -> Result<Scanned, TransportError> {
    let draft = &world.draft.scans[number];
    let found = disk.map(|disk| disk.found());
    let journal = if found.is_some() { "yes" } else { "no" };
    let known = found.iter().flat_map(|found| words(&found.map));
    let known = listed(known);
    let fail_after = draft.fail_after;
    fate.history.note(
        &fate.name,
        format_args!(
            "begins epoch={epoch} journal={journal} fail_after={fail_after} knows={known}"
        ),
    );
    let process = world.at_top(Who::Scan(number), fate);
    let process = process.forged(forgeries(world, number));
    let reco = format!("scan{number}");
    let welcome = Welcome {
        reco: reco.clone(),
        payload: PayloadId::of(PAYLOAD).0,
    };
    let config = HubConfig {
        scan: ScanId((number as u64 + 1) * 1000 + epoch as u64),
        protocol: PROTOCOL,
        welcome: welcome.encode().into(),
        backlog: skyscan::actors::BACKLOG,
        liveness: world.draft.liveness,
        lease_term: world.draft.lease_term,
        payloads: None,
        priority: Priority::default(),
    };
    let (hub, inbox) = process.open_hub(config).await?;
    hub.publish(PAYLOAD.into()).await?;
    let decide = Told {
        inner: ByPlan {
            plan: plan(draft),
            frame: world.frame,
            n_systematics: 0,
        },
        fate: Arc::clone(fate),
    };
    let chunking = draft.chunk.and_then(NonZeroUsize::new);
    let mut ledger = Ledger::new(
        chunking.map_or(Chunking::USUAL, Chunking::Fixed),
        StragglerPolicy::default(),
    )
    .failing_after(NonZeroU32::new(fail_after).unwrap_or(NonZeroU32::MIN))
    .patient_for(draft.patience);
    let mut recording = None;
    if let (Some(found), Some(disk)) = (found, disk) {
        let first_task = (epoch as u64) << TASKS_PER_EPOCH_BITS;
        ledger = ledger.going_on(first_task, TaskCounts::default(), 0.0);
        let (record, notes) = Record::open();
        actix::spawn(Arc::clone(disk).keep(notes, Arc::clone(fate)));
        recording = Some(Recording {
            record,
            path: PathBuf::from("a disk that is not there"),
            known: found.map.into(),
            n_waves: found.n_waves,
        });
    }
    let (progress, _nobody_watches) = watch::channel(Progress::default());
    let policy = HandOut {
        spare_tasks: draft.spare_tasks,
        window: draft.window,
        ..HandOut::default()
    };
    let partner = refiner::start(decide);
    let (scanner, mut ended) =
        scanner::start(hub, inbox, partner, ledger, policy, progress, recording);
    // A mailbox that is empty takes it.
    let _ = scanner.try_send(AskFor(reco));
    let mut stop = stop(world, number);
    loop {
        let stopped = async {
            match stop {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            scanned = &mut ended => return scanned.unwrap_or(Err(TransportError::Closed)),
            () = stopped => {
                stop = None;
                fate.history.note(&fate.name, format_args!("is-asked-to-stop"));
                // One that has just ended needs not be asked.
                let _ = scanner.send(StopScan).await;
            }
        }
    }
}

fn stop(world: &World, number: usize) -> Option<Instant> {
    world.draft.faults.iter().find_map(|fault| match fault {
        Fault::Stop { scan, at } if *scan == number => Some(world.begun + *at),
        _ => None,
    })
}

fn forgeries(world: &World, number: usize) -> Vec<Forgery> {
    let faults = world.draft.faults.iter();
    let forgeries = faults.filter_map(|fault| match fault {
        Fault::Stranger { scan, forgery } if *scan == number => Some(*forgery),
        _ => None,
    });
    forgeries.collect()
}

fn words(map: &SkyMap) -> Vec<String> {
    let rounds = map.rounds().iter();
    let pixels = rounds.flat_map(|(nside, pixels)| {
        pixels.iter().map(|(index, outcome)| {
            let pixel = Pixel {
                nside: *nside,
                index: *index,
            };
            format!("{}:{}", pixel_word(pixel), outcome_word(outcome))
        })
    });
    pixels.collect()
}

fn tell_end(fate: &Fate, scanned: &Scanned) {
    let TaskCounts {
        planned,
        accepted,
        duplicate,
        failed,
        speculated,
        ahead,
        asked_for,
        ..
    } = scanned.tasks;
    let complete = if scanned.complete { "yes" } else { "no" };
    let how = scanned.ending.name();
    fate.history.note(
        &fate.name,
        format_args!(
            "ends how={how} complete={complete} planned={planned} accepted={accepted} \
             duplicate={duplicate} failed={failed} speculated={speculated} ahead={ahead} asked_for={asked_for} map={}",
            listed(words(&scanned.map).into_iter())
        ),
    );
}

/// Tells what is true of a scan: every pixel of the map that a calm life would end with, found without
/// Scanner, Worker, ledger or transport.
pub(crate) fn tell_truth(world: &World, number: usize) -> usize {
    let draft = &world.draft.scans[number];
    let mut decide = ByPlan {
        plan: plan(draft),
        frame: world.frame,
        n_systematics: 0,
    };
    let mut atlas = Atlas::default();
    loop {
        let wave = decide.next(&atlas);
        if wave.is_empty() {
            break;
        }
        for (point, request) in wave {
            let outcome = match draft.landscape.kills(&request) {
                true => PixelOutcome::Failed("kills".to_owned()),
                false => draft.landscape.outcome(&request),
            };
            atlas.insert(point, outcome);
        }
    }
    let truth = words(&atlas.nominal);
    world.history.note(
        &Who::Scan(number).to_string(),
        format_args!("truth map={}", listed(truth.iter())),
    );
    truth.len()
}

/// Decides as a plan says, and tells what.
#[derive(Debug)]
struct Told {
    inner: ByPlan,
    fate: Arc<Fate>,
}

impl Decide for Told {
    fn next(&mut self, atlas: &Atlas) -> Vec<Asked> {
        let wave = self.inner.next(atlas);
        let history = &self.fate.history;
        for (point, request) in &wave {
            history.name(request.direction, point.pixel);
        }
        if self.fate.lives() {
            let pixels = listed(wave.iter().map(|(point, _)| pixel_word(point.pixel)));
            history.note(&self.fate.name, format_args!("wants pixels={pixels}"));
        }
        wave
    }

    fn can_foresee(&self) -> bool {
        self.inner.can_foresee()
    }

    fn foresee(
        &self,
        atlas: &Atlas,
        running: BTreeMap<Point, PixelOutcome>,
    ) -> Option<Vec<Vec<Asked>>> {
        let likely = self.inner.foresee(atlas, running)?;
        let history = &self.fate.history;
        let asked = || likely.iter().flatten();
        for (point, request) in asked() {
            history.name(request.direction, point.pixel);
        }
        if self.fate.lives() {
            let pixels = listed(asked().map(|(point, _)| pixel_word(point.pixel)));
            history.note(&self.fate.name, format_args!("foresees pixels={pixels}"));
        }
        Some(likely)
    }
}
