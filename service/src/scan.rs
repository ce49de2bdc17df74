//! What a scan is to those who ask for it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::settings::{Priority, Settings};

/// The name of a scan: run, event, and the beginning of the hash of event and settings. The same alert with the same
/// settings is the same scan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ScanName(pub String);

impl fmt::Display for ScanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for its turn.
    Queued,
    /// Is being scanned.
    Running,
    /// Has its map.
    Done,
    /// Has a map that lacks pixels.
    Incomplete,
    /// Has no map.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl State {
    /// Whether nothing more becomes of it unless somebody asks.
    #[must_use]
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Its word, as JSON and the catalogue have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A scan in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scan {
    /// Its name.
    pub id: ScanName,
    /// How far it is.
    pub state: State,
    /// Which scan gets workers first.
    pub priority: Priority,
    /// What was asked.
    pub settings: Settings,
    /// The event.
    pub event: EventName,
    /// Which door it came through: `http`, `folder` or `program`, and who brought it, such as the name of a token.
    pub from: String,
    /// When it was submitted, RFC 3339 in UTC.
    pub submitted: String,
    /// When it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The best direction so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Direction>,
    /// Area of the 90 % region so far, in square degrees, if it was asked for and is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_deg2: Option<f64>,
    /// Why the answer is doubtful: names as in docs/analyst.md.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub quality: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is odd about the event though it can be scanned.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
}

/// Which event it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventName {
    /// Run of the detector.
    pub run_id: u32,
    /// Event of the run.
    pub event_id: u32,
    /// Modified Julian date, UTC.
    pub mjd: f64,
    /// Alert stream, such as `GOLD`, or `SYNTHETIC`; empty if unknown.
    #[serde(default)]
    pub stream: String,
}

/// A direction in the sky, ICRS.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Direction {
    /// Right ascension, 0 to 360 degrees.
    pub ra_deg: f64,
    /// Declination in degrees.
    pub dec_deg: f64,
}

/// How a running scan gets on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// Rounds begun so far, coarse to fine.
    pub rounds: Vec<Round>,
    /// Pixels done in a second.
    pub pixels_per_s: f64,
    /// Tasks that are out.
    pub n_out: usize,
    /// Pixels of the running wave that are in no task yet; with none, what is out is the tail.
    pub n_waiting: usize,
    /// Slots of the workers that are there.
    pub n_slots: usize,
    /// Seconds until the running round ends, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
}

/// One round of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Round {
    /// Its resolution.
    pub nside: u32,
    /// Whether it repeats the scan under systematics.
    pub is_systematic: bool,
    /// Pixels with an outcome.
    pub n_done: u64,
    /// Pixels asked for so far.
    pub n_planned: u64,
}

/// What is known of the source before the scan has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contour {
    /// Whether finer rounds are not expected to move it.
    pub is_stable: bool,
    /// Resolution at the best fit.
    pub nside: u32,
    /// The best direction.
    pub best: Direction,
    /// The regions, small to large.
    pub regions: Vec<Region>,
}

/// Where the source is with some probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// That probability.
    pub containment: f64,
    /// Its area.
    pub area_deg2: f64,
    /// Whether all of it was scanned.
    pub is_closed: bool,
    /// Its outlines: right ascension and declination in degrees.
    pub outlines: Vec<Vec<[f64; 2]>>,
}

/// What a scan came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// One of the states that are ends.
    pub state: State,
    /// What `skyscan scan --format json` prints, if there is a map.
    pub result: Option<Value>,
    /// Its last contour, with outlines, if there is a map.
    pub contour: Option<Contour>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Ended {
    /// One that came to nothing.
    #[must_use]
    pub fn failed(error: String) -> Self {
        Self {
            state: State::Failed,
            result: None,
            contour: None,
            error: Some(error),
        }
    }
}

/// A map as it stands: the finest fit of every part of the sky that has one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Map {
    /// One entry a resolution, coarse to fine; RING.
    pub rounds: Vec<MapRound>,
}

/// The pixels of one resolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MapRound {
    /// The resolution.
    pub nside: u32,
    /// Pixel numbers, RING.
    pub pixels: Vec<u64>,
    /// Negative log-likelihood of each, null if its fit failed.
    pub llh: Vec<Option<f64>>,
}

/// A hit DOM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// Position, in metres, in the detector's frame.
    pub position_m: [f64; 3],
    /// Time of its first pulse since the event's first, in nanoseconds.
    pub time_ns: f64,
    /// Its charge in photoelectrons.
    pub charge_pe: f64,
}

/// One worker that is there, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkerRow {
    /// Its name.
    pub worker: String,
    /// Tasks evaluated at once.
    pub slots: u32,
    /// Reconstructions that it offers.
    pub recos: Vec<String>,
    /// The build of it.
    pub build: String,
    /// Seconds since it came.
    pub since_s: f64,
    /// Results taken from it.
    pub n_results: u64,
    /// Why it is put aside, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_aside: Option<String>,
}

/// Who is there, and what passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fleet {
    /// Where workers come to, without secrets.
    pub transport: String,
    /// Who is there.
    pub workers: Vec<WorkerRow>,
    /// Messages sent and received, bytes sent and received, by this process.
    pub traffic: Traffic,
}

/// What this process sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Traffic {
    /// Messages put on the wire.
    pub messages_sent: u64,
    /// Messages taken from it.
    pub messages_received: u64,
    /// Bytes put on the wire.
    pub bytes_sent: u64,
    /// Bytes taken from it.
    pub bytes_received: u64,
}
