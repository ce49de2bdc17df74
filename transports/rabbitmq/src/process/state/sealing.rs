//! Seals frames on their way out, and opens them on their way in; what is at the door of a hub is heard here.

use std::sync::Arc;

use tokio::time::Instant;

use super::State;
use crate::{
    door::{Behind, Heard},
    outbox::Route,
    process::{Outgoing, Process, Source},
    wire::{Address, DoorFrame, Frame, Malformed, Scan, Sealed, Way},
};

impl State {
    /// Acts on a frame, if it may be believed.
    pub(in crate::process) fn receive(
        &mut self,
        process: &Arc<Process>,
        source: Source,
        frame: Frame,
        now: Instant,
    ) -> Result<(), Malformed> {
        let has_keys = process.common.keys.is_some();
        match (frame, source) {
            (Frame::Door(DoorFrame::Sealed(sealed)), _) if !has_keys => {
                // Whoever is told that way has no session with it.
                if sealed.way == Way::ToAll && matches!(source, Source::Process) {
                    self.sessions.hub_is_sealed();
                }
                Err(Malformed::Keyless)
            }
            (Frame::Door(door), Source::Hub(scan)) => {
                self.at_own_door(process, source, scan, door, now)
            }
            (Frame::Door(door), Source::Process | Source::Tasks(_)) => {
                self.at_a_door(process, source, door, now)
            }
            // Everybody may ask.
            (frame @ Frame::WhoIsThere { .. }, source) => self.act(process, source, frame, now),
            (Frame::Open { scan, .. }, Source::Process) if has_keys => {
                self.is_not_sealed(process, scan, now);
                Err(Malformed::Unsealed)
            }
            (_, _) if has_keys => Err(Malformed::Unsealed),
            (frame, source) => self.act(process, source, frame, now),
        }
    }

    /// What comes to a hub of this process.
    fn at_own_door(
        &mut self,
        process: &Arc<Process>,
        source: Source,
        scan: Scan,
        frame: DoorFrame,
        now: Instant,
    ) -> Result<(), Malformed> {
        let hub = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan);
        let Some(hub) = hub else {
            return Ok(());
        };
        let outbox = &mut self.sessions.outbox;
        match (frame, &mut hub.door) {
            (DoorFrame::Knock { .. }, None) => {
                let words = format!(
                    "a worker with keys is at {}, and this scan has none, so it does not come in: give the scan --keys \
                     (`skyscan keygen DIR`), or the worker none",
                    process.place
                );
                process.common.said.warn(words, now);
                Err(Malformed::Keyless)
            }
            (
                DoorFrame::Knock {
                    from,
                    scan: meant,
                    knock,
                    greeting,
                },
                Some(door),
            ) if meant == scan => {
                if let Some(answer) = door.knock(from, knock, &greeting, now) {
                    outbox.letter(Route::Process(from), answer);
                }
                Ok(())
            }
            (DoorFrame::Sealed(sealed), Some(door)) if sealed.scan == scan => {
                match door.open(&sealed, now, outbox)? {
                    Behind::Frame(frame) => self.act(process, source, frame, now),
                    Behind::LetIn(to) => {
                        outbox.letter(Route::Process(to), hub.announcement());
                        Ok(())
                    }
                    Behind::Refused => Ok(()),
                }
            }
            _ => Err(Malformed::Range),
        }
    }

    /// What comes to this process from a hub.
    fn at_a_door(
        &mut self,
        process: &Arc<Process>,
        source: Source,
        frame: DoorFrame,
        now: Instant,
    ) -> Result<(), Malformed> {
        let Some(keys) = process.common.keys.as_ref().and_then(|keys| keys.link()) else {
            // Hubs hear other hubs, and have nothing to do with them.
            return Ok(());
        };
        let from = process.address(self);
        match frame {
            DoorFrame::Answer {
                scan,
                knock,
                session,
                answer,
            } => {
                let at = (scan, knock);
                let ask = self
                    .visits
                    .answered(at, (session, &answer), from, &keys, now)?;
                if let Some(ask) = ask {
                    self.sessions.outbox.letter(Route::Requests(scan), ask);
                }
                Ok(())
            }
            DoorFrame::Sealed(sealed) => self.open(process, source, &sealed, now),
            _ => Err(Malformed::Range),
        }
    }

    fn open(
        &mut self,
        process: &Arc<Process>,
        source: Source,
        sealed: &Sealed,
        now: Instant,
    ) -> Result<(), Malformed> {
        let scan = sealed.scan;
        let is_served = self.sessions.is_open(scan).is_some();
        match self.visits.open(sealed, is_served, now)? {
            Heard::Frame(frame) => self.act(process, source, frame, now),
            Heard::LetIn => {
                *process.common.refused.lock() = None;
                Ok(())
            }
            Heard::Refused(reason) => {
                let words = format!("not let in yet, will try again: refused: {reason}");
                process.common.said.warn(words, now);
                *process.common.refused.lock() = Some(reason);
                self.sessions.hub_closed(scan, now);
                Ok(())
            }
            Heard::Stranger => {
                if let Some(trouble) = self.knock(process, scan, now) {
                    process.common.said.warn(trouble, now);
                }
                Ok(())
            }
        }
    }

    /// A hub is there behind whose door this process is not. Returns what is in the way for long.
    fn knock(&mut self, process: &Arc<Process>, scan: Scan, now: Instant) -> Option<String> {
        let keys = process.common.keys.as_ref().and_then(|keys| keys.link());
        let keys = keys.filter(|_| self.sessions.links.n_links() > 0)?;
        let from = process.address(self);
        let with = (&*keys, process.place.namespace.as_str());
        let (knock, trouble) = self.visits.knock((scan, from), with, now);
        if let Some(knock) = knock {
            self.sessions.outbox.letter(Route::Requests(scan), knock);
        }
        trouble
    }

    /// A hub is there that has no keys, or somebody says so. It is told by a knock, which it does not understand.
    fn is_not_sealed(&mut self, process: &Arc<Process>, scan: Scan, now: Instant) {
        if self.sessions.links.n_links() == 0 || self.sessions.is_open(scan).is_some() {
            return;
        }
        let words = format!(
            "not served: the scan {:x} at {} is not sealed, and this worker has keys: give the scan --keys \
             (`skyscan keygen DIR`), or the worker none",
            scan.id.0, process.place
        );
        process.common.said.warn(words, now);
        let _known = self.knock(process, scan, now);
    }

    /// The next frame as it travels.
    pub(in crate::process) fn next_sealed(
        &mut self,
        from: Address,
        now: Instant,
        has_keys: bool,
    ) -> Option<Outgoing> {
        loop {
            let mut outgoing = self.next_outgoing(from, now)?;
            let is_clear = matches!(outgoing.frame, Frame::Door(_) | Frame::WhoIsThere { .. });
            if !has_keys || is_clear {
                return Some(outgoing);
            }
            if let Some(sealed) = self.seal(outgoing.route, &outgoing.frame) {
                outgoing.frame = sealed;
                return Some(outgoing);
            }
            // Whom it was for has gone, or was put out.
            self.nacked(outgoing.receipt);
        }
    }

    fn seal(&mut self, route: Route, frame: &Frame) -> Option<Frame> {
        if let (
            Frame::Up { .. } | Frame::Fetch { .. },
            Route::Results(scan) | Route::Requests(scan),
        ) = (frame, route)
        {
            return self.visits.seal(scan, frame);
        }
        let scan = frame.of_hub()?;
        let hub = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan)?;
        hub.door.as_mut()?.seal(route, frame)
    }
}
