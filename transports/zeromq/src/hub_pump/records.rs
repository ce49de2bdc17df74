//! What processes say: hello, links, settlements, fetches.

use bytes::Bytes;
use skyscan_transport::{Conclusion, DownCause, LeaseToken, Outcome, WorkerId};

use super::{HubPump, session::Session};
use crate::wire::{LinkUp, Malformed, Reader, ToHub};

/// Most links of one process.
const MAX_LINKS: usize = 1 << 17;

/// Most lost settlements remembered until the next ask; a link's credit is below.
const MAX_LOST: usize = 1 << 17;

/// Most bytes of hellos kept for one process.
const MAX_HELLO_BYTES: usize = 64 << 20;

impl HubPump {
    /// Begins a session if the frame begins with a hello.
    pub(super) fn greet(&mut self, identity: &[u8], frame: Bytes) -> Result<(), Malformed> {
        let (sequence, mut reader) = Reader::open(frame)?;
        let Some(ToHub::Hello { process }) = reader.next_to_hub()? else {
            return Err(Malformed::Stranger);
        };
        if sequence != 0 {
            return Err(Malformed::Stranger);
        }
        if let Some(&old) = self.by_process.get(&process) {
            self.lose(old);
        }
        let mut session = Session::new(identity, process, self.now);
        session.next_in = 1;
        session.writer.terms(self.liveness_ms());
        for (&scan, hub) in &self.hubs {
            let term_ms = hub.config.lease_term.as_millis() as u64;
            session
                .writer
                .hub_up(scan, hub.config.protocol, term_ms, &hub.config.welcome);
        }
        let at = self.add_session(session);
        if self.read_records(at, &mut reader).is_err() {
            self.break_session(at);
            self.meters.malformed.increment(1);
        }
        Ok(())
    }

    /// Reads a frame of a session.
    pub(super) fn read(&mut self, at: usize, frame: Bytes) -> Result<(), Malformed> {
        let (sequence, mut reader) = Reader::open(frame)?;
        let now = self.now;
        let session = self.sessions[at].as_mut().ok_or(Malformed::Stranger)?;
        if sequence != session.next_in {
            return Err(Malformed::Gap);
        }
        session.next_in = sequence.wrapping_add(1);
        session.heard = now;
        self.read_records(at, &mut reader)
    }

    fn read_records(&mut self, at: usize, reader: &mut Reader) -> Result<(), Malformed> {
        while let Some(record) = reader.next_to_hub()? {
            match record {
                ToHub::Completed {
                    number,
                    token,
                    worker,
                    result,
                } => {
                    let conclusion = Conclusion::Completed(result);
                    self.settle(at, number, token, worker, conclusion);
                }
                ToHub::Rejected {
                    number,
                    token,
                    worker,
                    reason,
                } => {
                    let conclusion = Conclusion::Rejected(reason);
                    self.settle(at, number, token, worker, conclusion);
                }
                ToHub::Released { number, token } => {
                    let slot = self.slot_of(at, number);
                    let taken = slot.is_some_and(|slot| self.table.release(slot, token));
                    self.count_settled(at, taken);
                }
                ToHub::Renew { number, token } => {
                    let now = self.now.duration_since(self.origin);
                    let slot = self.slot_of(at, number);
                    let taken = slot.is_some_and(|slot| self.table.renew(slot, token, now));
                    self.count_settled(at, taken);
                }
                ToHub::Ask { batch } => self.answer(at, batch),
                ToHub::Abandoned { number, token } => {
                    if let Some(slot) = self.slot_of(at, number) {
                        self.table.release(slot, token);
                    }
                }
                ToHub::LinkUp(up) => self.link_up(at, up)?,
                ToHub::Drain { number } => self.drain(at, number),
                ToHub::LinkDown { number, closed } => {
                    let cause = if closed {
                        DownCause::Closed
                    } else {
                        DownCause::Lost
                    };
                    self.link_down(at, number, cause);
                    self.write(at, |session| session.writer.link_gone(number));
                }
                ToHub::Fetch {
                    scan,
                    payload,
                    offset,
                    length,
                } => {
                    self.wanted(at, scan, payload, offset, length);
                }
                ToHub::Beat => {}
                ToHub::Goodbye => {
                    self.end_session(at, DownCause::Closed);
                    return Ok(());
                }
                ToHub::Hello { .. } => return Err(Malformed::Stranger),
            }
        }
        Ok(())
    }

    /// Ends a lease. `worker` says who did it if that was not the worker of the link.
    fn settle(
        &mut self,
        at: usize,
        number: u32,
        token: LeaseToken,
        worker: Option<WorkerId>,
        conclusion: Conclusion,
    ) {
        let Some(link) = self.sessions[at]
            .as_ref()
            .and_then(|session| session.links.get(number as usize)?.as_ref())
        else {
            return self.count_settled(at, false);
        };
        let settling = link.slot.and_then(|slot| self.table.settle(slot, token));
        if let Some(settling) = settling
            && let Some(hub) = self.hubs.get_mut(&settling.key.scan)
        {
            hub.outcomes.push(Outcome {
                task: settling.key.task,
                attempt: settling.attempt,
                link: link.up.link,
                worker: worker.unwrap_or(link.up.worker),
                conclusion,
            });
        }
        self.count_settled(at, settling.is_some());
    }

    fn count_settled(&mut self, at: usize, taken: bool) {
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        if !taken && session.lost.len() < MAX_LOST {
            session.lost.push(session.n_settled);
        }
        session.n_settled = session.n_settled.saturating_add(1);
    }

    fn answer(&mut self, at: usize, batch: u32) {
        self.write(at, |session| {
            session.writer.answer(batch, &session.lost);
            session.lost.clear();
            session.n_settled = 0;
        });
    }

    fn link_up(&mut self, at: usize, up: LinkUp) -> Result<(), Malformed> {
        let number = up.number as usize;
        let Some(session) = self.sessions[at].as_mut() else {
            return Ok(());
        };
        session.hello_bytes += up.hello.len();
        let free = session.links.get(number).is_none_or(Option::is_none);
        if !free || number >= MAX_LINKS || session.hello_bytes > MAX_HELLO_BYTES {
            return Err(Malformed::Stranger);
        }
        // A link of another process may not be pushed out.
        if self.by_link.contains_key(&up.link) {
            return Err(Malformed::Stranger);
        }
        self.add_link(at, up);
        Ok(())
    }

    fn drain(&mut self, at: usize, number: u32) {
        if let Some(slot) = self.slot_of(at, number) {
            self.table.drain_link(slot);
        }
        self.write(at, |session| {
            if let Some(Some(link)) = session.links.get_mut(number as usize) {
                link.up.draining = true;
            }
        });
    }
}
