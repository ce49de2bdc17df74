//! Lanes: one direction between one hub and one process, in order, nothing lost, nothing twice.
//!
//! The broker may lose a transient message when it restarts, and repeats what was not
//! acknowledged when a connection broke. So the sender keeps what the other end has not told to
//! have arrived and sends it again in a new incarnation of its connections; the receiver takes the
//! next number only. What is kept is bounded by the credit of the links behind the lane.
//!
//! Decision: Links of a process share a connection (`docs/decisions.md`).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Most entries in one frame.
const MAX_ENTRIES: usize = 64;

/// A frame takes no further entry beyond this.
const FULL_BYTES: usize = 256 << 10;

/// Most frames of one lane that the broker has not confirmed. What comes meanwhile is joined into
/// larger frames: small ones while there is little to do, large ones under load.
const WINDOW: usize = 4;

/// The sending end. `N` is what the sender wants back when the receiver has acted on a frame.
#[derive(Debug)]
pub(crate) struct Outbound<N> {
    next: u64,
    drafts: VecDeque<Draft<N>>,
    /// Frames that have not arrived yet, as far as is known.
    sent: VecDeque<(u64, Bytes)>,
    /// How many of `sent` went out since the last rewind.
    n_out: usize,
    notes: VecDeque<(u64, N)>,
    n_unconfirmed: usize,
    /// Whether whoever publishes knows that there is something to send.
    pub(crate) queued: bool,
    /// A frame without entries is due, to tell what has arrived.
    pub(crate) beat_due: bool,
}

#[derive(Debug, Default)]
struct Draft<N> {
    n_entries: usize,
    entries: BytesMut,
    note: N,
}

/// What to send next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) sequence: u64,
    pub(crate) entries: Bytes,
    /// Whether it was sent before.
    pub(crate) again: bool,
}

impl<N: Default> Outbound<N> {
    pub(crate) fn new() -> Self {
        Self {
            next: 1,
            drafts: VecDeque::new(),
            sent: VecDeque::new(),
            n_out: 0,
            notes: VecDeque::new(),
            n_unconfirmed: 0,
            queued: false,
            beat_due: false,
        }
    }

    /// Appends an entry, and returns the note of the frame that it goes with.
    pub(crate) fn push(&mut self, put: impl FnOnce(&mut BytesMut)) -> &mut N {
        let full = self.drafts.back().is_none_or(|draft| {
            draft.n_entries >= MAX_ENTRIES || draft.entries.len() >= FULL_BYTES
        });
        if full {
            self.drafts.push_back(Draft::default());
        }
        let at = self.drafts.len() - 1;
        let draft = &mut self.drafts[at];
        put(&mut draft.entries);
        draft.n_entries += 1;
        &mut draft.note
    }

    /// Takes the next frame; `None` while there is none or the window is full.
    pub(crate) fn next(&mut self) -> Option<Next> {
        if self.n_unconfirmed >= WINDOW {
            return None;
        }
        if let Some((sequence, entries)) = self.sent.get(self.n_out) {
            self.n_out += 1;
            self.n_unconfirmed += 1;
            return Some(Next {
                sequence: *sequence,
                entries: entries.clone(),
                again: true,
            });
        }
        let draft = self.drafts.pop_front()?;
        let sequence = self.next;
        self.next += 1;
        let entries = draft.entries.freeze();
        self.sent.push_back((sequence, entries.clone()));
        self.notes.push_back((sequence, draft.note));
        self.n_out += 1;
        self.n_unconfirmed += 1;
        self.beat_due = false;
        Some(Next {
            sequence,
            entries,
            again: false,
        })
    }

    /// The broker has a frame.
    pub(crate) fn confirmed(&mut self) {
        self.n_unconfirmed = self.n_unconfirmed.saturating_sub(1);
    }

    /// The receiver has every frame up to this one. A number never sent is ignored.
    pub(crate) fn arrived(&mut self, sequence: u64) {
        while self
            .sent
            .front()
            .is_some_and(|&(first, _)| first <= sequence)
        {
            self.sent.pop_front();
            self.n_out = self.n_out.saturating_sub(1);
        }
    }

    /// The receiver has acted on every frame up to this one; returns their notes.
    pub(crate) fn taken(&mut self, sequence: u64) -> Vec<N> {
        let n_taken = self
            .notes
            .partition_point(|&(number, _)| number <= sequence);
        self.notes.drain(..n_taken).map(|(_, note)| note).collect()
    }

    /// Sends everything again that is not known to have arrived.
    pub(crate) fn rewind(&mut self) {
        self.n_out = 0;
    }

    /// The connections are new: nothing is on its way any more.
    pub(crate) fn reconnected(&mut self) {
        self.n_out = 0;
        self.n_unconfirmed = 0;
        self.queued = false;
    }

    /// Bytes that are kept: not sent, or not known to have arrived.
    pub(crate) fn n_bytes(&self) -> usize {
        let sent = self.sent.iter().map(|(_, entries)| entries.len());
        let drafts = self.drafts.iter().map(|draft| draft.entries.len());
        sent.sum::<usize>() + drafts.sum::<usize>()
    }

    /// How many frames are not known to have arrived.
    pub(crate) fn n_open(&self) -> usize {
        self.sent.len()
    }
}

/// The receiving end.
#[derive(Debug)]
pub(crate) struct Inbound {
    arrived: u64,
    /// A later frame came before the next one.
    pub(crate) missing: bool,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is the next one.
    New,
    /// It has been here before.
    Repeated,
    /// One before it has not been here.
    Early,
}

impl Inbound {
    pub(crate) fn new() -> Self {
        Self {
            arrived: 0,
            missing: false,
        }
    }

    pub(crate) fn accept(&mut self, sequence: u64) -> Arrival {
        if sequence <= self.arrived {
            return Arrival::Repeated;
        }
        if sequence > self.arrived + 1 {
            self.missing = true;
            return Arrival::Early;
        }
        self.arrived = sequence;
        self.missing = false;
        Arrival::New
    }

    pub(crate) fn arrived(&self) -> u64 {
        self.arrived
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::{Arrival, Inbound, MAX_ENTRIES, Outbound, WINDOW};

    fn filled(n_entries: usize) -> Outbound<Vec<usize>> {
        let mut outbound: Outbound<Vec<usize>> = Outbound::new();
        for number in 0..n_entries {
            outbound.push(|out| out.put_u8(1)).push(number);
        }
        outbound
    }

    #[test]
    fn joins_entries_up_to_the_limit() {
        let mut outbound = filled(MAX_ENTRIES + 1);
        assert_eq!(
            outbound.next().map(|next| next.entries.len()),
            Some(MAX_ENTRIES)
        );
        assert_eq!(outbound.next().map(|next| next.entries.len()), Some(1));
        assert_eq!(outbound.next(), None);
    }

    #[test]
    fn waits_for_confirms_when_the_window_is_full() {
        let mut outbound = filled(MAX_ENTRIES * (WINDOW + 1));
        let n_sent = std::iter::from_fn(|| outbound.next()).count();
        assert_eq!(n_sent, WINDOW);
        outbound.confirmed();
        assert!(outbound.next().is_some());
    }

    #[test]
    fn sends_again_what_has_not_arrived() {
        let mut outbound = filled(MAX_ENTRIES * 3);
        let sent: Vec<u64> = std::iter::from_fn(|| outbound.next())
            .map(|next| next.sequence)
            .collect();
        assert_eq!(sent, [1, 2, 3]);
        outbound.arrived(1);
        outbound.reconnected();
        outbound.push(|out| out.put_u8(2));
        let again: Vec<(u64, bool)> = std::iter::from_fn(|| outbound.next())
            .map(|next| (next.sequence, next.again))
            .collect();
        assert_eq!(again, [(2, true), (3, true), (4, false)]);
        assert_eq!(outbound.taken(2).concat(), (0..128).collect::<Vec<_>>());
        outbound.arrived(4);
        assert_eq!((outbound.n_open(), outbound.next()), (0, None));
    }

    #[test]
    fn takes_each_frame_once_and_in_order() {
        let mut inbound = Inbound::new();
        assert_eq!(inbound.accept(1), Arrival::New);
        assert_eq!(inbound.accept(1), Arrival::Repeated);
        assert_eq!(inbound.accept(3), Arrival::Early);
        assert!(inbound.missing);
        assert_eq!(inbound.accept(2), Arrival::New);
        assert!(!inbound.missing && inbound.arrived() == 2);
    }
}
