//! The door of a hub: hears who knocks, lets in whose key is on the list or who has a token, and puts out who is
//! withdrawn.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use skyscan_transport::backend::random;
use skyscan_transport_keys::{
    KeyError, NumberedOpener, NumberedSealer, PublicKey, count_caller, hear, no_handshake,
    turn_away,
};
use tokio::time::{Duration, Instant};

use super::{keys::HubSide, prologue, shared::SharedSealer};
use crate::{
    hub::MAX_PROCESSES,
    outbox::{Outbox, Route},
    wire::{Address, DoorFrame, Frame, Malformed, Request, Scan, Sealed, Way, around},
};

/// Who has not said by then who it is, is forgotten.
const PATIENCE: Duration = Duration::from_secs(10);
/// Callers that are not known yet, at most.
pub(super) const MOST_CALLERS: usize = 4096;
/// When there is no room, who was silent for so long makes some.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// The door of one hub.
#[derive(Debug)]
pub(crate) struct HubDoor {
    side: Arc<HubSide>,
    namespace: String,
    scan: Scan,
    /// By the names of their sessions.
    callers: HashMap<u64, Caller>,
    /// Sessions that are not let in yet, the oldest first.
    waiting: VecDeque<(u64, Instant)>,
    /// Sessions of the processes that are.
    inside: HashMap<u64, u64>,
    shared: SharedSealer,
    /// The lists on which all are who are inside.
    lists: u64,
}

#[derive(Debug)]
struct Caller {
    peer: PublicKey,
    at: Address,
    sealer: NumberedSealer,
    opener: NumberedOpener,
    /// Once it is let in.
    name: Option<String>,
    heard: Instant,
}

/// What a process says under seal.
#[derive(Debug)]
pub(crate) enum Behind {
    /// A frame for the hub.
    Frame(Frame),
    /// It was let in, and does not know yet what is here.
    LetIn(Address),
    /// It was refused, and told so.
    Refused,
}

impl HubDoor {
    /// # Errors
    /// If the system has no random numbers.
    pub(crate) fn new(side: Arc<HubSide>, namespace: String, scan: Scan) -> Result<Self, KeyError> {
        let lists = *side.admission.changes().borrow();
        Ok(Self {
            side,
            namespace,
            scan,
            callers: HashMap::new(),
            waiting: VecDeque::new(),
            inside: HashMap::new(),
            shared: SharedSealer::new(scan)?,
            lists,
        })
    }

    #[cfg(test)]
    pub(super) fn side(&self) -> Arc<HubSide> {
        Arc::clone(&self.side)
    }

    /// Hears who knocks; returns the answer.
    pub(crate) fn knock(
        &mut self,
        from: Address,
        knock: u32,
        greeting: &[u8],
        now: Instant,
    ) -> Option<Frame> {
        while self
            .waiting
            .front()
            .is_some_and(|&(_, since)| now - since > PATIENCE)
        {
            if let Some((session, _)) = self.waiting.pop_front()
                && self
                    .callers
                    .get(&session)
                    .is_some_and(|caller| caller.name.is_none())
            {
                self.callers.remove(&session);
                turn_away("too_slow", "said nothing for too long");
            }
        }
        if self.waiting.len() >= MOST_CALLERS {
            turn_away("too_many", "too many knock");
            return None;
        }
        let prologue = prologue(&self.namespace, self.scan, from.process);
        let heard = match hear(&self.side.secret, &prologue, greeting) {
            Ok(heard) => heard,
            Err(unopened) => {
                turn_away("no_handshake", &no_handshake(&unopened));
                return None;
            }
        };
        let session = random::number();
        let (sealer, opener) = heard.agreed.into_messages();
        let caller = Caller {
            peer: heard.peer,
            at: from,
            sealer,
            opener,
            name: None,
            heard: now,
        };
        self.callers.insert(session, caller);
        self.waiting.push_back((session, now));
        Some(Frame::Door(DoorFrame::Answer {
            scan: self.scan,
            knock,
            session,
            answer: heard.answer.into(),
        }))
    }

    /// Opens what a process has sealed. What the door answers goes to the outbox.
    ///
    /// # Errors
    /// If it cannot be opened, or does not come from who says so.
    pub(crate) fn open(
        &mut self,
        sealed: &Sealed,
        now: Instant,
        outbox: &mut Outbox,
    ) -> Result<Behind, Malformed> {
        let caller = self.callers.get_mut(&sealed.key);
        let caller = caller.filter(|_| sealed.way == Way::ToHub);
        let caller = caller.ok_or(Malformed::UnknownSeal)?;
        let plain = caller
            .opener
            .open(sealed.number, &sealed.around(), &sealed.bytes)?;
        caller.heard = now;
        let frame = Frame::decode(plain.into())?;
        match frame {
            Frame::Door(DoorFrame::Ask { from, request })
                if from.process == caller.at.process && caller.name.is_none() =>
            {
                caller.at = from;
                Ok(match self.ask(sealed.key, &request, now, outbox) {
                    true => Behind::LetIn(from),
                    false => Behind::Refused,
                })
            }
            Frame::Up { from, .. } | Frame::Fetch { from, .. }
                if from.process == caller.at.process && caller.name.is_some() =>
            {
                caller.at = from;
                Ok(Behind::Frame(frame))
            }
            // Nobody speaks for another one.
            _ => Err(Malformed::Range),
        }
    }

    /// Lets a caller in, or not, now that it is sure who asks.
    fn ask(&mut self, session: u64, request: &Request, now: Instant, outbox: &mut Outbox) -> bool {
        let Some(caller) = self.callers.get(&session) else {
            return false;
        };
        let (peer, at) = (caller.peer, caller.at);
        self.waiting.retain(|&(waiting, _)| waiting != session);
        let admitted = match peer == self.side.own {
            true => Ok("the place itself".to_owned()),
            false => self.side.admission.admit(peer, &request.0),
        };
        let name = match admitted {
            Ok(name) => name,
            Err(refusal) => {
                turn_away(refusal.word(), &format!("{peer:?}: {}", refusal.told()));
                return self.put_out(session, refusal.told(), outbox);
            }
        };
        if let Some(before) = self.inside.get(&at.process).copied() {
            // It has come again; nobody takes the place of another one.
            let is_same = self
                .callers
                .get(&before)
                .is_some_and(|known| known.peer == peer);
            if !is_same {
                turn_away("taken", &format!("{peer:?}: the process of another key"));
                return self.put_out(session, "another one has this name", outbox);
            }
            self.callers.remove(&before);
        } else if self.inside.len() >= MAX_PROCESSES && !self.make_room(now) {
            turn_away("too_many", &format!("{peer:?}: too many are inside"));
            return self.put_out(session, "too many are here", outbox);
        }
        count_caller("let_in");
        tracing::debug!(process = at.process, "{name} ({peer:?}) is let in");
        self.inside.insert(at.process, session);
        if let Some(caller) = self.callers.get_mut(&session) {
            caller.name = Some(name);
        }
        let let_in = self.shared.let_in();
        if let Some(sealed) = self.seal_to(session, &let_in) {
            outbox.letter(Route::Process(at), sealed);
        }
        true
    }

    fn make_room(&mut self, now: Instant) -> bool {
        let callers = &mut self.callers;
        self.inside.retain(|_, session| {
            let heard = callers.get(session).map(|caller| caller.heard);
            let stays = heard.is_some_and(|heard| now - heard < FORGOTTEN_AFTER);
            if !stays {
                callers.remove(session);
            }
            stays
        });
        self.inside.len() < MAX_PROCESSES
    }

    /// Says why, and forgets it; returns that it is not inside.
    fn put_out(&mut self, session: u64, reason: &str, outbox: &mut Outbox) -> bool {
        let refused = Frame::Door(DoorFrame::Refused {
            scan: self.scan,
            reason: reason.to_owned(),
        });
        let sealed = self.seal_to(session, &refused);
        if let (Some(sealed), Some(caller)) = (sealed, self.callers.remove(&session)) {
            outbox.letter(Route::Process(caller.at), sealed);
            if self.inside.get(&caller.at.process) == Some(&session) {
                self.inside.remove(&caller.at.process);
            }
        }
        false
    }

    /// Puts out who is not on the lists any more, and returns their processes; those who stay get other keys then,
    /// and when much was said with the old ones.
    pub(crate) fn keep(&mut self, outbox: &mut Outbox) -> Vec<u64> {
        let lists = *self.side.admission.changes().borrow();
        let mut withdrawn = Vec::new();
        if lists != self.lists {
            self.lists = lists;
            for (&process, session) in &self.inside {
                if let Some(caller) = self.callers.get(session)
                    && caller.peer != self.side.own
                    && self.side.admission.name(caller.peer).is_none()
                {
                    let name = caller.name.as_deref().unwrap_or_default();
                    turn_away(
                        "withdrawn",
                        &format!("{name} ({:?}) was withdrawn", caller.peer),
                    );
                    withdrawn.push((process, *session));
                }
            }
            for &(_, session) in &withdrawn {
                self.put_out(session, "this key, or its token, was withdrawn", outbox);
            }
        }
        if !withdrawn.is_empty() || self.shared.is_worn() {
            match SharedSealer::new(self.scan) {
                Ok(shared) => self.shared = shared,
                Err(error) => tracing::warn!(%error, "keys are not replaced"),
            }
            let let_in = self.shared.let_in();
            let inside: Vec<(u64, u64)> = self.inside.iter().map(|(&p, &s)| (p, s)).collect();
            for (process, session) in inside {
                if let Some(sealed) = self.seal_to(session, &let_in) {
                    outbox.letter(Route::Tasks(self.scan, process), sealed);
                }
            }
        }
        withdrawn.into_iter().map(|(process, _)| process).collect()
    }

    /// Seals a frame of the hub for whom it goes to; `None` if nobody inside is there.
    pub(crate) fn seal(&mut self, route: Route, frame: &Frame) -> Option<Frame> {
        match (frame, route) {
            (
                Frame::Chunk {
                    payload, offset, ..
                },
                _,
            ) => {
                let sealed = self.shared.seal_chunk((*payload, *offset), frame);
                Some(Frame::Door(DoorFrame::Sealed(sealed)))
            }
            (Frame::Down { .. } | Frame::Absent { .. } | Frame::Unknown { .. }, route) => {
                let process = match route {
                    Route::Process(address) => address.process,
                    Route::Tasks(_, process) => process,
                    _ => return None,
                };
                self.seal_to(*self.inside.get(&process)?, frame)
            }
            _ => {
                let sealed = self.shared.seal_to_all(frame);
                Some(Frame::Door(DoorFrame::Sealed(sealed)))
            }
        }
    }

    fn seal_to(&mut self, session: u64, frame: &Frame) -> Option<Frame> {
        let caller = self.callers.get_mut(&session)?;
        let around = around(Way::ToProcess, self.scan, session);
        let (number, bytes) = caller.sealer.seal(&around, &frame.encode());
        Some(Frame::Door(DoorFrame::Sealed(Sealed {
            way: Way::ToProcess,
            scan: self.scan,
            key: session,
            number,
            bytes: bytes.into(),
        })))
    }
}
