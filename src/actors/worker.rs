//! The Worker: sits at a link, evaluates what it leases, in as many slots as it has.
//!
//! It serves every scan of its place, one after the other or side by side; one that it can never serve
//! it skips, and no scan waits for another one's hub. Kernels run elsewhere; the actor only keeps the
//! leases: it renews them, settles them in batches, and gives back what it holds when it is asked to stop.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::num::NonZeroU16;
use std::sync::Arc;

use actix::fut::{ActorStreamExt, wrap_stream};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, StreamHandler, WrapFuture,
};
use skyscan_transport::{
    Lease, Link, LinkConfig, LinkIncoming, PayloadId, Priority, ScanId, Settlement, Transport,
    TransportError, WorkerId,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::protocol::{Hello, Message as _, PROTOCOL, Report, ResultBody, TaskBody, Welcome};
use crate::reco::{KernelError, Reco, StopFlag};
use evaluations::{Evaluated, Evaluations};
use meters::{Cause, Meters};
use news::Listener;
pub use news::News;
pub use parting::{LeaveWithin, LoseWorker, StopWorker};
use priorities::Kept;
use renewal::Renewals;
use skipping::shortened;
use tables::Tables;

mod evaluations;
mod meters;
mod news;
mod parting;
mod preparation;
mod priorities;
mod renewal;
mod skipping;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

/// While all slots are busy, one more task for each waits at hand, so that no slot waits for the
/// wire.
pub const LEASES_PER_SLOT: NonZeroU16 = NonZeroU16::new(2).expect("2 is above 0");

/// What a Worker offers.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// How many tasks it evaluates at once.
    pub slots: NonZeroU16,
    /// How many tasks it holds for each slot, the running one included; usually [`LEASES_PER_SLOT`].
    pub leases_per_slot: NonZeroU16,
    /// The reconstructions that it may run.
    pub recos: Vec<Arc<dyn Reco>>,
}

/// Why a Worker ended on its own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The transport is broken for good, or speaks another language.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Where a Worker is reached.
pub type Address = actix::Addr<Worker>;

/// Opens a link and starts a Worker at it. The receiver yields when the Worker has ended.
///
/// # Errors
/// If the transport cannot open a link.
pub async fn start(
    transport: &dyn Transport,
    config: WorkerConfig,
) -> Result<(Address, oneshot::Receiver<Result<(), WorkerError>>), TransportError> {
    start_telling(transport, config, None).await
}

/// The same, for somebody who wants its news.
///
/// # Errors
/// If the transport cannot open a link.
pub async fn start_telling(
    transport: &dyn Transport,
    config: WorkerConfig,
    listener: Option<UnboundedSender<News>>,
) -> Result<(Address, oneshot::Receiver<Result<(), WorkerError>>), TransportError> {
    let hello = Hello {
        slots: config.slots.get(),
        recos: config
            .recos
            .iter()
            .map(|reco| reco.name().to_owned())
            .collect(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let credit = config.slots.saturating_mul(config.leases_per_slot).get();
    let link_config = LinkConfig {
        protocol: PROTOCOL,
        worker: WorkerId::random(),
        credit,
        hello: hello.encode().into(),
    };
    let (link, inbox) = transport.open_link(link_config).await?;
    let (ended, end) = oneshot::channel();
    let address = Worker::create(|context| {
        context.add_stream(inbox);
        let (evaluations, ended_tasks) = Evaluations::new();
        let finishing = wrap_stream(ended_tasks).map(
            |evaluated: Evaluated, actor: &mut Worker, context: &mut Context<Worker>| {
                actor.finish(evaluated);
                actor.fill_slots(context);
            },
        );
        context.spawn(finishing.finish());
        Worker {
            config,
            link,
            news: Listener(listener),
            meters: Meters::new(),
            evaluations,
            scans: HashMap::new(),
            skipped: HashMap::new(),
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            next_run: 0,
            settlements: Vec::new(),
            settling: BTreeSet::new(),
            renewals: Renewals::default(),
            kept: Kept::default(),
            is_stopping: false,
            is_leaving: false,
            ended: Some(ended),
        }
    });
    Ok((address, end))
}

/// A Worker at one link.
#[derive(Debug)]
pub struct Worker {
    config: WorkerConfig,
    link: Arc<dyn Link>,
    news: Listener,
    meters: Meters,
    evaluations: Evaluations,
    scans: HashMap<ScanId, ServedScan>,
    /// Scans that it can never serve, and why.
    skipped: HashMap<ScanId, String>,
    /// Leased and not begun.
    waiting: VecDeque<Lease>,
    /// Leased and being evaluated, by the number of the run.
    running: BTreeMap<u64, Lease>,
    next_run: u64,
    /// Ended and not told to the hub.
    settlements: Vec<Settlement>,
    /// Scans whose hub is being told.
    settling: BTreeSet<ScanId>,
    renewals: Renewals,
    kept: Kept,
    /// Asked to stop: nothing new is begun.
    is_stopping: bool,
    /// Says goodbye: once is enough.
    is_leaving: bool,
    ended: Option<oneshot::Sender<Result<(), WorkerError>>>,
}

/// One scan that the Worker serves.
#[derive(Debug)]
struct ServedScan {
    readiness: Readiness,
    stop: StopFlag,
    priority: Priority,
    /// When it came up, or the last one of its leases came or ended.
    stirred: Instant,
}

#[derive(Clone, Debug)]
enum Readiness {
    /// The payload is on its way, or the kernel is being prepared.
    Preparing,
    Ready(Arc<Tables>),
    /// Every task of the scan is rejected with this reason.
    Unusable(String),
}

impl Actor for Worker {
    type Context = Context<Self>;
}

impl StreamHandler<Result<LinkIncoming, TransportError>> for Worker {
    fn handle(&mut self, item: Result<LinkIncoming, TransportError>, context: &mut Context<Self>) {
        match item {
            Ok(LinkIncoming::HubUp {
                scan,
                welcome,
                priority,
            }) => self.meet(scan, &welcome, priority, context),
            Ok(LinkIncoming::HubDown { scan }) => {
                self.forget(scan);
                self.fill_slots(context);
            }
            Ok(LinkIncoming::Leased(leases)) => {
                let (not_ours, leases): (Vec<Lease>, Vec<Lease>) = leases
                    .into_iter()
                    .partition(|lease| self.skipped.contains_key(&lease.key().scan));
                self.turn_down(not_ours, context);
                self.renew_in_time(&leases, context);
                self.stir_all(&leases);
                self.waiting.extend(leases);
                self.fill_slots(context);
            }
            // Scanners of this version send none; a later minor may.
            Ok(LinkIncoming::Notice { .. }) => {}
            Err(error) => self.hear_trouble(error, context),
        }
    }

    fn finished(&mut self, context: &mut Context<Self>) {
        self.end(Ok(()), context);
    }
}

impl Worker {
    /// A scan came up: fetch its event and prepare the kernel.
    fn meet(
        &mut self,
        scan: ScanId,
        welcome: &[u8],
        priority: Priority,
        context: &mut Context<Self>,
    ) {
        let welcome = match Welcome::decode(welcome) {
            Ok(welcome) => welcome,
            Err(error) => return self.skip(scan, Cause::Welcome, error.to_string()),
        };
        if !welcome.is_of_scan() {
            return self.news.tell(News::Stands { scan });
        }
        let recos = self.config.recos.iter();
        let Some(reco) = recos.clone().find(|reco| reco.name() == welcome.reco) else {
            let offered: Vec<&str> = recos.map(|reco| reco.name()).collect();
            let reason = format!(
                "it asks for reco {:?}, this worker runs only {}: start workers that offer it",
                shortened(&welcome.reco),
                offered.join(", ")
            );
            return self.skip(scan, Cause::Reco, reason);
        };
        let reco = Arc::clone(reco);
        self.news.tell(News::Serves {
            scan,
            reco: welcome.reco,
        });
        let stop = StopFlag::default();
        let prepared = preparation::prepare(
            Arc::clone(&self.link),
            scan,
            PayloadId(welcome.payload),
            reco,
            stop.clone(),
            self.meters.preparation.clone(),
        );
        self.scans.insert(
            scan,
            ServedScan {
                readiness: Readiness::Preparing,
                stop: stop.clone(),
                priority,
                stirred: Instant::now(),
            },
        );
        self.yield_to(priority);
        self.settle(context);
        context.spawn(
            prepared
                .into_actor(self)
                .map(move |prepared, actor, context| {
                    // A stopped flag means that the scan went meanwhile, and perhaps another one came.
                    if stop.is_stopped() {
                        return;
                    }
                    if let Some(served) = actor.scans.get_mut(&scan) {
                        served.readiness = match prepared {
                            Ok(tables) => Readiness::Ready(Arc::new(tables)),
                            Err(reason) => Readiness::Unusable(reason),
                        };
                    }
                    actor.fill_slots(context);
                }),
        );
    }

    /// A scan went: its leases are lost, what runs for it runs in vain.
    fn forget(&mut self, scan: ScanId) {
        self.skipped.remove(&scan);
        self.news.tell(News::Gone { scan });
        if let Some(served) = self.scans.remove(&scan) {
            served.stop.stop();
        }
        self.waiting.retain(|lease| lease.key().scan != scan);
        self.tell();
    }

    /// Tells those who watch what it holds now.
    fn tell(&mut self) {
        self.meters.tell(
            usize::from(self.config.slots.get()),
            self.running.len(),
            self.waiting.len(),
            self.scans.len(),
        );
    }

    fn has_free_slot(&self) -> bool {
        self.running.len() < usize::from(self.config.slots.get())
    }

    /// Begins as many waiting tasks as there are free slots.
    fn fill_slots(&mut self, context: &mut Context<Self>) {
        while !self.is_stopping && self.has_free_slot() {
            let Some(lease) = self.next_waiting() else {
                break;
            };
            let served = self.scans.get(&lease.key().scan);
            match served.map(|served| served.readiness.clone()) {
                Some(Readiness::Ready(tables)) => self.begin(lease, &tables),
                Some(Readiness::Unusable(reason)) => {
                    self.meters.rejected();
                    self.settle_unbegun(lease, Report::Failed(reason));
                }
                Some(Readiness::Preparing) | None => drop(lease),
            }
        }
        self.look_again(context);
        self.settle(context);
    }

    /// Begins one task.
    fn begin(&mut self, lease: Lease, tables: &Arc<Tables>) {
        let task = match TaskBody::decode(lease.body()) {
            Ok(task) => task,
            Err(error) => {
                self.meters.rejected();
                self.settlements.push(lease.rejected(error.to_string()));
                return;
            }
        };
        if task
            .most_attempts
            .is_some_and(|most| lease.attempt() > most)
        {
            tracing::debug!(task = lease.key().task.0, "was lost too often to be begun");
            return self.settle_unbegun(lease, Report::NotBegun);
        }
        let stop = self
            .scans
            .get(&lease.key().scan)
            .map(|served| served.stop.clone());
        let task_id = lease.key().task;
        let run = self.next_run;
        self.next_run += 1;
        self.running.insert(run, lease);
        tracing::debug!(task = task_id.0, "begins a task");
        let evaluation = tables.evaluate(task.systematic, task.requests, stop.unwrap_or_default());
        self.evaluations.begin(run, evaluation);
    }

    /// Answers a task that was not begun.
    fn settle_unbegun(&mut self, lease: Lease, report: Report) {
        let result = ResultBody {
            seconds: 0.0,
            report,
        };
        self.settlements
            .push(lease.completed(result.encode().into()));
    }

    /// A task ended. A failure is a result as any other: whether it is the fault of the task or of this
    /// worker, only the Scanner can find out.
    fn finish(&mut self, evaluated: Evaluated) {
        let Evaluated {
            run,
            outcomes,
            busy,
        } = evaluated;
        let Some(lease) = self.running.remove(&run) else {
            return;
        };
        self.stir(lease.key().scan);
        self.meters.ended(&outcomes, busy);
        let report = match outcomes {
            Ok(outcomes) => Report::Outcomes(outcomes),
            Err(KernelError::Stopped) => return self.settlements.push(lease.released()),
            Err(error) => {
                tracing::warn!(task = lease.key().task.0, %error, "a task failed");
                Report::Failed(error.to_string())
            }
        };
        let result = ResultBody {
            seconds: busy.as_secs_f64(),
            report,
        };
        self.settlements
            .push(lease.completed(result.encode().into()));
    }

    /// Tells the hubs what became of tasks: all of a scan that ended while the last telling was under
    /// way go in one message, and no hub is waited for by another one.
    fn settle(&mut self, context: &mut Context<Self>) {
        self.tell();
        if self.settlements.is_empty() {
            if self.settling.is_empty() && self.is_stopping && self.running.is_empty() {
                self.leave(context);
            }
            return;
        }
        let mut by_scan: BTreeMap<ScanId, Vec<Settlement>> = BTreeMap::new();
        for settlement in std::mem::take(&mut self.settlements) {
            let scan = settlement.key().scan;
            match self.settling.contains(&scan) {
                true => self.settlements.push(settlement),
                false => by_scan.entry(scan).or_default().push(settlement),
            }
        }
        for (scan, settlements) in by_scan {
            self.settling.insert(scan);
            let link = Arc::clone(&self.link);
            let settling = async move { link.settle(settlements).await };
            let settling = settling.into_actor(self);
            context.spawn(settling.map(move |settled, actor, context| {
                match settled {
                    Ok(settled) if !settled.lost.is_empty() => {
                        let n = settled.lost.len();
                        tracing::debug!(n, "leases were lost before the answer");
                    }
                    Ok(_) => {}
                    // The hub leases these tasks again; nothing else follows from it here.
                    Err(error) => tracing::debug!(%error, "could not settle"),
                }
                actor.settling.remove(&scan);
                actor.settle(context);
            }));
        }
    }

    fn end(&mut self, result: Result<(), WorkerError>, context: &mut Context<Self>) {
        for served in self.scans.values() {
            served.stop.stop();
        }
        if let Some(ended) = self.ended.take() {
            // Nobody may be waiting for the end.
            let _ = ended.send(result);
        }
        context.stop();
    }
}
