//! What the owners of hubs ask of the pump.

use std::sync::Arc;

use bytes::Bytes;
use skyscan_transport::{
    Holder, HubConfig, LinkId, Outcome, PayloadId, Result, ScanId, TaskFrame, TaskId,
    backend::{HubQueue, LinkSlot, Payloads},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use super::{HubPump, payloads::ChunkWanted};

/// What the owner of a hub asks for.
pub(crate) enum HubCommand {
    Open {
        hub: OpenHub,
        answer: oneshot::Sender<Result<()>>,
    },
    Close {
        scan: ScanId,
        epoch: u64,
        answer: Option<oneshot::Sender<()>>,
    },
    Submit {
        scan: ScanId,
        epoch: u64,
        tasks: Vec<TaskFrame>,
    },
    Publish {
        scan: ScanId,
        epoch: u64,
        id: PayloadId,
        payload: Bytes,
        answer: oneshot::Sender<()>,
    },
    /// The source of payloads has answered.
    Found {
        scan: ScanId,
        epoch: u64,
        id: PayloadId,
        payload: Option<Bytes>,
    },
    Broadcast {
        scan: ScanId,
        epoch: u64,
        notice: Bytes,
        answer: oneshot::Sender<()>,
    },
    Purge {
        scan: ScanId,
        epoch: u64,
        answer: oneshot::Sender<usize>,
    },
    Holders {
        scan: ScanId,
        epoch: u64,
        tasks: Vec<TaskId>,
        answer: oneshot::Sender<Vec<Holder>>,
    },
    HasRoom {
        scan: ScanId,
    },
    Stop,
}

/// A hub as the pump knows it.
pub(crate) struct OpenHub {
    /// Tells a hub from an earlier one of the same scan.
    pub(crate) epoch: u64,
    pub(crate) config: HubConfig,
    pub(crate) queue: Arc<HubQueue>,
    /// The room of the backlog, given out to whoever submits.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) payloads: Payloads<ChunkWanted>,
    /// Where the payloads' source is asked.
    pub(crate) runtime: Handle,
    /// Outcomes of this turn.
    pub(crate) outcomes: Vec<Outcome>,
}

impl HubPump {
    pub(super) fn act_on(&mut self, command: HubCommand) {
        match command {
            HubCommand::Open { hub, answer } => {
                let _ignored = answer.send(self.open_hub(hub));
            }
            HubCommand::Close {
                scan,
                epoch,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    self.close_hub(scan);
                }
                // Before the answer: the process may end with it, and the links are to hear of the end.
                self.flush();
                if let Some(answer) = answer {
                    let _ignored = answer.send(());
                }
            }
            HubCommand::Submit { scan, epoch, tasks } => {
                if self.alive(scan, epoch) {
                    for task in tasks {
                        self.table.submit(scan, task);
                    }
                }
            }
            HubCommand::Publish {
                scan,
                epoch,
                id,
                payload,
                answer,
            } => {
                let alive = self.alive(scan, epoch);
                if let Some(hub) = self.hubs.get_mut(&scan).filter(|_| alive) {
                    hub.payloads.publish(id, payload);
                    let _ignored = answer.send(());
                }
            }
            HubCommand::Found {
                scan,
                epoch,
                id,
                payload,
            } => {
                if self.alive(scan, epoch) {
                    self.found(scan, id, payload);
                }
            }
            HubCommand::Broadcast {
                scan,
                epoch,
                notice,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    self.tell_all(|session| {
                        if session.may_lose_a_notice() {
                            session.writer.notice(scan, &notice);
                        }
                    });
                    let _ignored = answer.send(());
                }
            }
            HubCommand::Purge {
                scan,
                epoch,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    let _ignored = answer.send(self.table.purge(scan));
                    self.free_room(scan);
                }
            }
            HubCommand::Holders {
                scan,
                epoch,
                tasks,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    let at = self.now - self.origin;
                    let link = |slot| self.link_at(slot);
                    let _ignored = answer.send(self.table.holders(scan, &tasks, at, link));
                }
            }
            HubCommand::HasRoom { scan } => self.table.hold(scan, false),
            HubCommand::Stop => {}
        }
    }

    /// The link at a slot of the table.
    fn link_at(&self, slot: LinkSlot) -> Option<LinkId> {
        let &(at, number) = self.routes.get(slot.index())?;
        let session = self.sessions.get(at)?.as_ref()?;
        let link = session.links.get(number as usize)?.as_ref()?;
        Some(link.up.link)
    }

    /// Whether this hub is open, and not another one of its scan. If it is not, `answer` is dropped: its
    /// caller takes that for `Closed`.
    fn alive(&self, scan: ScanId, epoch: u64) -> bool {
        self.hubs.get(&scan).is_some_and(|hub| hub.epoch == epoch)
    }
}
