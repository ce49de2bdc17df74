//! Who is at a place, and what becomes of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use skyscan_transport::{
    DownCause, Holder, HubConfig, HubIncoming, LeaseToken, LinkConfig, LinkId, LinkIncoming,
    PayloadId, ScanId, Settler, TaskId,
    backend::{Grant, HubQueue, LeaseTable, LinkQueue, LinkSlot},
};
use tokio::sync::Notify;

use crate::Process;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) table: LeaseTable,
    /// In order, as the links: a simulation must not depend on a hash seed.
    pub(crate) hubs: BTreeMap<ScanId, HubState>,
    pub(crate) links: BTreeMap<LinkId, LinkState>,
    pub(super) slots: HashMap<LinkSlot, LinkId>,
    pub(super) severed: BTreeMap<u64, Severed>,
    pub(super) grants: Vec<Grant>,
    /// What the drivers sleep for.
    pub(super) armed: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct HubState {
    /// Tells a hub from an earlier one of the same scan.
    pub(crate) epoch: u64,
    pub(crate) config: HubConfig,
    pub(crate) queue: Arc<HubQueue>,
    pub(crate) room: Arc<Notify>,
    pub(crate) payloads: HashMap<PayloadId, Bytes>,
}

#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) config: LinkConfig,
    pub(crate) process: Arc<Process>,
    pub(crate) queue: Arc<LinkQueue>,
    pub(crate) draining: bool,
    /// Its place in the table while it is up.
    pub(super) slot: Option<LinkSlot>,
    pub(super) settler: Option<Arc<dyn Settler>>,
    /// What is on the way while the wire is cut.
    pub(super) on_the_way: Vec<LinkIncoming>,
}

impl LinkState {
    pub(crate) fn new(config: LinkConfig, process: Arc<Process>, queue: Arc<LinkQueue>) -> Self {
        Self {
            config,
            process,
            queue,
            draining: false,
            slot: None,
            settler: None,
            on_the_way: Vec::new(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Severed {
    pub(super) lost_at: Option<Duration>,
    pub(super) chores: Vec<Chore>,
}

/// A wish that was uttered where nothing may be done.
#[derive(Debug)]
pub(crate) enum Chore {
    Release {
        slot: LinkSlot,
        token: LeaseToken,
        process: u64,
    },
    DrainLink(LinkId),
    LoseLink(LinkId),
    CloseHub {
        scan: ScanId,
        epoch: u64,
    },
    HasRoom(ScanId),
}

impl State {
    pub(super) fn do_chore(&mut self, chore: Chore) {
        match chore {
            Chore::Release {
                slot,
                token,
                process,
            } => match self.severed.get_mut(&process) {
                Some(severed) => severed.chores.push(Chore::Release {
                    slot,
                    token,
                    process,
                }),
                None => {
                    self.table.release(slot, token);
                }
            },
            Chore::DrainLink(id) => {
                let Some(link) = self.links.get_mut(&id) else {
                    return;
                };
                link.draining = true;
                if let Some(slot) = link.slot {
                    self.table.drain_link(slot);
                }
            }
            Chore::LoseLink(id) => self.remove_link(id, DownCause::Lost),
            Chore::CloseHub { scan, epoch } => {
                if self.hubs.get(&scan).is_some_and(|hub| hub.epoch == epoch) {
                    self.close_hub(scan);
                }
            }
            Chore::HasRoom(scan) => self.table.hold(scan, false),
        }
    }

    /// Ends a hub for every link, then its inbox.
    pub(crate) fn close_hub(&mut self, scan: ScanId) {
        let Some(hub) = self.hubs.remove(&scan) else {
            return;
        };
        self.table.remove_scan(scan);
        self.tell_links(&LinkIncoming::HubDown { scan });
        hub.queue.end();
        hub.room.notify_waiters();
    }

    /// Tells every link that is up.
    pub(crate) fn tell_links(&mut self, incoming: &LinkIncoming) {
        for link in self.links.values_mut().filter(|link| link.slot.is_some()) {
            let copy = match incoming {
                LinkIncoming::HubDown { scan } => LinkIncoming::HubDown { scan: *scan },
                LinkIncoming::Notice { scan, body } => LinkIncoming::Notice {
                    scan: *scan,
                    body: body.clone(),
                },
                LinkIncoming::HubUp { .. } | LinkIncoming::Leased(_) => continue,
            };
            match self.severed.contains_key(&link.process.number) {
                true => link.on_the_way.push(copy),
                false => deliver(&link.queue, copy),
            }
        }
    }

    /// Forgets a link; its inbox ends.
    pub(crate) fn remove_link(&mut self, id: LinkId, cause: DownCause) {
        self.down(id, cause);
        if let Some(link) = self.links.remove(&id) {
            link.queue.end();
        }
    }

    /// Takes a link out of the table and tells the hubs, if it was up.
    pub(crate) fn down(&mut self, id: LinkId, cause: DownCause) -> bool {
        let Some(link) = self.links.get_mut(&id) else {
            return false;
        };
        let Some(slot) = link.slot.take() else {
            return false;
        };
        link.settler = None;
        link.on_the_way.clear();
        self.slots.remove(&slot);
        self.table.remove_link(slot, cause);
        for hub in self.hubs.values() {
            hub.queue
                .push(Ok(HubIncoming::LinkDown { link: id, cause }));
        }
        true
    }

    /// Who holds these tasks of a scan.
    pub(crate) fn holders(&self, scan: ScanId, tasks: &[TaskId], now: Duration) -> Vec<Holder> {
        let link = |slot| self.slots.get(&slot).copied();
        self.table.holders(scan, tasks, now, link)
    }

    /// Where the link stands in the table, if it is up.
    pub(crate) fn slot(&self, id: LinkId) -> Option<LinkSlot> {
        self.links.get(&id).and_then(|link| link.slot)
    }

    pub(crate) fn is_severed(&self, process: u64) -> bool {
        self.severed.contains_key(&process)
    }

    pub(super) fn links_of(&self, process: u64) -> Vec<LinkId> {
        let mut ids: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.process.number == process)
            .map(|(&id, _)| id)
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn lose_severed(&mut self, now: Duration) {
        let due: Vec<u64> = self
            .severed
            .iter()
            .filter(|(_, severed)| severed.lost_at.is_some_and(|at| at <= now))
            .map(|(&process, _)| process)
            .collect();
        let scans: Vec<ScanId> = self.hubs.keys().copied().collect();
        for process in due {
            if let Some(severed) = self.severed.get_mut(&process) {
                severed.lost_at = None;
                severed.chores.clear();
            }
            for id in self.links_of(process) {
                if !self.down(id, DownCause::Lost) {
                    continue;
                }
                let Some(link) = self.links.get(&id) else {
                    continue;
                };
                for &scan in &scans {
                    link.queue.push(Ok(LinkIncoming::HubDown { scan }));
                }
                link.process.rewired.notify_waiters();
            }
        }
    }
}

/// Makes a link that is up and a hub known to each other.
pub(super) fn introduce(
    id: LinkId,
    link: &mut LinkState,
    scan: ScanId,
    hub: &HubState,
    severed: bool,
) {
    let LinkConfig {
        worker,
        credit,
        hello,
        ..
    } = link.config.clone();
    hub.queue.push(Ok(HubIncoming::LinkUp {
        link: id,
        worker,
        credit,
        hello,
    }));
    let up = LinkIncoming::HubUp {
        scan,
        welcome: hub.config.welcome.clone(),
        priority: hub.config.priority,
    };
    match severed {
        true => link.on_the_way.push(up),
        false => deliver(&link.queue, up),
    }
}

pub(super) fn deliver(queue: &LinkQueue, incoming: LinkIncoming) {
    match incoming {
        LinkIncoming::Leased(leases) => queue.push_leases(leases),
        other => queue.push(Ok(other)),
    }
}
