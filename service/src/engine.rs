//! What the service asks of whatever scans.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::scan::{Contour, Ended, EventName, Fleet, Hit, Map, Progress};
use crate::settings::{Priority, Settings};

/// Makes scans. Every method may be called from any thread; those that read files block.
pub trait Engine: Debug + Send + Sync + 'static {
    /// Reads an event file of any format that it knows, and checks what is asked of its scan.
    ///
    /// # Errors
    /// What is wrong with either, in a sentence for whoever brought it.
    fn read(&self, file: &Path, settings: &Settings) -> Result<Reading, Refused>;

    /// Begins a scan, or goes on with it where its folder has a journal. Returns at once; what
    /// comes of it is told to `listener`, its end last and once. The folder is the scan's own: the
    /// event is in there, and the results go there.
    fn begin(&self, order: Order, listener: Arc<dyn Listener>) -> Box<dyn Running>;

    /// Whether nobody who is there can serve a scan of these settings: it waits meanwhile, and takes no other's place.
    fn lacks(&self, settings: &Settings) -> bool {
        let _anybody_can = settings;
        false
    }

    /// Who is there.
    fn fleet(&self) -> Fleet;
}

/// What there is to scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which event it is.
    pub event: EventName,
    /// SHA-256 of event, detector and all settings, also those that were left out, in hex: the same
    /// alert with the same settings has the same, whatever its file looks like.
    pub key: String,
    /// What is odd about it though it can be scanned.
    pub warnings: Vec<String>,
    /// What was seen.
    pub hits: Vec<Hit>,
}

/// Why something is not scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The file.
    Event(String),
    /// The settings.
    Settings(String),
}

/// A scan that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The scan's folder.
    pub folder: PathBuf,
    /// The event file in there.
    pub event: PathBuf,
    /// What is asked.
    pub settings: Settings,
    /// Which scan gets workers first.
    pub priority: Priority,
}

/// A scan that is being made. Dropping it changes nothing.
pub trait Running: Debug + Send + Sync {
    /// Ends the scan with what there is; the listener hears of the end as of any other. Its journal
    /// stays, so that it can be gone on with.
    fn stop(&self);

    /// The map as it stands.
    fn map(&self) -> Map;
}

/// Hears what becomes of a scan. It must not wait.
pub trait Listener: Debug + Send + Sync + 'static {
    /// It got on. Comes several times a second at most.
    fn progress(&self, progress: Progress);

    /// Something is known of the source.
    fn contour(&self, contour: Contour);

    /// It has ended. Nothing comes after that.
    fn ended(&self, ended: Ended);
}
