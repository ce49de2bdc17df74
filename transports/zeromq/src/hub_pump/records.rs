//! What processes say: hello, links, settlements, fetches.

use std::os::fd::RawFd;

use bytes::Bytes;
use skyscan_transport::{
    Conclusion, DownCause, LeaseToken, Outcome, WorkerId, backend::body_checksum, cut_reason,
};

use super::{
    HubPump,
    budget::{
        MAX_ASKS_OF_A_FRAME, MAX_CHURN, MAX_CREDIT, MAX_HELLO_BYTES, MAX_HELLO_BYTES_OF_A_PROCESS,
        MAX_LINKS, MAX_LINKS_OF_A_PROCESS, MAX_LOST, MAX_PROCESSES,
    },
    session::Session,
};
use crate::wire::{Budget, LinkUp, Malformed, Reader, ToHub};

/// What a link says of a lease.
struct Said {
    /// Who did it, if that was not the worker of the link.
    worker: Option<WorkerId>,
    sum: u32,
    conclusion: Conclusion,
}

impl HubPump {
    /// Begins a session if the frame begins with a hello.
    pub(super) fn greet(
        &mut self,
        identity: &[u8],
        fd: Option<RawFd>,
        frame: Bytes,
    ) -> Result<(), Malformed> {
        let (sequence, mut reader) = Reader::open(frame)?;
        let Some(ToHub::Hello { process }) = reader.next_to_hub()? else {
            return Err(Malformed::Stranger);
        };
        if sequence != 0 {
            return Err(Malformed::Stranger);
        }
        // The process has given its session up, and this end has not noticed: what it held is free now
        // and not after a silence.
        if let Some(&old) = self.by_process.get(&process) {
            self.lose(old);
        }
        if self.by_identity.len() >= MAX_PROCESSES {
            return Err(Malformed::Greedy(Budget::Processes));
        }
        let mut session = Session::new(identity, process, fd, self.now);
        session.next_in = 1;
        session.writer.terms(self.liveness_ms());
        for (&scan, hub) in &self.hubs {
            let term_ms = hub.config.lease_term.as_millis() as u64;
            session.writer.hub_up(
                scan,
                hub.config.protocol,
                hub.config.priority,
                term_ms,
                &hub.config.welcome,
            );
        }
        let at = self.add_session(session);
        if let Err(error) = self.read_records(at, &mut reader) {
            self.break_session(at);
            self.count(error);
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
        let mut n_asks = 0;
        while let Some(record) = reader.next_to_hub()? {
            match record {
                ToHub::Completed {
                    number,
                    token,
                    worker,
                    sum,
                    result,
                } => {
                    let said = Said {
                        worker,
                        sum,
                        conclusion: Conclusion::Completed(result),
                    };
                    self.settle(at, number, token, said)?;
                }
                ToHub::Rejected {
                    number,
                    token,
                    worker,
                    sum,
                    reason,
                } => {
                    let said = Said {
                        worker,
                        sum,
                        conclusion: Conclusion::Rejected(reason),
                    };
                    self.settle(at, number, token, said)?;
                }
                ToHub::Released { number, token } => {
                    let slot = self.slot_of(at, number);
                    let taken = slot.is_some_and(|slot| self.table.release(slot, token));
                    self.count_settled(at, taken)?;
                }
                ToHub::Renew { number, token } => {
                    let now = self.now.duration_since(self.origin);
                    let slot = self.slot_of(at, number);
                    let taken = slot.is_some_and(|slot| self.table.renew(slot, token, now));
                    self.count_settled(at, taken)?;
                }
                ToHub::Ask { batch } => {
                    n_asks += 1;
                    if n_asks > MAX_ASKS_OF_A_FRAME {
                        return Err(Malformed::Stranger);
                    }
                    self.answer(at, batch);
                }
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
                    self.count_churn(at)?;
                    self.write(at, |session| session.writer.link_gone(number));
                }
                ToHub::Fetch {
                    scan,
                    payload,
                    offset,
                    length,
                } => {
                    self.wanted(at, scan, payload, offset, length)?;
                }
                ToHub::Arrived { proof } => self.arrived(at, proof)?,
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

    /// Ends a lease with what its link says of it, if that is of this lease.
    fn settle(
        &mut self,
        at: usize,
        number: u32,
        token: LeaseToken,
        said: Said,
    ) -> Result<(), Malformed> {
        let Said {
            worker,
            sum,
            mut conclusion,
        } = said;
        let Some(link) = self.sessions[at]
            .as_ref()
            .and_then(|session| session.links.get(number as usize)?.as_ref())
        else {
            return self.count_settled(at, false);
        };
        let lease = link
            .slot
            .and_then(|slot| Some((slot, self.table.lease(slot, token)?)));
        let Some((slot, lease)) = lease else {
            return self.count_settled(at, false);
        };
        let body = match &conclusion {
            Conclusion::Completed(result) => result,
            Conclusion::Rejected(reason) => reason.as_bytes(),
        };
        if body_checksum(lease.key, lease.attempt, body) != sum {
            // The task goes to whoever is next; a damaged result is not a failure of the task.
            self.meters.damaged.increment(1);
            self.table.release(slot, token);
            return self.count_settled(at, false);
        }
        if let Conclusion::Rejected(reason) = &mut conclusion {
            self.meters
                .reasons_cut
                .increment(u64::from(cut_reason(reason)));
        }
        self.table.settle(slot, token);
        if let Some(hub) = self.hubs.get_mut(&lease.key.scan) {
            hub.outcomes.push(Outcome {
                task: lease.key.task,
                attempt: lease.attempt,
                link: link.up.link,
                worker: worker.unwrap_or(link.up.worker),
                conclusion,
            });
        }
        self.count_settled(at, true)
    }

    fn count_settled(&mut self, at: usize, taken: bool) -> Result<(), Malformed> {
        let Some(session) = self.sessions[at].as_mut() else {
            return Ok(());
        };
        if !taken {
            // What is not listed counts as taken, so the list may not be cut.
            if session.lost.len() >= MAX_LOST {
                return Err(Malformed::Greedy(Budget::Leases));
            }
            session.lost.push(session.n_settled);
        }
        session.n_settled = session.n_settled.saturating_add(1);
        Ok(())
    }

    fn count_churn(&mut self, at: usize) -> Result<(), Malformed> {
        let Some(session) = self.sessions[at].as_mut() else {
            return Ok(());
        };
        session.churn += 1;
        match session.churn > MAX_CHURN {
            true => Err(Malformed::Greedy(Budget::Links)),
            false => Ok(()),
        }
    }

    fn answer(&mut self, at: usize, batch: u32) {
        self.write(at, |session| {
            session.writer.answer(batch, &session.lost);
            session.lost.clear();
            session.n_settled = 0;
        });
    }

    fn link_up(&mut self, at: usize, mut up: LinkUp) -> Result<(), Malformed> {
        let number = up.number as usize;
        let Some(session) = self.sessions[at].as_mut() else {
            return Ok(());
        };
        if session.links.get(number).is_some_and(Option::is_some) {
            return Err(Malformed::Stranger);
        }
        // A link of another process may not be pushed out.
        if self.by_link.contains_key(&up.link) {
            return Err(Malformed::Stranger);
        }
        let hello = up.hello.len();
        if number >= MAX_LINKS_OF_A_PROCESS
            || self.by_link.len() >= MAX_LINKS
            || session.hello_bytes + hello > MAX_HELLO_BYTES_OF_A_PROCESS
            || self.spent.hello_bytes + hello > MAX_HELLO_BYTES
        {
            return Err(Malformed::Greedy(Budget::Links));
        }
        session.hello_bytes += hello;
        self.spent.hello_bytes += hello;
        // A slice would keep the whole frame, which may be as large as its sender likes.
        up.hello = Bytes::copy_from_slice(&up.hello);
        if up.credit > MAX_CREDIT {
            self.meters.leases_over.increment(1);
            up.credit = MAX_CREDIT;
        }
        self.add_link(at, up);
        Ok(())
    }

    fn drain(&mut self, at: usize, number: u32) {
        if let Some(slot) = self.slot_of(at, number) {
            self.table.drain_link(slot);
        }
        self.write(at, |session| {
            // Kept for the hub that opens next: the link gets a new slot there.
            if let Some(Some(link)) = session.links.get_mut(number as usize) {
                link.up.draining = true;
            }
        });
    }
}
