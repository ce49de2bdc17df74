//! The Scanner: sits at a hub, hands out tasks, collects results, asks its partner what is next.

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message,
    StreamHandler, WrapFuture,
};
use skyscan_transport::{Avoided, Hub, HubInbox, HubIncoming, TaskFrame, TaskId, TransportError};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::partner::{Partner, Refined, TakeMap, WaveScanned};
use super::progress::{Progress, RoundName, RoundProgress};
use crate::journal::Note;
use crate::protocol::{Hello, Message as _, TaskBody};
use crate::scan::{Asked, Atlas, Ledger, PutAside, Task};
pub use ending::{Ending, Scanned};
use hung::Hung;
use links::{LinkShare, Links};
use meters::Meters;
pub use offers::AskFor;
use offers::Offers;
use recording::Keeping;
pub use recording::Recording;
use watching::Watch;

mod collecting;
mod ending;
mod foreseeing;
mod hung;
mod links;
mod meters;
mod offers;
mod placing;
mod recording;
mod rows;
mod watching;
mod whereabouts;

/// How many tasks a Scanner has out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandOut {
    /// Tasks beyond what the workers can hold, ready for whoever is free first.
    pub spare_tasks: usize,
    /// Never more than this, however many workers there are.
    pub window: Option<usize>,
    /// Ends the scan, incomplete, if no pixel got its outcome for so long.
    pub give_up: Option<Duration>,
    /// Ends the scan, incomplete, this long after it was begun.
    pub deadline: Option<Duration>,
    /// Says on stderr when nobody comes to work.
    pub tells_of_waiting: bool,
}

impl Default for HandOut {
    fn default() -> Self {
        Self {
            spare_tasks: 8,
            window: None,
            give_up: None,
            deadline: None,
            tells_of_waiting: false,
        }
    }
}

/// Starts a Scanner at an open hub. The receiver yields when the scan is complete or was stopped. With a
/// journal, results are confirmed once they are in there.
pub fn start(
    hub: Arc<dyn Hub>,
    inbox: HubInbox,
    partner: Partner,
    ledger: Ledger,
    policy: HandOut,
    progress: watch::Sender<Progress>,
    recording: Option<Recording>,
) -> (
    Addr<Scanner>,
    oneshot::Receiver<Result<Scanned, TransportError>>,
) {
    let (ended, end) = oneshot::channel();
    let address = Scanner::create(|context| {
        context.add_stream(inbox);
        let keeping = recording.map(|recording| Keeping::begin(recording, context));
        Scanner {
            hub,
            partner,
            ledger,
            policy,
            progress,
            keeping: keeping.unwrap_or_default(),
            meters: Meters::new(),
            links: Links::default(),
            hung: Hung::default(),
            put_aside: Vec::new(),
            watch: Watch::default(),
            offers: Offers::default(),
            begun: Instant::now(),
            unsent: Vec::new(),
            unplaced: Vec::new(),
            is_submitting: false,
            is_foreseeing: false,
            phase: Phase::Refining,
            ended: Some(ended),
        }
    });
    (address, end)
}

/// A Scanner at one hub.
#[derive(Debug)]
pub struct Scanner {
    hub: Arc<dyn Hub>,
    partner: Partner,
    ledger: Ledger,
    policy: HandOut,
    progress: watch::Sender<Progress>,
    keeping: Keeping,
    meters: Meters,
    links: Links,
    hung: Hung,
    put_aside: Vec<PutAside>,
    watch: Watch,
    offers: Offers,
    begun: Instant,
    /// Cut and not yet given to the hub.
    unsent: Vec<TaskFrame>,
    /// Copies, while the hub is asked who holds what nothing has come of.
    unplaced: Vec<Task>,
    is_submitting: bool,
    /// The partner is asked what will probably come.
    is_foreseeing: bool,
    phase: Phase,
    ended: Option<oneshot::Sender<Result<Scanned, TransportError>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The partner has the outcomes; nothing is to be handed out until it answers.
    Refining,
    /// A wave is out.
    Scanning,
    /// The map is being fetched; what still comes is thrown away.
    Concluding,
}

impl Actor for Scanner {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.refine(context);
        self.look_in_time(context);
        self.watch_in_time(context);
        if let Some(deadline) = self.policy.deadline {
            context.run_later(deadline, move |actor, context| {
                actor.conclude(Ending::DeadlineCame(deadline), context);
            });
        }
    }
}

impl StreamHandler<Result<HubIncoming, TransportError>> for Scanner {
    fn handle(&mut self, item: Result<HubIncoming, TransportError>, context: &mut Context<Self>) {
        match item {
            Ok(HubIncoming::LinkUp {
                link,
                worker,
                credit,
                hello,
            }) => {
                let hello = Hello::decode(&hello).ok();
                self.keeping.put(|| Note::Worker(worker, hello.clone()));
                // Who does not say how many slots it has gets one.
                let slots = hello.as_ref().map_or(1, |hello| usize::from(hello.slots));
                if !self.offers.up(link, worker, hello) {
                    return self.complain_in_time(context);
                }
                let share = LinkShare {
                    worker,
                    slots,
                    credit: usize::from(credit),
                };
                if let Some(before) = self.links.insert(link, share) {
                    self.ledger.worker_down(before);
                }
                self.ledger.worker_up(worker);
                self.recount();
                self.hand_out(context);
            }
            Ok(HubIncoming::LinkDown { link, .. }) => {
                self.offers.down(link);
                if let Some(worker) = self.links.remove(link) {
                    self.hung.stirs(worker);
                    self.ledger.worker_down(worker);
                }
                self.recount();
                self.complain_in_time(context);
                self.report();
            }
            Ok(HubIncoming::Settled(batch)) => self.collect(batch, context),
            Err(error) => self.end(Err(error), context),
        }
    }

    fn finished(&mut self, context: &mut Context<Self>) {
        // When the Scanner itself closes the hub, the end of the inbox is no news.
        if self.phase != Phase::Concluding {
            self.end(Err(TransportError::Closed), context);
        }
    }
}

impl Scanner {
    /// Gives the partner what was accepted and takes the next wave.
    fn refine(&mut self, context: &mut Context<Self>) {
        self.phase = Phase::Refining;
        let asking = self
            .partner
            .waves
            .send(WaveScanned(self.ledger.take_outcomes()));
        let begun = Instant::now();
        context.spawn(asking.into_actor(self).map(move |refined, actor, context| {
            // The partner lives as long as this actor holds its address.
            let Ok(Refined { wave, best, map }) = refined else {
                return actor.end(Err(TransportError::Closed), context);
            };
            if actor.phase == Phase::Concluding {
                return;
            }
            actor.phase = Phase::Scanning;
            let nside = wave.first().map(|(point, _)| point.pixel.nside);
            actor.meters.refined(begun, nside, wave.len());
            actor.progress.send_modify(|progress| {
                progress.best = best;
                progress.map = map;
                plan_round(&mut progress.rounds, &wave);
            });
            actor.begin(wave, context);
        }));
    }

    /// Begins a wave, or what of it is not known yet.
    fn begin(&mut self, wave: Vec<Asked>, context: &mut Context<Self>) {
        let is_last = wave.is_empty();
        let (known, wave) = match self.keeping.recall(wave) {
            Ok(parts) => parts,
            Err(error) => return self.conclude(Ending::Unrecorded(error.to_string()), context),
        };
        if is_last {
            return self.conclude(Ending::Fulfilled, context);
        }
        self.tell_known(known.len());
        self.ledger.know(known);
        if wave.is_empty() {
            return self.refine(context);
        }
        let n_before = self.ledger.counts().asked_for;
        let done_ahead = self.ledger.begin_wave(wave, self.begun.elapsed());
        self.meters
            .asked_for(self.ledger.counts().asked_for - n_before);
        self.adopt(&done_ahead);
        match self.ledger.is_wave_done() {
            true => self.end_wave(context),
            false => self.hand_out(context),
        }
    }

    /// So many pixels of the round that begins have their outcomes already.
    fn tell_known(&self, n_known: usize) {
        self.progress.send_modify(|progress| {
            if let Some(round) = progress.rounds.last_mut() {
                round.n_done += n_known as u64;
            }
        });
    }

    /// Cuts tasks until the workers are covered, and submits them.
    fn hand_out(&mut self, context: &mut Context<Self>) {
        let begun = Instant::now();
        let wanted = self.links.credit + self.policy.spare_tasks;
        let n_leases = wanted.min(self.policy.window.unwrap_or(usize::MAX));
        let (n_slots, now) = (self.links.n_slots, self.begun.elapsed());
        // Who offers something else would only hold the tasks.
        let is_for_nobody = self.offers.only_others();
        // What nobody could write down is not asked for.
        let is_paused = self.keeping.is_paused();
        while !is_for_nobody
            && !is_paused
            && self.phase == Phase::Scanning
            && self.ledger.wants_more_out(n_slots, n_leases)
        {
            let Some(task) = self.ledger.cut_task(n_slots, now) else {
                break;
            };
            self.send(task);
        }
        if !is_for_nobody && !is_paused && self.phase == Phase::Scanning {
            self.work_ahead(context);
        }
        self.meters.handed_out(begun, self.ledger.n_leased());
        self.submit(context);
        self.report();
    }

    fn send(&mut self, mut task: Task) {
        self.meters.task_sent();
        // Where all avoid it anybody may get it; of those only who can help shall.
        if !self.links.is_anyone_but(&task.avoid) {
            task.avoid = Avoided::default();
        }
        task.avoid.extend(self.offers.others());
        task.avoid.extend(self.hung.workers());
        self.unsent.push(frame(task));
    }

    /// Looks for stragglers from time to time, if the policy says so.
    fn look_in_time(&mut self, context: &mut Context<Self>) {
        if let Some(wait) = self.ledger.look_again_after() {
            context.run_later(wait, |actor, context| {
                actor.look(context);
                actor.look_in_time(context);
            });
        }
    }

    /// Hands out copies of the tasks that hold up the wave, and what those that are stuck kept from
    /// going out.
    fn look(&mut self, context: &mut Context<Self>) {
        if self.phase != Phase::Scanning || self.keeping.is_paused() {
            return;
        }
        let now = self.begun.elapsed();
        let (n_workers, n_slots) = (self.links.len(), self.links.n_slots);
        let mut copies = Vec::new();
        for (copy, reason) in self.ledger.copy_stragglers(n_workers, n_slots, now) {
            tracing::debug!(task = copy.id, ?reason, "copies a task");
            self.meters.copied(reason);
            copies.push(copy);
        }
        self.place(copies, context);
        self.hand_out(context);
    }

    /// The wave is done. Copies that lost and that no worker has are taken back first: whoever waits
    /// for the next wave shall not begin them.
    fn end_wave(&mut self, context: &mut Context<Self>) {
        self.report();
        // What is not with the hub yet can only be copies that lost, and what is ahead.
        let n_unsent = self.unsent.len() + self.unplaced.len();
        let ledger = &self.ledger;
        self.unsent.retain(|frame| ledger.is_ahead(frame.task.0));
        self.unplaced.clear();
        self.ledger.purged(n_unsent - self.unsent.len());
        // Nobody can tell what is ahead from what lost, where both wait.
        if self.ledger.n_losing() == 0 || self.ledger.n_ahead() > 0 {
            return self.refine(context);
        }
        self.phase = Phase::Refining;
        let hub = Arc::clone(&self.hub);
        let purging = async move { hub.purge().await };
        context.spawn(purging.into_actor(self).map(|purged, actor, context| {
            match purged {
                Ok(n_tasks) => actor.ledger.purged(n_tasks),
                Err(error) => return actor.end(Err(error), context),
            }
            if actor.phase != Phase::Concluding {
                actor.refine(context);
            }
        }));
    }

    /// Gives the hub what was cut; one call at a time.
    fn submit(&mut self, context: &mut Context<Self>) {
        if self.is_submitting || self.unsent.is_empty() {
            return;
        }
        self.is_submitting = true;
        let hub = Arc::clone(&self.hub);
        let tasks = std::mem::take(&mut self.unsent);
        let submitting = async move { hub.submit(tasks).await };
        context.spawn(
            submitting
                .into_actor(self)
                .map(|submitted, actor, context| {
                    actor.is_submitting = false;
                    match submitted {
                        Ok(()) => actor.submit(context),
                        Err(error) => actor.end(Err(error), context),
                    }
                }),
        );
    }

    fn report(&self) {
        let ledger = &self.ledger;
        let (n_links, n_slots) = (self.links.len(), self.links.n_slots);
        self.meters.tell_links(n_links, n_slots);
        self.meters.tell_wanted(ledger.slots_wanted());
        self.progress.send_modify(|progress| {
            progress.tasks = ledger.counts();
            progress.n_out = ledger.n_leased();
            progress.n_waiting = ledger.n_pending();
            progress.n_slots = n_slots;
        });
    }

    /// Fetches the map, closes the hub and ends.
    fn conclude(&mut self, ending: Ending, context: &mut Context<Self>) {
        if self.phase == Phase::Concluding {
            return;
        }
        self.phase = Phase::Concluding;
        let asking = self.partner.map.send(TakeMap(self.ledger.take_outcomes()));
        let (tasks, busy_seconds) = (self.ledger.counts(), self.ledger.busy_seconds());
        let put_aside = std::mem::take(&mut self.put_aside);
        let hub = Arc::clone(&self.hub);
        let keeping = self.keeping.over();
        let concluding = async move {
            let atlas: Atlas = asking.await.map_err(|_| TransportError::Closed)?;
            let ending = keeping.end(ending).await;
            hub.close().await?;
            Ok(Scanned {
                complete: ending == Ending::Fulfilled && !atlas.has_failed(),
                map: atlas.nominal,
                varied: atlas.varied,
                ending,
                put_aside,
                tasks,
                busy_seconds,
            })
        };
        context.spawn(concluding.into_actor(self).map(|scanned, actor, context| {
            actor.end(scanned, context);
        }));
    }

    fn end(&mut self, result: Result<Scanned, TransportError>, context: &mut Context<Self>) {
        if let Some(ended) = self.ended.take() {
            // Nobody may be waiting for the end.
            let _ = ended.send(result);
        }
        context.stop();
    }
}

fn frame(task: Task) -> TaskFrame {
    let body = TaskBody {
        systematic: task.systematic,
        requests: task.requests,
        most_attempts: task.most_attempts,
    };
    TaskFrame {
        task: TaskId(task.id),
        body: body.encode().into(),
        lost_above: 0,
        avoid: task.avoid.into(),
    }
}

/// Adds a wave to the rounds: to the last one if it is more of that.
fn plan_round(rounds: &mut Vec<RoundProgress>, wave: &[Asked]) {
    let Some((first, _)) = wave.first() else {
        return;
    };
    let name = RoundName::from(*first);
    let n_planned = wave.len() as u64;
    match rounds.last_mut() {
        Some(round) if round.name == name => round.n_planned += n_planned,
        _ => rounds.push(RoundProgress {
            name,
            n_done: 0,
            n_planned,
        }),
    }
}

/// Asks a Scanner to end with what it has.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopScan;

impl Handler<StopScan> for Scanner {
    type Result = ();

    fn handle(&mut self, _: StopScan, context: &mut Context<Self>) {
        self.conclude(Ending::Stopped, context);
    }
}

#[cfg(test)]
mod tests;
