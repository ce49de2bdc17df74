//! The thread that changes scans: whatever was asked while the last changes were written is written
//! together.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::ear::Ear;
use super::entering::{self, Arrived};
use super::note::{Asked, Note};
use super::queue::{Queue, Room};
use super::{LOOK_EVERY, Shared, Unchanged};
use crate::catalogue::Row;
use crate::clock;
use crate::doors::{Letter, Moment, NotTaken, Submitted, Tells};
use crate::engine::Order;
use crate::folder::{RESULT, Record};
use crate::live::Live;
use crate::scan::{Contour, Ended, Scan, ScanName, State};
use crate::settings::Priority;

mod ending;
mod entry;

use entry::{Entry, Run, Then};

/// Notes that are taken together.
const MOST_NOTES: usize = 256;
/// How long scans may take to stop when the service does; they are gone on with in any case.
const PATIENCE: Duration = Duration::from_secs(30);

/// An alert that is among the scans once their folder is synced.
type Entered = (Sender<Result<Submitted, NotTaken>>, Submitted);

#[derive(Debug)]
pub(super) struct Clerk {
    shared: Arc<Shared>,
    tells: Arc<dyn Tells>,
    notes: Sender<Note>,
    entries: HashMap<ScanName, Entry>,
    queue: Queue,
    n_runs: u64,
    /// Since when the service stops.
    stopping: Option<Instant>,
}

impl Clerk {
    pub(super) fn new(shared: Arc<Shared>, tells: Arc<dyn Tells>, notes: Sender<Note>) -> Self {
        Self {
            shared,
            tells,
            notes,
            entries: HashMap::new(),
            queue: Queue::default(),
            n_runs: 0,
            stopping: None,
        }
    }

    /// Goes on with what was queued, running or not told when the desk was left.
    pub(super) fn take_up(&mut self, unfinished: Vec<ScanName>) {
        for id in unfinished {
            match self.shared.folder(&id).read() {
                Ok(record) if record.owes().is_some() => self.tell_owed(record),
                Ok(record) => {
                    tracing::info!(%id, "is gone on with");
                    self.enqueue(record);
                }
                Err(error) => tracing::warn!(%id, %error, "cannot be gone on with"),
            }
        }
    }

    /// Works until the service stops.
    pub(super) fn run(mut self, notes: &Receiver<Note>) {
        let mut looked = None::<Instant>;
        loop {
            let is_held_back = self.begin_next();
            if let Some(since) = self.stopping
                && (self.n_running() == 0 || since.elapsed() > PATIENCE)
            {
                break;
            }
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                self.shared.remove_old(&*self.tells);
                looked = Some(Instant::now());
            }
            let wait = match self.stopping {
                Some(_) => Duration::from_secs(1),
                // Nobody tells when workers come that can.
                None if is_held_back => Duration::from_secs(1),
                None => LOOK_EVERY,
            };
            match notes.recv_timeout(wait) {
                Ok(note) => {
                    let more = notes.try_iter().take(MOST_NOTES);
                    let together = std::iter::once(note).chain(more).collect();
                    self.take(together);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for entry in self.entries.values().filter(|entry| entry.run.is_some()) {
            tracing::warn!(id = %entry.record.scan.id, "did not stop in time");
        }
    }

    fn n_running(&self) -> usize {
        let entries = self.entries.values();
        entries.filter(|entry| entry.run.is_some()).count()
    }

    fn take(&mut self, notes: Vec<Note>) {
        let mut entered = Vec::new();
        for note in notes {
            match note {
                Note::Arrived { arrived, answer } => match self.enter(*arrived) {
                    Ok(submitted) => entered.push((answer, submitted)),
                    Err(error) => send(&answer, Err(error)),
                },
                Note::Asked { id, asked, answer } => match asked {
                    Asked::Cancel => self.cancel(&id, answer),
                    Asked::Priority(priority) => send(&answer, self.set_priority(&id, priority)),
                },
                Note::Contour { id, run, contour } => self.tell_contour(&id, run, &contour),
                Note::Ended { id, run, ended } => self.ended(&id, run, *ended),
                Note::Stop => self.stop(),
            }
        }
        self.answer(entered);
    }

    /// Puts an alert among the scans, or finds the scan that it is.
    fn enter(&mut self, mut arrived: Arrived) -> Result<Submitted, NotTaken> {
        let cannot = |error: io::Error| NotTaken::NotNow(format!("cannot keep the scan: {error}"));
        if self.stopping.is_some() {
            let words = "the service is stopping: submit again later".to_owned();
            return Err(NotTaken::NotNow(words));
        }
        let names = entering::names(&arrived.record.scan.event, &arrived.record.key);
        for id in names.collect::<Vec<_>>() {
            let folder = self.shared.folder(&id);
            if !folder.path().exists() {
                if arrived.record.scan.id != id {
                    arrived.rename(id).map_err(cannot)?;
                }
                arrived.move_to(&folder).map_err(cannot)?;
                let scan = arrived.record.scan.clone();
                self.enqueue(arrived.record.clone());
                return Ok(Submitted { scan, is_new: true });
            }
            let record = match self.entries.get(&id) {
                Some(entry) => Some(entry.record.clone()),
                None => folder.read().ok(),
            };
            if let Some(record) = record.filter(|record| record.key == arrived.record.key) {
                let scan = self.enter_again(record, &arrived);
                return Ok(Submitted {
                    scan: scan.map_err(cannot)?,
                    is_new: false,
                });
            }
        }
        Err(NotTaken::NotNow("its folder cannot be read".to_owned()))
    }

    /// A scan is submitted again: it is begun again if it did not end well, and has the higher
    /// priority if it did not end.
    fn enter_again(&mut self, mut record: Record, arrived: &Arrived) -> io::Result<Scan> {
        let id = record.scan.id.clone();
        let folder = self.shared.folder(&id);
        let priority = arrived.record.scan.priority;
        match record.scan.state {
            State::Done if record.scan.error.is_none() && folder.file(RESULT).exists() => {
                // It can be scanned with other settings only while its event is there.
                if !folder.file(&record.file).exists() {
                    arrived.give_event(&folder, &mut record)?;
                    folder.write(&record)?;
                    self.index(&record);
                }
                Ok(record.scan)
            }
            State::Queued | State::Running => {
                let unchanged = record.scan.clone();
                let raised = match priority > record.scan.priority {
                    true => self.set_priority(&id, priority).ok(),
                    false => None,
                };
                Ok(raised.unwrap_or(unchanged))
            }
            // What has all pixels and not all files has these written again.
            State::Done | State::Incomplete | State::Failed | State::Cancelled => {
                record.scan.state = State::Queued;
                record.scan.priority = priority;
                record.scan.begun = None;
                record.scan.ended = None;
                record.scan.error = None;
                record.told.clear();
                arrived.give_event(&folder, &mut record)?;
                folder.write(&record)?;
                let scan = record.scan.clone();
                self.enqueue(record);
                Ok(scan)
            }
        }
    }

    /// Answers those whose alerts came in, once nothing can take them away.
    fn answer(&mut self, entered: Vec<Entered>) {
        if entered.is_empty() {
            return;
        }
        let settled = entering::settle(&self.shared.config.scans());
        for (answer, submitted) in entered {
            let answered = match &settled {
                Ok(()) => Ok(submitted),
                Err(error) => Err(NotTaken::NotNow(format!("cannot keep the scan: {error}"))),
            };
            send(&answer, answered);
        }
    }

    /// Has a scan wait for its turn.
    fn enqueue(&mut self, mut record: Record) {
        let id = record.scan.id.clone();
        let was_running = record.scan.state == State::Running;
        record.scan.state = State::Queued;
        if was_running {
            self.keep(&record);
        } else {
            self.index(&record);
        }
        let live = self.shared.live(&id).unwrap_or_else(|| {
            let live = Live::new(record.scan.clone());
            self.shared.remember(&id, &live);
            live
        });
        self.queue.add(&record.scan);
        let scan = record.scan.clone();
        self.shared.show(&live, |shown| *shown = scan);
        let run = None;
        self.entries.insert(id, Entry { record, live, run });
        self.count();
    }

    /// Begins what can be begun and has room; whether something waits for workers that can serve it.
    fn begin_next(&mut self) -> bool {
        let mut is_held_back = false;
        while self.stopping.is_none() {
            let running = self.entries.values().filter(|entry| entry.run.is_some());
            let urgent = running.clone().filter(|entry| entry.is_urgent());
            let room = Room {
                n_running: running.count(),
                n_urgent: urgent.count(),
                max_running: self.shared.config.max_running,
                max_urgent: self.shared.config.max_urgent,
            };
            let (entries, engine) = (&self.entries, &self.shared.engine);
            let next = self.queue.next(room, |id| {
                let lacks = |entry: &Entry| engine.lacks(&entry.record.scan.settings);
                let can = !entries.get(id).is_some_and(lacks);
                is_held_back |= !can;
                can
            });
            let Some(id) = next else {
                break;
            };
            self.begin(&id);
        }
        is_held_back
    }

    fn begin(&mut self, id: &ScanName) {
        if let Some(error) = self.entries.get(id).and_then(|entry| self.is_unfit(entry)) {
            let _scan = self.end(id, State::Failed, Some(Ended::failed(error)));
            self.count();
            return;
        }
        self.n_runs += 1;
        let run = self.n_runs;
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        let begun = clock::now();
        let queued = clock::seconds_between(&entry.record.scan.submitted, &begun);
        if let Some(queued) = queued.filter(|_| entry.record.scan.begun.is_none()) {
            metrics::histogram!("skyscan_service_queue_seconds").record(queued);
        }
        entry.record.scan.state = State::Running;
        entry.record.scan.begun = Some(begun);
        entry.run = Some(Run {
            number: run,
            then: Then::Rest,
        });
        let record = entry.record.clone();
        let live = Arc::clone(&entry.live);
        self.note(&record);
        self.count();
        let scan = record.scan.clone();
        self.shared.show(&live, |shown| {
            shown.state = scan.state;
            shown.begun.clone_from(&scan.begun);
        });
        let folder = self.shared.folder(id);
        let order = Order {
            event: folder.file(&record.file),
            folder: folder.path().to_owned(),
            settings: record.scan.settings,
            priority: record.scan.priority,
        };
        let ear = Ear {
            id: id.clone(),
            run,
            shared: Arc::downgrade(&self.shared),
            live: Arc::clone(&live),
            notes: self.notes.clone(),
        };
        live.set_running(self.shared.engine.begin(order, Arc::new(ear)));
    }

    /// Why a scan cannot be begun: its event is not the one that was taken.
    fn is_unfit(&self, entry: &Entry) -> Option<String> {
        let folder = self.shared.folder(&entry.record.scan.id);
        match folder.has_event_of(&entry.record) {
            Ok(true) => None,
            Ok(false) => Some(
                "its event file is another one by now than was taken: submit it again".to_owned(),
            ),
            Err(error) => Some(format!(
                "its event file cannot be read ({error}): submit it again"
            )),
        }
    }

    fn set_priority(&mut self, id: &ScanName, priority: Priority) -> Result<Scan, Unchanged> {
        let Some(entry) = self.entries.get_mut(id) else {
            return Err(self.why_not(id));
        };
        if entry.record.scan.priority == priority {
            return Ok(entry.live.scan());
        }
        if matches!(&entry.run, Some(run) if matches!(run.then, Then::Cancel(_))) {
            return Err(Unchanged::NotNow("the scan is being cancelled".to_owned()));
        }
        let before = entry.record.scan.clone();
        entry.record.scan.priority = priority;
        let (record, live) = (entry.record.clone(), Arc::clone(&entry.live));
        self.shared
            .folder(id)
            .write(&record)
            .map_err(|error| Unchanged::NotNow(format!("cannot keep it: {error}")))?;
        match &mut entry.run {
            Some(run) => {
                run.then = Then::Queue;
                live.stop();
            }
            None => {
                self.queue.remove(&before);
                self.queue.add(&record.scan);
            }
        }
        self.index(&record);
        self.shared.show(&live, |shown| shown.priority = priority);
        Ok(live.scan())
    }

    fn cancel(&mut self, id: &ScanName, answer: Sender<Result<Scan, Unchanged>>) {
        let Some(entry) = self.entries.get_mut(id) else {
            send(&answer, Err(self.why_not(id)));
            return;
        };
        match &mut entry.run {
            // Answered when it has ended: until then a crash would have it gone on with.
            Some(run) => {
                match &mut run.then {
                    Then::Cancel(answers) => answers.push(answer),
                    then => *then = Then::Cancel(vec![answer]),
                }
                entry.live.stop();
            }
            None => {
                self.queue.remove(&entry.record.scan);
                let scan = self.end(id, State::Cancelled, None);
                send(&answer, scan.ok_or(Unchanged::NoSuchScan));
            }
        }
    }

    fn why_not(&self, id: &ScanName) -> Unchanged {
        match self.shared.folder(id).read() {
            Ok(record) => Unchanged::Ended(record.scan.state),
            Err(_none) => Unchanged::NoSuchScan,
        }
    }

    fn tell_contour(&mut self, id: &ScanName, run: u64, contour: &Contour) {
        let moment = match contour.is_stable {
            true => Moment::Stable,
            false => Moment::Preliminary,
        };
        let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.is_in(run)) else {
            return;
        };
        if entry.record.told.contains(&moment) {
            return;
        }
        entry.record.scan.best = Some(contour.best);
        entry.record.scan.area_deg2 = super::ear::area(contour);
        let scan = entry.record.scan.clone();
        self.tells
            .tell(Letter::new(moment, scan, Some(contour), None));
        entry.record.told.push(moment);
        let record = entry.record.clone();
        self.note(&record);
    }

    fn stop(&mut self) {
        self.stopping = Some(Instant::now());
        for entry in self.entries.values().filter(|entry| entry.run.is_some()) {
            entry.live.stop();
        }
    }

    /// Writes a scan down. Where that fails, what is on the disk is older, and is gone on with from
    /// there.
    fn keep(&self, record: &Record) {
        self.written(record, self.shared.folder(&record.scan.id).write(record));
    }

    /// Writes down what a crash may undo: that a scan was begun, or that somebody was told. It is
    /// begun, or told, again.
    fn note(&self, record: &Record) {
        self.written(record, self.shared.folder(&record.scan.id).put(record));
    }

    fn written(&self, record: &Record, written: io::Result<()>) {
        if let Err(error) = written {
            tracing::error!(id = %record.scan.id, %error, "its state cannot be written");
        }
        self.index(record);
    }

    /// Enters a scan that is written down in the catalogue.
    fn index(&self, record: &Record) {
        let id = &record.scan.id;
        let row = Row::of(&self.shared.folder(id), record);
        match row.map(|row| self.shared.catalogue.put(&[row])) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%id, %error, "cannot be entered in the catalogue"),
            Err(error) => tracing::error!(%id, %error, "its folder cannot be read"),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "few enough")]
    fn count(&self) {
        let n_queued = self.queue.len();
        let shown = u64::try_from(n_queued).unwrap_or(u64::MAX);
        self.shared.n_queued.store(shown, Ordering::Relaxed);
        let gauge = |state: State, n: usize| {
            metrics::gauge!("skyscan_service_scans", "state" => state.word()).set(n as f64);
        };
        gauge(State::Queued, n_queued);
        gauge(State::Running, self.n_running());
    }
}

fn send<T>(answer: &Sender<T>, what: T) {
    // Whoever asked may have gone.
    let _gone = answer.send(what);
}
