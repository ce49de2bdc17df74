//! What the hub says: terms, leases, answers, notices.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use skyscan_transport::{Lease, LinkIncoming, Settler, TaskKey, TransportError};

use super::{common::Common, line::Line, session::KnownHub};
use crate::{
    link::LinkSettler,
    wire::{Malformed, Reader, ToLinks},
};

impl Line {
    pub(super) fn read(&mut self, common: &mut Common, frame: Bytes) -> Result<(), Malformed> {
        let (sequence, mut reader) = Reader::open(frame)?;
        let now = common.now;
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        if sequence != session.next_in {
            return Err(Malformed::Gap);
        }
        session.next_in = sequence.wrapping_add(1);
        session.heard = now;
        while let Some(record) = reader.next_to_links()? {
            match record {
                ToLinks::Lease {
                    number,
                    token,
                    scan,
                    task,
                    attempt,
                    avoid,
                    body,
                } => {
                    if number != self.run_number {
                        self.hand_over();
                        self.run_number = number;
                    }
                    let settler = self.settler(common, number);
                    let key = TaskKey { scan, task };
                    let lease = Lease::new(key, body, attempt, token, settler);
                    self.run.push(lease.avoiding(avoid));
                }
                ToLinks::Answer { batch, lost } => {
                    let known = self.session.as_mut();
                    if !known.is_some_and(|session| session.answered(batch, &lost)) {
                        return Err(Malformed::Stranger);
                    }
                }
                ToLinks::Terms { liveness_ms } => self.accept(common, liveness_ms),
                ToLinks::HubUp {
                    scan,
                    protocol,
                    lease_term_ms,
                    welcome,
                } => {
                    self.terms
                        .write()
                        .insert(scan, Duration::from_millis(lease_term_ms));
                    self.hand_over();
                    for link in self.links.iter().flatten() {
                        let version = link.config.protocol;
                        link.queue.push(match version.major == protocol.major {
                            true => Ok(LinkIncoming::HubUp {
                                scan,
                                welcome: welcome.clone(),
                            }),
                            false => Err(TransportError::ProtocolMismatch {
                                hub: protocol,
                                link: version,
                            }),
                        });
                    }
                    self.hubs.insert(scan, KnownHub { protocol, welcome });
                }
                ToLinks::HubDown { scan } => {
                    self.terms.write().remove(&scan);
                    self.hand_over();
                    common.fetches.lose_scan(self.at, scan);
                    let Some(hub) = self.hubs.remove(&scan) else {
                        continue;
                    };
                    for link in self.links.iter().flatten() {
                        if hub.protocol.major == link.config.protocol.major {
                            link.queue.push(Ok(LinkIncoming::HubDown { scan }));
                        }
                    }
                }
                ToLinks::Notice { scan, body } => {
                    for link in self.links.iter().flatten() {
                        link.queue.push(Ok(LinkIncoming::Notice {
                            scan,
                            body: body.clone(),
                        }));
                    }
                }
                ToLinks::Chunk {
                    scan,
                    payload,
                    total,
                    offset,
                    bytes,
                } => {
                    self.chunk(common, scan, payload, total, offset, &bytes)?;
                }
                ToLinks::LinkGone { number } => self.left(number),
                ToLinks::Beat => {}
                ToLinks::Reset => return Err(Malformed::Reset),
            }
        }
        Ok(())
    }

    /// Hands the leases that were read to their link, all at once.
    pub(super) fn hand_over(&mut self) {
        if self.run.is_empty() {
            return;
        }
        // The next run is likely as long.
        let room = self.run.len();
        let leases = mem::replace(&mut self.run, Vec::with_capacity(room));
        match self.links.get(self.run_number as usize) {
            Some(Some(link)) => link.queue.push_leases(leases),
            // The link has closed meanwhile: dropping releases.
            Some(None) | None => drop(leases),
        }
    }

    fn settler(&mut self, common: &Common, number: u32) -> Arc<dyn Settler> {
        let session = self.session.as_ref().map_or(0, |session| session.number);
        let make = || {
            Arc::new(LinkSettler {
                shared: Arc::clone(&common.shared),
                terms: Arc::clone(&self.terms),
                line: self.at,
                session,
                number,
            })
        };
        match self.links.get_mut(number as usize) {
            Some(Some(link)) => {
                let settler: &Arc<LinkSettler> = link.settler.get_or_insert_with(make);
                Arc::<LinkSettler>::clone(settler)
            }
            Some(None) | None => make(),
        }
    }

    /// The hub has answered, or changed its terms.
    fn accept(&mut self, common: &mut Common, liveness_ms: u32) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.liveness = Duration::from_millis(u64::from(liveness_ms.max(20)));
        if !session.greeted {
            session.greeted = true;
            self.n_failed = 0;
            common.meters.opened.increment(1);
            let again = mem::replace(&mut self.was_up, true);
            common.meters.reconnects.increment(u64::from(again));
        }
        common.come_again_in(session.tick_pause());
    }
}
