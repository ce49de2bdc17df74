//! The place: one task that owns the lease table and knows who is there.
//!
//! Nobody else holds state that hubs and links share, so there is no lock, and no clause that could be
//! broken between two of them. What a process says while its wire is cut is kept back here, as a real
//! wire would keep it, and so is what it would hear.

mod act;
mod peers;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use skyscan_transport::{
    DownCause, Holder, HubConfig, Lease, LeaseToken, LinkConfig, LinkId, LinkIncoming, PayloadId,
    Result, ScanId, Settlement, TaskFrame, TaskId, TaskKey,
    backend::{HubQueue, LeaseTable, LinkQueue, LinkSlot, Payloads},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::link::TemplateSettler;

/// Tells one hub from an earlier one of the same scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HubName {
    pub(crate) scan: ScanId,
    pub(crate) epoch: u64,
}

type Answer<T> = oneshot::Sender<T>;

/// What may be asked of a place. An answer that is dropped says that whoever asked is not known.
pub(crate) enum Command {
    OpenHub {
        name: HubName,
        config: HubConfig,
        queue: Arc<HubQueue>,
        answer: Answer<Result<()>>,
    },
    Submit {
        name: HubName,
        tasks: VecDeque<TaskFrame>,
        answer: Answer<()>,
    },
    Publish {
        name: HubName,
        id: PayloadId,
        payload: Bytes,
        answer: Answer<()>,
    },
    Broadcast {
        name: HubName,
        notice: Bytes,
        answer: Answer<()>,
    },
    Purge {
        name: HubName,
        answer: Answer<usize>,
    },
    Holders {
        name: HubName,
        tasks: Vec<TaskId>,
        answer: Answer<Vec<Holder>>,
    },
    HasRoom {
        name: HubName,
    },
    CloseHub {
        name: HubName,
        answer: Option<Answer<()>>,
    },
    OpenLink {
        id: LinkId,
        config: LinkConfig,
        queue: Arc<LinkQueue>,
    },
    Fetch {
        link: LinkId,
        scan: ScanId,
        payload: PayloadId,
        answer: Answer<Option<Bytes>>,
    },
    /// The source of a hub has answered.
    Found {
        scan: ScanId,
        id: PayloadId,
        payload: Option<Bytes>,
    },
    Settle {
        link: LinkId,
        slot: LinkSlot,
        settlements: Vec<Settlement>,
        answer: Answer<Vec<TaskKey>>,
    },
    Renew {
        link: LinkId,
        slot: LinkSlot,
        leases: Vec<(LeaseToken, TaskKey)>,
        answer: Answer<Vec<TaskKey>>,
    },
    Abandon {
        link: LinkId,
        slot: LinkSlot,
        token: LeaseToken,
    },
    Drain {
        link: LinkId,
        answer: Option<Answer<()>>,
    },
    CloseLink {
        link: LinkId,
        cause: DownCause,
        answer: Option<Answer<()>>,
    },
    Cut,
    Mend,
}

/// The way of one process to the place.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    process: u64,
    sender: mpsc::UnboundedSender<(u64, Command)>,
}

/// The same for whatever the place itself holds: it must not keep the place alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakDoor {
    process: u64,
    sender: mpsc::WeakUnboundedSender<(u64, Command)>,
}

impl Door {
    pub(crate) fn of(&self, process: u64) -> Self {
        let sender = self.sender.clone();
        Self { process, sender }
    }

    pub(crate) fn downgrade(&self) -> WeakDoor {
        WeakDoor {
            process: self.process,
            sender: self.sender.downgrade(),
        }
    }

    pub(crate) fn send(&self, command: Command) {
        // The place ends after the last door: it is there.
        let _received = self.sender.send((self.process, command));
    }
}

impl WeakDoor {
    /// The way of another process: what a settler says comes over the wire of its link.
    fn of(&self, process: u64) -> Self {
        let sender = self.sender.clone();
        Self { process, sender }
    }

    /// Sends if the place is there. Only enqueues, so that it may run inside `Drop`.
    pub(crate) fn send(&self, command: Command) {
        if let Some(sender) = self.sender.upgrade() {
            let _received = sender.send((self.process, command));
        }
    }
}

/// The state of a place.
pub(crate) struct Place {
    table: LeaseTable,
    /// In order, as the links: nothing may depend on a hash seed.
    hubs: BTreeMap<ScanId, OpenHub>,
    links: BTreeMap<LinkId, OpenLink>,
    by_slot: HashMap<LinkSlot, LinkId>,
    /// Processes whose wire is cut.
    cut: BTreeMap<u64, CutWire>,
    /// For settlers and for whoever looks for payloads.
    door: WeakDoor,
    origin: Instant,
}

struct OpenHub {
    name: HubName,
    config: HubConfig,
    queue: Arc<HubQueue>,
    payloads: Payloads<Answer<Option<Bytes>>>,
    /// Tasks for which the backlog has no room yet.
    submitting: VecDeque<(VecDeque<TaskFrame>, Answer<()>)>,
}

struct OpenLink {
    process: u64,
    config: LinkConfig,
    queue: Arc<LinkQueue>,
    is_draining: bool,
    /// Its place in the table while it is up.
    slot: Option<LinkSlot>,
    settlers: BTreeMap<ScanId, Arc<TemplateSettler>>,
    /// What it is to hear once its wire is mended.
    on_the_way: Vec<LinkIncoming>,
}

struct CutWire {
    /// When its links are lost; none once they are.
    lost_at: Option<Instant>,
    /// What its process said meanwhile.
    said: Vec<Command>,
}

impl Place {
    /// Starts a place; it ends after everybody who may send to it.
    pub(crate) fn start() -> Door {
        let (sender, commands) = mpsc::unbounded_channel();
        let door = Door { process: 0, sender };
        let place = Self {
            table: LeaseTable::default(),
            hubs: BTreeMap::new(),
            links: BTreeMap::new(),
            by_slot: HashMap::new(),
            cut: BTreeMap::new(),
            door: door.downgrade(),
            origin: Instant::now(),
        };
        tokio::spawn(place.run(commands));
        door
    }

    /// Does what is asked and what is due, then leases what can be leased. What is asked while it works
    /// is done in one turn: many settlements cost one round of grants.
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<(u64, Command)>) {
        loop {
            let next = self.next_deadline();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some((process, command)) => self.hear(process, command),
                    None => return,
                },
                () = sleep_until(next) => {}
            }
            while let Ok((process, command)) = commands.try_recv() {
                self.hear(process, command);
            }
            self.table.expire(self.now());
            self.lose_the_silent();
            self.submit();
            self.lease();
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn next_deadline(&self) -> Instant {
        let lost = self.cut.values().filter_map(|cut| cut.lost_at);
        let expires = self.table.next_deadline().map(|at| self.origin + at);
        let far = Instant::now() + Duration::from_secs(3600);
        lost.chain(expires).min().unwrap_or(far).min(far)
    }

    /// Moves tasks from those who submit into the backlog (C5). One whose future was dropped submits
    /// no more.
    fn submit(&mut self) {
        for (&scan, hub) in &mut self.hubs {
            while let Some((mut tasks, answer)) = hub.submitting.pop_front() {
                while self.table.room(scan) > 0 && !answer.is_closed() {
                    let Some(task) = tasks.pop_front() else { break };
                    self.table.submit(scan, task);
                }
                if tasks.is_empty() {
                    let _uninterested = answer.send(());
                } else if !answer.is_closed() {
                    hub.submitting.push_front((tasks, answer));
                    break;
                }
            }
        }
    }

    /// Leases what can be leased, and takes what the backlog has room for since.
    fn lease(&mut self) {
        let mut grants = Vec::new();
        while self.table.grant(self.now(), usize::MAX, &mut grants) > 0 {
            let mut leases: BTreeMap<LinkId, Vec<Lease>> = BTreeMap::new();
            for grant in grants.drain(..) {
                let Some(&id) = self.by_slot.get(&grant.link) else {
                    continue;
                };
                let settler = self.settler(id, grant.link, grant.key.scan);
                let lease = Lease::new(grant.key, grant.body, grant.attempt, grant.token, settler);
                leases
                    .entry(id)
                    .or_default()
                    .push(lease.avoiding(grant.avoid));
            }
            for (id, leases) in leases {
                self.tell(id, LinkIncoming::Leased(leases));
            }
            self.submit();
        }
    }

    fn settler(&mut self, id: LinkId, slot: LinkSlot, scan: ScanId) -> Arc<TemplateSettler> {
        let lease_term = self.hubs.get(&scan).map(|hub| hub.config.lease_term);
        let process = self.links.get(&id).map_or(0, |link| link.process);
        let make = || {
            Arc::new(TemplateSettler {
                place: self.door.of(process),
                link: id,
                slot,
                lease_term: lease_term.unwrap_or_default(),
            })
        };
        match self.links.get_mut(&id) {
            Some(link) => Arc::clone(link.settlers.entry(scan).or_insert_with(make)),
            None => make(),
        }
    }

    /// Tells a link something, now or once its wire is mended.
    fn tell(&mut self, id: LinkId, incoming: LinkIncoming) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if self.cut.contains_key(&link.process) {
            return link.on_the_way.push(incoming);
        }
        match incoming {
            LinkIncoming::Leased(leases) => link.queue.push_leases(leases),
            other => link.queue.push(Ok(other)),
        }
    }
}
