//! How scans end, and what they come to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::journal::Contents;
use crate::scan::{Atlas, PutAside, TaskCounts};
use crate::sky::map::SkyMap;

/// How a scan came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The plan was fulfilled.
    Fulfilled,
    /// It was asked to stop.
    Stopped,
    /// It had so much time, which is over.
    DeadlineCame(Duration),
    /// Nothing came for so long.
    GaveUp(Duration),
    /// Many pixels failed for good and none was ever fitted; the text says how the last one failed.
    Hopeless(String),
    /// The journal takes no more: the text says why. What came since is nowhere.
    Unrecorded(String),
}

impl Ending {
    /// In a word, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fulfilled => "fulfilled",
            Self::Stopped => "stopped",
            Self::DeadlineCame(_) => "deadline",
            Self::GaveUp(_) => "gave_up",
            Self::Hopeless(_) => "hopeless",
            Self::Unrecorded(_) => "unrecorded",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fulfilled => f.write_str("its plan is fulfilled"),
            Self::Stopped => f.write_str("stopped"),
            Self::DeadlineCame(after) => {
                write!(f, "the deadline of {} s came", after.as_secs_f64())
            }
            Self::GaveUp(waited) => write!(f, "nothing came for {} s", waited.as_secs()),
            Self::Hopeless(reason) => write!(f, "hopeless: {reason}"),
            Self::Unrecorded(reason) => f.write_str(reason),
        }
    }
}

/// What a scan came to.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// Every pixel that has an outcome.
    pub map: Arc<SkyMap>,
    /// The same part of the sky under each systematic, by its number.
    pub varied: BTreeMap<u32, SkyMap>,
    /// How it ended; unless its plan was fulfilled, the map is what there was by then.
    pub ending: Ending,
    /// Whether the plan was fulfilled and no pixel failed. Only then is the map the same as that of any
    /// other scan with the same plan.
    pub complete: bool,
    /// Workers that were put aside at some time.
    pub put_aside: Vec<PutAside>,
    /// What the tasks came to.
    pub tasks: TaskCounts,
    /// Time that workers spent on accepted results.
    pub busy_seconds: f64,
}

impl Scanned {
    /// All of its maps.
    pub fn atlas(&self) -> Atlas {
        Atlas {
            nominal: Arc::clone(&self.map),
            varied: self.varied.clone(),
        }
    }
}

impl From<Contents> for Scanned {
    /// What a finished scan came to, by its journal. Who was put aside is not in there.
    fn from(contents: Contents) -> Self {
        Self {
            complete: !contents.atlas.has_failed(),
            map: contents.atlas.nominal,
            varied: contents.atlas.varied,
            ending: Ending::Fulfilled,
            put_aside: Vec::new(),
            tasks: contents.counts,
            busy_seconds: contents.busy_seconds,
        }
    }
}
