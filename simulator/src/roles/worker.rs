//! A Worker: comes, works, is killed or asked to stop now and then, and comes back.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::Mutex;
use skyscan::actors::worker::{self, StopWorker, WorkerConfig};
use skyscan::reco::Reco;
use skyscan_transport::backend::Dice;
use tokio::time::{Instant, sleep, sleep_until};

use crate::draft::{Fault, Who};
use crate::fate::Fate;
use crate::history::mix;
use crate::kernel::{SimulatedReco, Workplace};
use crate::process::Garbling;
use crate::world::World;

/// Who ended for a reason of its own is started again after this.
const START_AGAIN: Duration = Duration::from_secs(5);

/// Works for ever.
pub(crate) async fn live(world: Arc<World>, number: usize) {
    sleep(world.draft.workers[number].comes).await;
    let deaths = world.deaths(Who::Worker(number));
    let mut leaves = leaves(&world, number);
    leaves.sort_unstable_by(|a, b| b.cmp(a));
    for n_times in 0.. {
        let fate = world.fate(Who::Worker(number), n_times);
        let next = leaves.last().copied();
        let left = tokio::select! {
            biased;
            () = fate.died() => Left::Died,
            left = work(&world, number, n_times, &fate, next.map(|(at, _)| at)) => left,
        };
        match left {
            Left::Asked => {
                let gone = leaves.pop().map_or(START_AGAIN, |(_, gone)| gone);
                sleep(gone).await;
            }
            Left::Died => {
                let gone = deaths.get(n_times).map_or(START_AGAIN, |(_, gone)| *gone);
                sleep(gone).await;
            }
            Left::Ended => sleep(START_AGAIN).await,
        }
    }
}

enum Left {
    Asked,
    Died,
    Ended,
}

async fn work(
    world: &Arc<World>,
    number: usize,
    n_times: usize,
    fate: &Arc<Fate>,
    leaves: Option<Instant>,
) -> Left {
    let draft = &world.draft.workers[number];
    let process = world.in_zone(draft.relay, Who::Worker(number), fate);
    let process = process.garbling(garbling(world, number));
    let config = config(world, number, n_times, fate);
    fate.history.note(&fate.name, format_args!("comes"));
    let Ok((address, mut ended)) = worker::start(&process, config).await else {
        return Left::Ended;
    };
    let asked = async {
        match leaves {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        _ = &mut ended => {
            fate.history.note(&fate.name, format_args!("ends how=by-itself"));
            return Left::Ended;
        }
        () = asked => {}
    }
    fate.history
        .note(&fate.name, format_args!("is-asked-to-stop"));
    // One that has just ended needs not be asked.
    let _ = address.send(StopWorker).await;
    // That it ends, however it does, is what is waited for.
    let _ = ended.await;
    fate.history
        .note(&fate.name, format_args!("ends how=asked"));
    Left::Asked
}

fn config(world: &Arc<World>, number: usize, n_times: usize, fate: &Arc<Fate>) -> WorkerConfig {
    let draft = &world.draft.workers[number];
    let faults = world.draft.faults.iter();
    let sick = faults.filter_map(|fault| match fault {
        Fault::Sick {
            worker,
            sickness,
            from_task,
        } if *worker == number => Some((*sickness, *from_task)),
        _ => None,
    });
    let seed = mix(world.draft.seed ^ mix(((number as u64) << 32) | n_times as u64));
    let workplace = Arc::new(Workplace {
        fate: Arc::clone(fate),
        seconds_per_pixel: draft.seconds_per_pixel,
        tail: draft.tail,
        sick: sick.collect(),
        n_begun: AtomicU64::new(0),
        dice: Mutex::new(Dice::seeded(seed)),
    });
    let scans = world.draft.scans.iter().enumerate();
    let served = scans.filter(|(scan, _)| Some(*scan) != draft.cannot_serve);
    let recos = served.map(|(scan, asked)| {
        let reco = SimulatedReco {
            name: format!("scan{scan}"),
            landscape: asked.landscape,
            workplace: Arc::clone(&workplace),
        };
        Arc::new(reco) as Arc<dyn Reco>
    });
    WorkerConfig {
        slots: NonZeroU16::new(draft.slots).unwrap_or(NonZeroU16::MIN),
        leases_per_slot: NonZeroU16::new(draft.leases_per_slot).unwrap_or(NonZeroU16::MIN),
        recos: recos.collect(),
    }
}

fn garbling(world: &World, number: usize) -> Option<Garbling> {
    world.draft.faults.iter().find_map(|fault| match fault {
        Fault::Garbles { worker, garbling } if *worker == number => Some(*garbling),
        _ => None,
    })
}

/// When a worker is asked to stop, and how long it is gone then.
fn leaves(world: &World, number: usize) -> Vec<(Instant, Duration)> {
    let faults = world.draft.faults.iter();
    let leaves = faults.filter_map(|fault| match fault {
        Fault::Leave {
            worker,
            at,
            back_after,
        } if *worker == number => Some((world.begun + *at, *back_after)),
        _ => None,
    });
    leaves.collect()
}
