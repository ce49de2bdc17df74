//! What the hub says: terms, leases, answers, notices. A hub is believed no more than a worker: it
//! gets as many leases into this process as its links have credit, and not more hubs than make sense.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use skyscan_transport::{
    Lease, LeaseToken, LinkIncoming, Priority, ScanId, TaskKey, TransportError, Version,
    backend::body_checksum,
};

use super::{common::Common, line::Line, session::KnownHub};
use crate::{
    link::LinkSettler,
    wire::{Budget, Malformed, Reader, ToLinks},
};

/// Most hubs at one place: scans that are open at once.
const MAX_HUBS: usize = 256;

/// Most bytes of their welcomes, which are kept for links to come.
const MAX_WELCOME_BYTES: usize = 16 << 20;

/// Leases that a link may hold beyond twice its credit. A hub leases anew what has run out, and this
/// process may learn of that later.
const LEASES_BESIDE: usize = 16;

/// Leases refused in one session before the hub is taken for a broken one.
const MAX_REFUSED: u32 = 1024;

/// Longest lease term that is believed, in milliseconds: a year. Deadlines are computed from it.
const MAX_TERM_MS: u64 = 31_536_000_000;

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
                    sum,
                    body,
                } => {
                    let key = TaskKey { scan, task };
                    if body_checksum(key, attempt, &body) != sum {
                        common.meters.damaged.increment(1);
                        self.give_back(number, token)?;
                        continue;
                    }
                    if number != self.run_number {
                        self.hand_over();
                        self.run_number = number;
                    }
                    let settler = self.settler(common, number);
                    if settler.held.load(Ordering::Relaxed) >= self.most_leases(number) {
                        common.meters.leases_over.increment(1);
                        self.give_back(number, token)?;
                        continue;
                    }
                    settler.held.fetch_add(1, Ordering::Relaxed);
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
                    priority,
                    lease_term_ms,
                    welcome,
                } => {
                    let term = Duration::from_millis(lease_term_ms.min(MAX_TERM_MS));
                    if let Err(error) = self.hub_up(scan, protocol, priority, term, &welcome) {
                        common.count(error);
                    }
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
                    proof,
                    bytes,
                } => {
                    // Told whether the chunk is wanted or not: the hub wants to know that it is
                    // not on the way any more.
                    if let Some(session) = self.session.as_mut().filter(|_| !bytes.is_empty()) {
                        session.writer.arrived(proof);
                    }
                    self.chunk(common, scan, payload, total, offset, &bytes)?;
                }
                ToLinks::LinkGone { number } => self.left(number),
                ToLinks::Beat => {}
                ToLinks::Reset => return Err(Malformed::Reset),
            }
        }
        Ok(())
    }

    /// A hub came up. One that is known already, or is too many, is not let in.
    fn hub_up(
        &mut self,
        scan: ScanId,
        protocol: Version,
        priority: Priority,
        term: Duration,
        welcome: &[u8],
    ) -> Result<(), Malformed> {
        if self.hubs.contains_key(&scan) {
            return Err(Malformed::Foreign);
        }
        // A hub of another major is what every link of this process is told of, and may end for, unless
        // there is one that they can serve.
        let served = |major: u16| {
            let mut links = self.links.iter().flatten();
            links.any(|link| link.config.protocol.major == major)
        };
        let serves_some = self.hubs.values().any(|hub| served(hub.protocol.major));
        if serves_some && !served(protocol.major) {
            return Err(Malformed::Foreign);
        }
        let kept: usize = self.hubs.values().map(|hub| hub.welcome.len()).sum();
        if self.hubs.len() >= MAX_HUBS || kept + welcome.len() > MAX_WELCOME_BYTES {
            return Err(Malformed::Greedy(Budget::Hubs));
        }
        // A slice would keep the whole frame.
        let welcome = Bytes::copy_from_slice(welcome);
        self.terms.write().insert(scan, term);
        self.hand_over();
        for link in self.links.iter().flatten() {
            let version = link.config.protocol;
            link.queue.push(match version.major == protocol.major {
                true => Ok(LinkIncoming::HubUp {
                    scan,
                    welcome: welcome.clone(),
                    priority,
                }),
                false => Err(TransportError::ProtocolMismatch {
                    hub: protocol,
                    link: version,
                }),
            });
        }
        let known = KnownHub {
            protocol,
            welcome,
            priority,
        };
        self.hubs.insert(scan, known);
        Ok(())
    }

    /// How many leases a link may hold at once.
    fn most_leases(&self, number: u32) -> usize {
        let link = self.links.get(number as usize).and_then(Option::as_ref);
        // A link that has closed takes any, and releases it.
        link.map_or(usize::MAX, |link| {
            2 * usize::from(link.config.credit) + LEASES_BESIDE
        })
    }

    /// Gives a lease back that was not let in.
    fn give_back(&mut self, number: u32, token: LeaseToken) -> Result<(), Malformed> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        session.writer.abandoned(number, token);
        session.n_refused += 1;
        match session.n_refused > MAX_REFUSED {
            true => Err(Malformed::Greedy(Budget::Leases)),
            false => Ok(()),
        }
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

    fn settler(&mut self, common: &Common, number: u32) -> Arc<LinkSettler> {
        let session = self.session.as_ref().map_or(0, |session| session.number);
        let make = || {
            Arc::new(LinkSettler {
                shared: Arc::clone(&common.shared),
                terms: Arc::clone(&self.terms),
                line: self.at,
                session,
                number,
                held: AtomicUsize::new(0),
            })
        };
        match self.links.get_mut(number as usize) {
            Some(Some(link)) => Arc::clone(link.settler.get_or_insert_with(make)),
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
            session.greeted_at = Some(common.now);
            self.n_strange = 0;
            common.meters.opened.increment(1);
            let again = mem::replace(&mut self.was_up, true);
            common.meters.reconnects.increment(u64::from(again));
        }
        common.come_again_in(session.tick_pause());
    }
}
