//! How a process comes in at the doors of hubs.

use std::collections::HashMap;

use bytes::Bytes;
use skyscan_transport_keys::{Dialled, LinkKeys, NumberedOpener, NumberedSealer, dial};
use tokio::time::{Duration, Instant};
use zeroize::Zeroizing;

use super::{prologue, shared::SharedOpener};
use crate::wire::{Address, DoorFrame, Frame, Malformed, Request, Scan, Sealed, Way, around};

/// Who is not answered for so long knocks again ...
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// ... and waits ever longer, up to this.
const LONGEST_PATIENCE: Duration = Duration::from_secs(32);
/// Silence that is no accident.
const PROOF: Duration = Duration::from_secs(5);
/// Most hubs that are known, heard of or forged.
const MOST: usize = 512;
/// A hub that was not heard of for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// The hubs at whose doors this process is.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    visits: HashMap<Scan, Visit>,
    n_knocks: u32,
}

#[derive(Debug)]
struct Visit {
    stage: Stage,
    since: Instant,
    /// When it was first knocked at the door, and since then not let in.
    first: Instant,
    /// When its hub was last heard of.
    heard: Instant,
    n_failures: u32,
}

#[derive(Debug)]
enum Stage {
    Knocked(u32, Option<Dialled>),
    Asked(Box<Session>),
    Inside(Box<Session>, Box<SharedOpener>),
    /// Refused, put out, or not up to date.
    Outside,
}

#[derive(Debug)]
struct Session {
    name: u64,
    sealer: NumberedSealer,
    opener: NumberedOpener,
}

/// What somebody says under seal.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A frame for this process.
    Frame(Frame),
    /// This process is let in.
    LetIn,
    /// This process is not let in, or not any more, and why.
    Refused(String),
    /// A hub is there, and this process is not inside.
    Stranger,
}

impl Visits {
    /// Knocks at the door of a hub that is heard of, if it is time to; and says what is in the way, if something is.
    pub(crate) fn knock(
        &mut self,
        (scan, from): (Scan, Address),
        (keys, namespace): (&LinkKeys, &str),
        now: Instant,
    ) -> (Option<Frame>, Option<String>) {
        let mut trouble = None;
        if let Some(visit) = self.visits.get_mut(&scan) {
            visit.heard = now;
            let patience = FIRST_PATIENCE * 2u32.saturating_pow(visit.n_failures.min(5));
            if now - visit.since < patience.min(LONGEST_PATIENCE) {
                return (None, None);
            }
            visit.n_failures += 1;
            let is_unheard = !matches!(visit.stage, Stage::Outside);
            trouble = (is_unheard && now - visit.first >= PROOF).then(|| {
                format!(
                    "not let in yet, will try again: the scan {:x} does not answer; it may have another key than the one \
                     that is pinned here (scanner.pub)",
                    scan.id.0
                )
            });
        } else if !self.make_room(now) {
            return (None, None);
        }
        let dialled = dial(
            &keys.secret,
            keys.scanner,
            &prologue(namespace, scan, from.process),
        );
        let Ok((dialled, greeting)) = dialled else {
            return (
                None,
                Some("the pinned key of the scanner is none".to_owned()),
            );
        };
        self.n_knocks = self.n_knocks.wrapping_add(1);
        let stage = Stage::Knocked(self.n_knocks, Some(dialled));
        let before = self.visits.get(&scan);
        let visit = Visit {
            stage,
            since: now,
            first: before.map_or(now, |visit| visit.first),
            heard: now,
            n_failures: before.map_or(0, |visit| visit.n_failures),
        };
        self.visits.insert(scan, visit);
        let knock = Frame::Door(DoorFrame::Knock {
            from,
            scan,
            knock: self.n_knocks,
            greeting: greeting.into(),
        });
        (Some(knock), trouble)
    }

    fn make_room(&mut self, now: Instant) -> bool {
        self.visits
            .retain(|_, visit| now - visit.heard < FORGOTTEN_AFTER);
        if self.visits.len() >= MOST {
            // Whoever publishes at the broker can make up hubs: these go first.
            let outside = |(_, visit): &(&Scan, &Visit)| !matches!(visit.stage, Stage::Inside(..));
            let oldest = self.visits.iter().filter(outside);
            let oldest = oldest.min_by_key(|(_, visit)| visit.since);
            if let Some(oldest) = oldest.map(|(&scan, _)| scan) {
                self.visits.remove(&oldest);
            }
        }
        self.visits.len() < MOST
    }

    /// A door has answered; returns what to ask it. An answer that does not fit changes nothing.
    pub(crate) fn answered(
        &mut self,
        (scan, knock): (Scan, u32),
        (name, answer): (u64, &[u8]),
        from: Address,
        keys: &LinkKeys,
        now: Instant,
    ) -> Result<Option<Frame>, Malformed> {
        let Some(visit) = self.visits.get_mut(&scan) else {
            return Ok(None);
        };
        let Stage::Knocked(number, dialled) = &mut visit.stage else {
            return Ok(None);
        };
        let Some(waiting) = dialled.take_if(|_| *number == knock) else {
            return Ok(None);
        };
        let agreed = match waiting.answered(answer) {
            Ok(agreed) => agreed,
            Err(waiting) => {
                *dialled = Some(waiting);
                return Err(Malformed::Unopened);
            }
        };
        let (sealer, opener) = agreed.into_messages();
        let mut session = Session {
            name,
            sealer,
            opener,
        };
        let token = keys.token.as_ref().map(|token| token.to_text());
        let ask = Frame::Door(DoorFrame::Ask {
            from,
            request: Request(token.unwrap_or_else(|| Zeroizing::new(Vec::new()))),
        });
        let sealed = session.seal(scan, &ask);
        (visit.stage, visit.since) = (Stage::Asked(Box::new(session)), now);
        Ok(Some(sealed))
    }

    /// Seals a frame for a hub; `None` if this process is not inside.
    pub(crate) fn seal(&mut self, scan: Scan, frame: &Frame) -> Option<Frame> {
        match &mut self.visits.get_mut(&scan)?.stage {
            Stage::Inside(session, _) => Some(session.seal(scan, frame)),
            Stage::Knocked(..) | Stage::Asked(_) | Stage::Outside => None,
        }
    }

    /// Opens what a hub has sealed. `is_served` says whether there is a session of tasks with it, which a forged
    /// frame shall not end.
    ///
    /// # Errors
    /// If it cannot be opened, or is none of what a hub says.
    pub(crate) fn open(
        &mut self,
        sealed: &Sealed,
        is_served: bool,
        now: Instant,
    ) -> Result<Heard, Malformed> {
        let visit = self.visits.get_mut(&sealed.scan);
        if sealed.way == Way::ToAll {
            let Some(visit) = visit else {
                return Ok(Heard::Stranger);
            };
            let Stage::Inside(_, shared) = &mut visit.stage else {
                return Ok(Heard::Stranger);
            };
            if shared.number != sealed.key && !is_served && now - visit.heard >= PROOF {
                // The keys have been replaced, and this process was not told.
                (visit.stage, visit.since) = (Stage::Outside, now);
                return Ok(Heard::Stranger);
            }
            let frame = shared.open(sealed)?;
            visit.heard = now;
            return match frame {
                Frame::Open { .. } | Frame::Closed { .. } | Frame::Notice { .. } => {
                    Ok(Heard::Frame(frame))
                }
                _ => Err(Malformed::Range),
            };
        }
        let visit = visit.ok_or(Malformed::UnknownSeal)?;
        match (&mut visit.stage, sealed.way) {
            (Stage::Inside(_, shared), Way::Content) => Ok(Heard::Frame(shared.open(sealed)?)),
            (Stage::Inside(session, _) | Stage::Asked(session), Way::ToProcess) => {
                let frame = session.open(sealed)?;
                visit.hear(frame, now)
            }
            _ => Err(Malformed::UnknownSeal),
        }
    }

    /// A hub has closed.
    pub(crate) fn forget(&mut self, scan: Scan) {
        self.visits.remove(&scan);
    }

    /// The connections are gone, and with them what was asked; what is sealed with a session is sent again.
    pub(crate) fn disconnected(&mut self) {
        self.visits
            .retain(|_, visit| matches!(visit.stage, Stage::Inside(..) | Stage::Outside));
    }
}

impl Visit {
    /// What a hub says to this process alone.
    fn hear(&mut self, frame: Frame, now: Instant) -> Result<Heard, Malformed> {
        match frame {
            Frame::Door(DoorFrame::LetIn {
                shared,
                next,
                to_all,
                content,
                ..
            }) => {
                let shared = SharedOpener::new(shared, next, to_all, content);
                let stage = std::mem::replace(&mut self.stage, Stage::Outside);
                if let Stage::Asked(session) | Stage::Inside(session, _) = stage {
                    self.stage = Stage::Inside(session, Box::new(shared));
                }
                (self.n_failures, self.heard) = (0, now);
                Ok(Heard::LetIn)
            }
            Frame::Door(DoorFrame::Refused { reason, .. }) => {
                (self.stage, self.since, self.first) = (Stage::Outside, now, now);
                Ok(Heard::Refused(reason))
            }
            Frame::Down { .. } | Frame::Absent { .. } | Frame::Unknown { .. }
                if matches!(self.stage, Stage::Inside(..)) =>
            {
                Ok(Heard::Frame(frame))
            }
            _ => Err(Malformed::Range),
        }
    }
}

impl Session {
    fn seal(&mut self, scan: Scan, frame: &Frame) -> Frame {
        let around = around(Way::ToHub, scan, self.name);
        let (number, bytes) = self.sealer.seal(&around, &frame.encode());
        Frame::Door(DoorFrame::Sealed(Sealed {
            way: Way::ToHub,
            scan,
            key: self.name,
            number,
            bytes: Bytes::from(bytes),
        }))
    }

    fn open(&mut self, sealed: &Sealed) -> Result<Frame, Malformed> {
        if sealed.key != self.name {
            return Err(Malformed::UnknownSeal);
        }
        let around = sealed.around();
        let plain = self.opener.open(sealed.number, &around, &sealed.bytes)?;
        Frame::decode(plain.into())
    }
}
