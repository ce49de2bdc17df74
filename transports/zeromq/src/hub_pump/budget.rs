//! How much a process, and all of them together, may have of a hub's memory.
//!
//! Anybody who reaches the port is served, so every list that a peer can make longer has an end
//! here. The limits are far beyond what a fleet of 80,000 workers needs; what goes over is refused
//! and counted, and costs its sender the session, not the others theirs.

/// Most processes.
pub(super) const MAX_PROCESSES: usize = 1 << 15;

/// Most links of one process: a fleet of a scenario lives in one.
pub(super) const MAX_LINKS_OF_A_PROCESS: usize = 1 << 16;

/// Most links of all processes.
pub(super) const MAX_LINKS: usize = 1 << 17;

/// Most links of one process that come and go between two looks at the clock: each is told to the
/// owners of the hubs, whose inboxes have no end.
pub(super) const MAX_CHURN: u32 = 1 << 15;

/// Most leases of one link, whatever it asks for: a stranger must not get all there is.
pub(super) const MAX_CREDIT: u16 = 4096;

/// Most bytes of hellos kept for one process.
pub(super) const MAX_HELLO_BYTES_OF_A_PROCESS: usize = 16 << 20;

/// Most bytes of hellos of all processes.
pub(super) const MAX_HELLO_BYTES: usize = 64 << 20;

/// Most lost settlements between two asks; beyond, the answer would be larger than its question.
pub(super) const MAX_LOST: usize = 1 << 14;

/// Most questions in one frame.
pub(super) const MAX_ASKS_OF_A_FRAME: usize = 1 << 12;

/// Most parts of payloads that one process has asked for and not got: its window for each of as
/// many payloads as a process serves hubs.
pub(super) const MAX_FETCHES_OF_A_PROCESS: usize = 1 << 11;

/// Most such parts of all processes.
pub(super) const MAX_FETCHES: usize = 1 << 17;

/// Chunks on their way to one process that it has not shown to have got.
pub(super) const MAX_CHUNKS_OF_A_PROCESS: usize = 8;

/// Such chunks of all processes: 64 MB, which lie in libzmq's queues if nobody reads.
pub(super) const MAX_CHUNKS: usize = 256;

/// Most bytes, leases not counted, that wait for one process which reads too slowly.
pub(super) const MAX_WAITING_BYTES_OF_A_PROCESS: usize = 8 << 20;

/// Most such bytes of all processes.
pub(super) const MAX_WAITING_BYTES: usize = 64 << 20;

/// Most bytes that wait for one process, leases and all. They are the scan's own tasks, whose number
/// is bounded by backlog and credit.
pub(super) const MAX_BYTES_OF_A_PROCESS: usize = 256 << 20;

/// What all processes have together.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) hello_bytes: usize,
    pub(super) n_fetches: usize,
    pub(super) n_chunks: usize,
}
