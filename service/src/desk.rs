//! The desk: takes alerts, has them scanned in their turn, and knows how each of them stands.
//!
//! What it answers is on the disk: an alert is a folder with the bytes as they came and a
//! `scan.json`, written beside the others and moved there once it is whole. Everything that changes
//! a scan is done by one thread, the clerk, in the order in which it was asked.

mod clerk;
mod ear;
mod entering;
mod note;
mod queue;
mod upkeep;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::catalogue::{Catalogue, CatalogueError};
use crate::disk;
use crate::doors::{Desk, NotTaken, Submission, Submitted, Tells};
use crate::engine::{Engine, Refused};
use crate::folder::{CONTOUR, Folder, is_scan_name};
use crate::live::{Live, lock};
use crate::scan::{Contour, Fleet, Progress, Scan, ScanName, State};
use crate::settings::{Priority, Settings};

use clerk::Clerk;
use note::{Asked, Note};

/// Changes of scans that a reader of all may lag behind.
const MOST_CHANGES: usize = 1024;
/// How long somebody waits for what was asked of a scan.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often what is old is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What a desk may use.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// Where everything is kept.
    pub data: PathBuf,
    /// Scans that run at once.
    pub max_running: usize,
    /// Urgent scans that run at once even if as many run as may.
    pub max_urgent: usize,
    /// Scans that may wait; more are not taken.
    pub max_queued: usize,
    /// How long scans are kept after they have ended; for ever by default.
    pub keep: Option<Duration>,
    /// With less room on the disk no scan is taken.
    pub least_free_bytes: u64,
}

impl DeskConfig {
    /// With its usual bounds.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            max_running: 4,
            max_urgent: 2,
            max_queued: 10_000,
            keep: None,
            least_free_bytes: 1 << 30,
        }
    }

    fn scans(&self) -> PathBuf {
        self.data.join("scans")
    }

    fn incoming(&self) -> PathBuf {
        self.data.join("incoming")
    }

    fn removed(&self) -> PathBuf {
        self.data.join("removed")
    }
}

/// Why a desk cannot open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder cannot be used.
    #[error("cannot keep scans in {}", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        error: io::Error,
    },
    /// Another service has it.
    #[error("another service keeps its scans in {}: end it, or choose another folder", .0.display())]
    Taken(PathBuf),
    /// The catalogue cannot be had.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// How a scan stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The scan.
    pub scan: Scan,
    /// Its last progress, while it runs.
    pub progress: Option<Progress>,
    /// Its last contour.
    pub contour: Option<Contour>,
}

/// Why something cannot be done to a scan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// There is no such scan.
    #[error("there is no scan of this name")]
    NoSuchScan,
    /// It has ended.
    #[error("the scan has ended: {}", .0.word())]
    Ended(State),
    /// The service cannot, for now.
    #[error("{0}")]
    NotNow(String),
}

/// Takes alerts and has them scanned.
#[derive(Debug)]
pub struct ScanDesk {
    shared: Arc<Shared>,
    notes: Sender<Note>,
    clerk: Mutex<Option<JoinHandle<()>>>,
    _held: Held,
}

/// What the clerk and everybody else see.
#[derive(Debug)]
struct Shared {
    config: DeskConfig,
    engine: Arc<dyn Engine>,
    catalogue: Catalogue,
    live: RwLock<HashMap<ScanName, Arc<Live>>>,
    n_queued: AtomicU64,
    /// States of all scans, as events of a stream.
    changes: broadcast::Sender<Bytes>,
    is_stopping: AtomicBool,
    n_incoming: AtomicU64,
}

impl Shared {
    fn live(&self, id: &ScanName) -> Option<Arc<Live>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(id).map(Arc::clone)
    }

    fn remember(&self, id: &ScanName, live: &Arc<Live>) {
        let mut all = self.live.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(id.clone(), Arc::clone(live));
    }

    fn forget(&self, id: &ScanName) {
        let mut all = self.live.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(id);
    }

    fn folder(&self, id: &ScanName) -> Folder {
        Folder::of(&self.config.scans(), id)
    }

    /// Changes what everybody sees of a scan.
    fn show(&self, live: &Live, change: impl FnOnce(&mut Scan)) {
        let told = live.change(change);
        // Without readers nobody is told.
        let _nobody = self.changes.send(told.frame.clone());
    }
}

impl ScanDesk {
    /// Opens the desk: what was queued or running when it was left is queued again.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(
        config: DeskConfig,
        held: Held,
        engine: Arc<dyn Engine>,
        tells: Arc<dyn Tells>,
    ) -> Result<Self, OpenError> {
        let data = config.data.clone();
        let unusable = |error| OpenError::Folder {
            folder: data.clone(),
            error,
        };
        fs::create_dir_all(config.scans()).map_err(unusable)?;
        for left in [config.incoming(), config.removed()] {
            match fs::remove_dir_all(&left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(error));
                }
                _gone => fs::create_dir(&left).map_err(unusable)?,
            }
        }
        disk::sync_folder(&data).map_err(unusable)?;
        let catalogue = Catalogue::open(&config.data, &config.scans())?;
        let unfinished = catalogue.unfinished()?;
        let shared = Arc::new(Shared {
            config,
            engine,
            catalogue,
            live: RwLock::default(),
            n_queued: AtomicU64::new(0),
            changes: broadcast::Sender::new(MOST_CHANGES),
            is_stopping: AtomicBool::new(false),
            n_incoming: AtomicU64::new(0),
        });
        let (notes, read): (_, Receiver<Note>) = channel();
        let mut clerk = Clerk::new(Arc::clone(&shared), tells, notes.clone());
        clerk.take_up(unfinished);
        let clerk = std::thread::Builder::new()
            .name("desk".to_owned())
            .spawn(move || clerk.run(&read))
            .map_err(unusable)?;
        Ok(Self {
            shared,
            notes,
            clerk: Mutex::new(Some(clerk)),
            _held: held,
        })
    }

    /// How a scan stands; none if there is none of this name.
    #[must_use]
    pub fn standing(&self, id: &ScanName) -> Option<Standing> {
        if let Some(live) = self.shared.live(id) {
            return Some(Standing {
                scan: live.scan(),
                progress: live.progress(),
                contour: live.contour(),
            });
        }
        if !is_scan_name(&id.0) {
            return None;
        }
        let folder = self.shared.folder(id);
        let record = folder.read().ok()?;
        Some(Standing {
            scan: record.scan,
            progress: None,
            contour: folder.read_json(CONTOUR).ok(),
        })
    }

    /// A scan that has not ended, to be watched.
    pub(crate) fn live(&self, id: &ScanName) -> Option<Arc<Live>> {
        self.shared.live(id)
    }

    /// The folder of a scan, whether there is one or not; none if the name is none.
    pub(crate) fn folder(&self, id: &ScanName) -> Option<Folder> {
        is_scan_name(&id.0).then(|| self.shared.folder(id))
    }

    /// The scans of a state, or all, newest first; those that came before another one, if that is
    /// named. None if there is no such other.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn list(
        &self,
        state: Option<State>,
        limit: usize,
        before: Option<&ScanName>,
    ) -> Result<Option<Vec<Scan>>, CatalogueError> {
        let listed = self.shared.catalogue.list(state, limit, before)?;
        let as_they_stand = |scans: Vec<Scan>| {
            let stands = |scan: Scan| self.shared.live(&scan.id).map_or(scan, |live| live.scan());
            scans.into_iter().map(stands).collect()
        };
        Ok(listed.map(as_they_stand))
    }

    /// The scans that run.
    #[must_use]
    pub fn running(&self) -> Vec<Scan> {
        let live = self.shared.live.read();
        let live = live.unwrap_or_else(PoisonError::into_inner);
        let scans = live.values().map(|live| live.scan());
        scans.filter(|scan| scan.state == State::Running).collect()
    }

    /// How many scans wait.
    #[must_use]
    pub fn n_queued(&self) -> u64 {
        self.shared.n_queued.load(Ordering::Relaxed)
    }

    /// States of all scans from now on, as events of a stream.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Bytes> {
        self.shared.changes.subscribe()
    }

    /// Who is there.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        self.shared.engine.fleet()
    }

    /// Ends a scan, or takes it out of the queue. What it has found so far is kept.
    ///
    /// # Errors
    /// If there is none, or it has ended.
    pub fn cancel(&self, id: &ScanName) -> Result<Scan, Unchanged> {
        self.ask(id, Asked::Cancel)
    }

    /// Changes which scan gets workers first. One that runs is stopped, and gone on with in its
    /// turn.
    ///
    /// # Errors
    /// If there is none, or it has ended.
    pub fn set_priority(&self, id: &ScanName, priority: Priority) -> Result<Scan, Unchanged> {
        self.ask(id, Asked::Priority(priority))
    }

    fn ask(&self, id: &ScanName, asked: Asked) -> Result<Scan, Unchanged> {
        let (answer, answered) = channel();
        let id = id.clone();
        let closed = || Unchanged::NotNow("the service is stopping".to_owned());
        let note = Note::Asked { id, asked, answer };
        self.notes.send(note).map_err(|_gone| closed())?;
        match answered.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(Unchanged::NotNow(
                "the scan is being stopped, which takes a while: look how it stands".to_owned(),
            )),
            Err(RecvTimeoutError::Disconnected) => Err(closed()),
        }
    }

    /// Scans the event of a scan with other settings, or again if it did not end well. It is
    /// another scan, unless the settings come to the same.
    ///
    /// # Errors
    /// If there is no such scan (none), or the settings are refused.
    pub fn rescan(
        &self,
        id: &ScanName,
        settings: Option<Settings>,
        priority: Option<Priority>,
        from: String,
    ) -> Option<Result<Submitted, NotTaken>> {
        let folder = self.folder(id)?;
        let record = folder.read().ok()?;
        Some(self.submit(Submission {
            event: crate::doors::Brought::File(folder.file(&record.file)),
            settings: settings.unwrap_or(record.scan.settings),
            priority: priority.unwrap_or(record.scan.priority),
            from,
        }))
    }

    /// Whether there is too little room on the disk, in a sentence.
    #[must_use]
    pub fn is_disk_full(&self) -> Option<String> {
        let least = self.shared.config.least_free_bytes;
        match disk::free_bytes(&self.shared.config.data) {
            Ok(free) if free >= least => None,
            Ok(free) => Some(format!(
                "the disk has {} MB left, and {} MB are to stay free: remove what is not needed, then submit again",
                free / 1_000_000,
                least.div_ceil(1_000_000),
            )),
            Err(error) => Some(format!("it cannot be said how full the disk is: {error}")),
        }
    }

    /// Whether alerts are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let clerk = lock(&self.clerk);
        let is_there = clerk.as_ref().is_some_and(|clerk| !clerk.is_finished());
        is_there && !self.shared.is_stopping.load(Ordering::Relaxed)
    }

    /// Takes nothing any more, stops what runs, so that it is gone on with when the desk is opened
    /// again, and returns when it has stopped. May be called more than once.
    pub fn close(&self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        let _gone = self.notes.send(Note::Stop);
        if let Some(clerk) = lock(&self.clerk).take()
            && clerk.join().is_err()
        {
            tracing::error!("the desk has panicked");
        }
    }
}

impl Drop for ScanDesk {
    fn drop(&mut self) {
        self.close();
    }
}

impl Desk for ScanDesk {
    fn submit(&self, submission: Submission) -> Result<Submitted, NotTaken> {
        let outcome = entering::submit(self, submission);
        let word = match &outcome {
            Ok(submitted) if submitted.is_new => "new",
            Ok(_) => "known",
            Err(NotTaken::Refused(Refused::Event(_) | Refused::Settings(_))) => "refused",
            Err(NotTaken::NotNow(_)) => "not_now",
        };
        metrics::counter!("skyscan_service_submissions_total", "outcome" => word).increment(1);
        outcome
    }
}

/// The folder of a service, which one process at a time has.
#[derive(Debug)]
pub struct Held {
    _lock: nix::fcntl::Flock<fs::File>,
}

impl Held {
    /// Takes the folder, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be used, or another service has it.
    pub fn take(data: &Path) -> Result<Self, OpenError> {
        let unusable = |error| OpenError::Folder {
            folder: data.to_owned(),
            error,
        };
        fs::create_dir_all(data).map_err(|error| match data.is_file() {
            true => unusable(io::Error::new(error.kind(), "it is a file: name a folder")),
            false => unusable(error),
        })?;
        let file = fs::File::create(data.join(".lock")).map_err(unusable)?;
        let lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock);
        let lock = lock.map_err(|_held| OpenError::Taken(data.to_owned()))?;
        Ok(Self { _lock: lock })
    }
}

#[cfg(test)]
mod tests;
