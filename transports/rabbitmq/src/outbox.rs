//! What waits to be published, in the order in which it became ready.

use std::collections::VecDeque;

use skyscan_transport::{PayloadId, ScanId};
use tokio::{sync::oneshot, time::Instant};

use crate::wire::{Address, Frame, Scan};

/// Chunk requests that wait beyond this are forgotten; whoever asked asks again.
const MAX_CHUNKS: usize = 4096;

/// Chunks that the broker has not confirmed: tasks must not queue behind a payload.
const MAX_CHUNKS_OUT: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    lanes: VecDeque<LaneEnd>,
    letters: VecDeque<Letter>,
    chunks: VecDeque<ChunkWanted>,
    n_chunks_out: usize,
}

/// The sending end of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneEnd {
    /// From a hub of this process.
    OfHub { scan: ScanId, process: u64 },
    /// From this process to a hub.
    OfProcess { scan: ScanId },
}

/// A frame outside the lanes.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) route: Route,
    pub(crate) frame: Frame,
    pub(crate) receipt: Receipt,
}

/// A part of a payload that somebody wants of a hub of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkWanted {
    pub(crate) scan: Scan,
    pub(crate) payload: PayloadId,
    pub(crate) offset: u64,
    pub(crate) to: Address,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To every process of the place.
    AllProcesses,
    /// To every hub of the place.
    AllHubs,
    /// To every process that serves this hub.
    Notices(Scan),
    /// To one process.
    Process(Address),
    /// To a hub: questions.
    Requests(Scan),
    /// To a hub: its lane.
    Results(Scan),
    /// To a process: a hub's lane.
    Tasks(Scan, u64),
}

/// What to do once the broker has confirmed a frame.
#[derive(Debug)]
pub(crate) enum Receipt {
    Nothing,
    /// Tell whoever waits.
    Tell(oneshot::Sender<()>),
    Announced(Scan),
    Chunk,
    HubLane {
        scan: Scan,
        process: u64,
        session: u32,
        beat: bool,
    },
    ProcessLane {
        scan: Scan,
        session: u32,
        beat: bool,
        sent_at: Instant,
    },
}

impl Receipt {
    /// Whether the frame carried tasks or what became of them, not only a sign of life.
    pub(crate) fn is_of_a_task(&self) -> bool {
        matches!(
            self,
            Self::HubLane { beat: false, .. } | Self::ProcessLane { beat: false, .. }
        )
    }
}

impl Outbox {
    /// The lane has something to send; to be called once until it is taken.
    pub(crate) fn lane(&mut self, lane: LaneEnd) {
        self.lanes.push_back(lane);
    }

    pub(crate) fn letter(&mut self, route: Route, frame: Frame) {
        self.letter_with(route, frame, Receipt::Nothing);
    }

    pub(crate) fn letter_with(&mut self, route: Route, frame: Frame, receipt: Receipt) {
        self.letters.push_back(Letter {
            route,
            frame,
            receipt,
        });
    }

    pub(crate) fn chunk(&mut self, wanted: ChunkWanted) {
        if self.chunks.len() < MAX_CHUNKS {
            self.chunks.push_back(wanted);
        }
    }

    pub(crate) fn take_letter(&mut self) -> Option<Letter> {
        self.letters.pop_front()
    }

    pub(crate) fn take_lane(&mut self) -> Option<LaneEnd> {
        self.lanes.pop_front()
    }

    pub(crate) fn take_chunk(&mut self) -> Option<ChunkWanted> {
        if self.n_chunks_out >= MAX_CHUNKS_OUT {
            return None;
        }
        let wanted = self.chunks.pop_front()?;
        self.n_chunks_out += 1;
        Some(wanted)
    }

    pub(crate) fn chunk_confirmed(&mut self) {
        self.n_chunks_out = self.n_chunks_out.saturating_sub(1);
    }

    /// Whether somebody should publish.
    pub(crate) fn is_empty(&self) -> bool {
        let no_chunk = self.chunks.is_empty() || self.n_chunks_out >= MAX_CHUNKS_OUT;
        self.lanes.is_empty() && self.letters.is_empty() && no_chunk
    }

    pub(crate) fn n_letters(&self) -> usize {
        self.letters.len()
    }

    /// The connections are new: lanes are queued again by whoever owns them.
    pub(crate) fn reconnected(&mut self) {
        self.lanes.clear();
        self.n_chunks_out = 0;
    }
}
