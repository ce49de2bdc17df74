//! The keys that a hub and all whom it has let in have in common: of what it says to all, and of payloads.

use std::collections::HashMap;

use skyscan_transport::{PayloadId, backend::random};
use skyscan_transport_keys::{
    KeyError, MESSAGES_PER_KEY, MessageKey, NumberedOpener, NumberedSealer,
};

use crate::wire::{DoorFrame, Frame, Malformed, Scan, Sealed, Way, around};

/// Sealed parts of payloads that are kept, in bytes: thousands ask for the same.
const MOST_KEPT_BYTES: usize = 64 << 20;

/// The hub's end.
#[derive(Debug)]
pub(super) struct SharedSealer {
    scan: Scan,
    number: u64,
    to_all: MessageKey,
    sealer: NumberedSealer,
    content: MessageKey,
    next_content: u64,
    kept: HashMap<(PayloadId, u64), Sealed>,
    n_kept_bytes: usize,
}

impl SharedSealer {
    /// New keys.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub(super) fn new(scan: Scan) -> Result<Self, KeyError> {
        let to_all = MessageKey::random()?;
        Ok(Self {
            scan,
            number: random::number(),
            sealer: NumberedSealer::new(to_all.clone()),
            to_all,
            content: MessageKey::random()?,
            next_content: 0,
            kept: HashMap::new(),
            n_kept_bytes: 0,
        })
    }

    /// Whether so much was said that there should be others.
    pub(super) fn is_worn(&self) -> bool {
        self.sealer.next() >= MESSAGES_PER_KEY
    }

    /// What somebody is told who is let in.
    pub(super) fn let_in(&self) -> Frame {
        Frame::Door(DoorFrame::LetIn {
            scan: self.scan,
            shared: self.number,
            next: self.sealer.next(),
            to_all: self.to_all.clone(),
            content: self.content.clone(),
        })
    }

    pub(super) fn seal_to_all(&mut self, frame: &Frame) -> Sealed {
        let around = around(Way::ToAll, self.scan, self.number);
        let (number, bytes) = self.sealer.seal(&around, &frame.encode());
        self.sealed(Way::ToAll, number, bytes)
    }

    /// Seals a part of a payload, once however many ask for it.
    pub(super) fn seal_chunk(&mut self, of: (PayloadId, u64), frame: &Frame) -> Sealed {
        if let Some(kept) = self.kept.get(&of) {
            return kept.clone();
        }
        let around = around(Way::Content, self.scan, self.number);
        let number = self.next_content;
        self.next_content += 1;
        let bytes = self.content.seal(number, &around, &frame.encode());
        let sealed = self.sealed(Way::Content, number, bytes);
        if self.n_kept_bytes >= MOST_KEPT_BYTES {
            self.kept.clear();
            self.n_kept_bytes = 0;
        }
        self.n_kept_bytes += sealed.bytes.len();
        self.kept.insert(of, sealed.clone());
        sealed
    }

    fn sealed(&self, way: Way, number: u64, bytes: Vec<u8>) -> Sealed {
        Sealed {
            way,
            scan: self.scan,
            key: self.number,
            number,
            bytes: bytes.into(),
        }
    }
}

/// A process's end.
#[derive(Debug)]
pub(super) struct SharedOpener {
    pub(super) number: u64,
    opener: NumberedOpener,
    content: MessageKey,
}

impl SharedOpener {
    pub(super) fn new(number: u64, next: u64, to_all: MessageKey, content: MessageKey) -> Self {
        Self {
            number,
            opener: NumberedOpener::new(to_all, next),
            content,
        }
    }

    /// Opens what a hub has said to all.
    pub(super) fn open(&mut self, sealed: &Sealed) -> Result<Frame, Malformed> {
        if sealed.key != self.number {
            return Err(Malformed::UnknownSeal);
        }
        let (number, around) = (sealed.number, sealed.around());
        let plain = match sealed.way {
            Way::Content => self.content.open(number, &around, &sealed.bytes)?,
            _ => self.opener.open(number, &around, &sealed.bytes)?,
        };
        let frame = Frame::decode(plain.into())?;
        // What may come more than once must do no harm by that.
        match sealed.way == Way::Content && !matches!(frame, Frame::Chunk { .. }) {
            true => Err(Malformed::Range),
            false => Ok(frame),
        }
    }
}
