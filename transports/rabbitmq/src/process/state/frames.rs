//! Frames on their way in and out.

use std::sync::{Arc, Weak};

use skyscan_transport::{PayloadId, PayloadSource, backend::Sought};
use tokio::time::Instant;

use super::State;
use crate::{
    link::Announcement,
    outbox::{ChunkWanted, LaneEnd, Receipt, Route},
    process::{Outgoing, Process, Source},
    wire::{Address, Frame, Malformed, Scan},
};

impl State {
    /// Acts on a frame that may be believed.
    pub(super) fn act(
        &mut self,
        process: &Arc<Process>,
        source: Source,
        frame: Frame,
        now: Instant,
    ) -> Result<(), Malformed> {
        let from = process.address(self);
        let outbox = &mut self.sessions.outbox;
        match (source, frame) {
            (
                Source::Process,
                Frame::Open {
                    scan,
                    protocol,
                    liveness,
                    lease_term,
                },
            ) => {
                let heard = Announcement {
                    scan,
                    protocol,
                    liveness,
                    lease_term,
                };
                self.sessions.hub_open(heard, process, now)?;
                process.deadlines.notify_one();
            }
            (Source::Process, Frame::Closed { scan }) => {
                self.sessions.hub_closed(scan, now);
                self.visits.forget(scan);
            }
            (Source::Process, Frame::Unknown { scan, session }) => {
                self.sessions.unknown(scan, session, process, now);
            }
            (Source::Process, Frame::Notice { scan, body }) => self.sessions.notice(scan, &body),
            (
                Source::Process,
                Frame::Chunk {
                    scan,
                    payload,
                    offset,
                    total,
                    bytes,
                },
            ) => {
                let (of, at) = ((scan, payload), (offset, total));
                if let Some(ended) = self.fetches.chunk(of, at, &bytes, from, now, outbox) {
                    if let Some(whole) = ended.whole() {
                        process.told.payload_received();
                        process.common.cache.lock().keep(payload, whole.clone());
                    }
                    ended.tell();
                }
            }
            (Source::Process, Frame::Absent { scan, payload }) => {
                self.fetches.absent(scan, payload);
            }
            (
                Source::Tasks(of),
                Frame::Down {
                    scan,
                    lane,
                    entries,
                },
            ) if of == scan => {
                let meters = &process.told.link;
                self.sessions.receive(scan, lane, entries, meters, now)?;
            }
            (Source::Hub(scan), frame) => {
                let Some(hub) = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan) else {
                    return Ok(());
                };
                match frame {
                    Frame::WhoIsThere { from } => {
                        outbox.letter(Route::Process(from), hub.announcement());
                    }
                    Frame::Fetch {
                        from: to,
                        payload,
                        offset,
                    } => {
                        let wanted = ChunkWanted {
                            scan,
                            payload,
                            offset,
                            to,
                        };
                        match hub.payloads.seek(payload, wanted) {
                            Sought::Answer(wanted) => outbox.chunk(wanted),
                            Sought::Waits => {}
                            Sought::Ask(source) => {
                                tokio::spawn(ask(source, scan, payload, Arc::downgrade(process)));
                            }
                        }
                    }
                    Frame::Up {
                        from,
                        lane,
                        entries,
                    } => hub.receive(from, lane, entries, now, outbox)?,
                    _ => return Err(Malformed::Range),
                }
            }
            _ => return Err(Malformed::Range),
        }
        Ok(())
    }

    /// The next frame as it is before it is sealed.
    pub(super) fn next_outgoing(&mut self, from: Address, now: Instant) -> Option<Outgoing> {
        if let Some(letter) = self.sessions.outbox.take_letter() {
            return Some(Outgoing {
                route: letter.route,
                frame: letter.frame,
                receipt: letter.receipt,
            });
        }
        while let Some(lane) = self.sessions.outbox.take_lane() {
            let next = match lane {
                LaneEnd::OfHub { scan, process } => {
                    let hub = self.hubs.get_mut(&scan);
                    hub.and_then(|hub| hub.next_frame(process))
                }
                LaneEnd::OfProcess { scan } => self.sessions.next_frame(scan, from, now),
            };
            if let Some((route, frame, receipt)) = next {
                // It may have more to send, after the others.
                self.sessions.outbox.lane(lane);
                return Some(Outgoing {
                    route,
                    frame,
                    receipt,
                });
            }
        }
        let wanted = self.sessions.outbox.take_chunk()?;
        let hub = self.hubs.get(&wanted.scan.id);
        let frame = match hub.filter(|hub| hub.scan == wanted.scan) {
            Some(hub) => hub.chunk(&wanted),
            None => Frame::Absent {
                scan: wanted.scan,
                payload: wanted.payload,
            },
        };
        Some(Outgoing {
            route: Route::Process(wanted.to),
            frame,
            receipt: Receipt::Chunk,
        })
    }
}

/// Asks a hub's source for a payload, and answers whoever waits for it.
async fn ask(
    source: Arc<dyn PayloadSource>,
    scan: Scan,
    payload: PayloadId,
    process: Weak<Process>,
) {
    let found = source.find(payload).await.ok();
    let Some(process) = process.upgrade() else {
        return;
    };
    process.with(|state, _| {
        let State { hubs, sessions, .. } = state;
        let Some(hub) = hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan) else {
            return;
        };
        for wanted in hub.payloads.found(payload, found) {
            sessions.outbox.chunk(wanted);
        }
    });
}
