//! What a hub does with what a process tells it.

use bytes::Bytes;
use skyscan_transport::{
    Conclusion, DownCause, HubIncoming, LeaseToken, LinkId, Outcome, WorkerId, cut_reason,
};
use tokio::time::Instant;

use super::HubState;
use crate::{
    hub::{
        budget::{MAX_CREDIT, MAX_LINKS, MAX_PROCESSES},
        peer::{Peer, PeerLink},
    },
    lane::Arrival,
    outbox::{Outbox, Route},
    wire::{Address, Frame, FromHub, FromProcess, Lane, Malformed},
};

impl HubState {
    /// Acts on a frame of a process's lane.
    pub(crate) fn receive(
        &mut self,
        from: Address,
        lane: Lane,
        entries: Bytes,
        now: Instant,
        outbox: &mut Outbox,
    ) -> Result<(), Malformed> {
        let known = self.peers.get(&from.process).map(|peer| peer.session);
        if known.is_some_and(|session| session > lane.session) {
            return Ok(());
        }
        if known != Some(lane.session) {
            if lane.sequence != 1 {
                let (scan, session) = (self.scan, lane.session);
                outbox.letter(Route::Process(from), Frame::Unknown { scan, session });
                return Ok(());
            }
            self.lose(from.process);
            if self.peers.len() >= MAX_PROCESSES {
                self.meters.processes_over.increment(1);
                return Ok(());
            }
            let mut peer = Peer::new(from, lane.session, now);
            let welcome = FromHub::Welcome {
                priority: self.config.priority,
                welcome: self.config.welcome.clone(),
            };
            peer.tell(&welcome, self.scan.id, outbox);
            self.peers.insert(from.process, peer);
        }
        let Some(peer) = self.peers.get_mut(&from.process) else {
            return Ok(());
        };
        peer.address = from;
        peer.heard(lane.arrived, lane.missing, self.config.liveness, now);
        if lane.sequence != 0 {
            match peer.inbound.accept(lane.sequence) {
                Arrival::Repeated | Arrival::Early => peer.outbound.beat_due = true,
                Arrival::New => {
                    let read = FromProcess::read_all(entries);
                    if read.is_err() {
                        // Its lane would stand still for ever.
                        self.lose(from.process);
                    }
                    self.act(from.process, read?, now, outbox);
                    let taken = FromHub::Taken {
                        sequence: lane.sequence,
                    };
                    if let Some(peer) = self.peers.get_mut(&from.process) {
                        peer.tell(&taken, self.scan.id, outbox);
                    }
                }
            }
        }
        if let Some(peer) = self.peers.get_mut(&from.process) {
            peer.queue(self.scan.id, outbox);
        }
        self.dispatch(now, outbox);
        Ok(())
    }

    fn act(&mut self, process: u64, entries: Vec<FromProcess>, now: Instant, outbox: &mut Outbox) {
        let at = now - self.origin;
        for entry in entries {
            let Some(peer) = self.peers.get_mut(&process) else {
                return;
            };
            let slot = |link: &LinkId| peer.links.get(link).map(|link| link.slot);
            match entry {
                FromProcess::LinkUp {
                    link,
                    protocol,
                    worker,
                    credit,
                    hello,
                } => {
                    let alike = protocol.major == self.config.protocol.major;
                    if !alike || peer.links.contains_key(&link) {
                        continue;
                    }
                    if self.slots.len() >= MAX_LINKS {
                        self.meters.links_over.increment(1);
                        continue;
                    }
                    self.meters
                        .leases_over
                        .increment(u64::from(credit > MAX_CREDIT));
                    let credit = credit.min(MAX_CREDIT);
                    let slot = self.table.add_link(worker, credit);
                    peer.links.insert(link, PeerLink { slot, worker });
                    self.slots.insert(slot, (process, link));
                    peer.tell(&FromHub::Known { link }, self.scan.id, outbox);
                    let up = HubIncoming::LinkUp {
                        link,
                        worker,
                        credit,
                        hello,
                    };
                    self.queue.push(Ok(up));
                }
                FromProcess::LinkDown { link, cause } => {
                    if let Some(PeerLink { slot, .. }) = peer.links.remove(&link) {
                        self.table.remove_link(slot, cause);
                        self.slots.remove(&slot);
                        self.meters
                            .links_lost
                            .increment(u64::from(cause == DownCause::Lost));
                        self.queue.push(Ok(HubIncoming::LinkDown { link, cause }));
                    }
                }
                FromProcess::Drain { link } => {
                    if let Some(slot) = slot(&link) {
                        self.table.drain_link(slot);
                    }
                }
                FromProcess::Completed {
                    link,
                    token,
                    worker,
                    result,
                } => {
                    let conclusion = Conclusion::Completed(result);
                    self.conclude(process, link, token, worker, conclusion);
                }
                FromProcess::Rejected {
                    link,
                    token,
                    worker,
                    mut reason,
                } => {
                    self.meters
                        .reasons_cut
                        .increment(u64::from(cut_reason(&mut reason)));
                    let conclusion = Conclusion::Rejected(reason);
                    self.conclude(process, link, token, worker, conclusion);
                }
                FromProcess::Released { link, token } => {
                    if !slot(&link).is_some_and(|slot| self.table.release(slot, token)) {
                        peer.outbound.push(|out| FromHub::Lost { token }.put(out));
                    }
                }
                FromProcess::Renew { link, token, call } => {
                    if !slot(&link).is_some_and(|slot| self.table.renew(slot, token, at)) {
                        let lost = FromHub::NotRenewed { call, token };
                        peer.outbound.push(|out| lost.put(out));
                    }
                }
            }
        }
        if !self.outcomes.is_empty() && self.queue.push_outcomes(&mut self.outcomes) {
            self.table.hold(self.scan.id, true);
        }
    }

    fn conclude(
        &mut self,
        process: u64,
        link: LinkId,
        token: LeaseToken,
        worker: Option<WorkerId>,
        conclusion: Conclusion,
    ) {
        let peer = self.peers.get(&process);
        let known = peer.and_then(|peer| peer.links.get(&link).copied());
        let settled = known
            .and_then(|PeerLink { slot, worker }| Some((self.table.settle(slot, token)?, worker)));
        match settled {
            Some((settling, own)) => self.outcomes.push(Outcome {
                task: settling.key.task,
                attempt: settling.attempt,
                link,
                worker: worker.unwrap_or(own),
                conclusion,
            }),
            None => {
                if let Some(peer) = self.peers.get_mut(&process) {
                    peer.outbound.push(|out| FromHub::Lost { token }.put(out));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
