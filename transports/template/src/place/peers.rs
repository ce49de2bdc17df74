//! Hubs and links come, go, and fall silent.

use std::mem;

use skyscan_transport::{
    DownCause, HubConfig, HubIncoming, LinkId, LinkIncoming, Result, ScanId, TransportError,
};
use tokio::time::Instant;

use super::{OpenHub, Place};

impl Place {
    /// Makes a hub known to every link that speaks its language (C12, C13).
    pub(super) fn open_hub(&mut self, hub: OpenHub) -> Result<()> {
        let (scan, protocol) = (hub.name.scan, hub.config.protocol);
        let other = self.hubs.values().next().map(|hub| hub.config.protocol);
        if let Some(other) = other.filter(|other| other.major != protocol.major) {
            return Err(TransportError::ProtocolMismatch {
                hub: other,
                link: protocol,
            });
        }
        let HubConfig {
            backlog,
            lease_term,
            priority,
            ..
        } = hub.config;
        if !self.table.add_scan(scan, priority, backlog, lease_term) {
            return Err(TransportError::ScanInUse(scan));
        }
        self.hubs.insert(scan, hub);
        for id in self.links_up() {
            self.introduce(id, scan);
        }
        if other.is_none() {
            let ids: Vec<LinkId> = self.links.keys().copied().collect();
            ids.into_iter().for_each(|id| self.bring_up(id));
        }
        Ok(())
    }

    /// Ends a hub for every link, then its inbox. Where there is no hub left, no link is up.
    pub(super) fn close_hub(&mut self, scan: ScanId) {
        self.table.remove_scan(scan);
        for id in self.links_up() {
            self.tell(id, LinkIncoming::HubDown { scan });
            if let Some(link) = self.links.get_mut(&id) {
                link.settlers.remove(&scan);
            }
        }
        // Whoever waits for it hears that it is closed: their answers are dropped with it.
        if let Some(hub) = self.hubs.remove(&scan) {
            hub.queue.end();
        }
        if self.hubs.is_empty() {
            for id in self.links_up() {
                self.take_down(id, DownCause::Closed);
            }
        }
    }

    /// Lets a link serve, if there are hubs of its major and its wire is whole.
    pub(super) fn bring_up(&mut self, id: LinkId) {
        let hub = self.hubs.values().next().map(|hub| hub.config.protocol);
        let (Some(hub), Some(link)) = (hub, self.links.get_mut(&id)) else {
            return;
        };
        if self.cut.contains_key(&link.process) {
            return;
        }
        if link.config.protocol.major != hub.major {
            return link.queue.push(Err(TransportError::ProtocolMismatch {
                hub,
                link: link.config.protocol,
            }));
        }
        let slot = self.table.add_link(link.config.worker, link.config.credit);
        if link.is_draining {
            self.table.drain_link(slot);
        }
        link.slot = Some(slot);
        self.by_slot.insert(slot, id);
        let scans: Vec<ScanId> = self.hubs.keys().copied().collect();
        scans.into_iter().for_each(|scan| self.introduce(id, scan));
    }

    /// Makes a link that is up and a hub known to each other, before the first lease (C10).
    fn introduce(&mut self, id: LinkId, scan: ScanId) {
        let (Some(hub), Some(link)) = (self.hubs.get(&scan), self.links.get(&id)) else {
            return;
        };
        hub.queue.push(Ok(HubIncoming::LinkUp {
            link: id,
            worker: link.config.worker,
            credit: link.config.credit,
            hello: link.config.hello.clone(),
        }));
        let up = LinkIncoming::HubUp {
            scan,
            welcome: hub.config.welcome.clone(),
            priority: hub.config.priority,
        };
        self.tell(id, up);
    }

    /// Takes a link out of the table, which makes ready what it held (C3), and tells the hubs.
    pub(super) fn take_down(&mut self, id: LinkId, cause: DownCause) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let Some(slot) = link.slot.take() else {
            return;
        };
        link.settlers.clear();
        link.on_the_way.clear();
        self.by_slot.remove(&slot);
        self.table.remove_link(slot, cause);
        for hub in self.hubs.values() {
            let down = HubIncoming::LinkDown { link: id, cause };
            hub.queue.push(Ok(down));
        }
    }

    /// Loses the links whose wire has been cut for too long. Their process notices it, too.
    pub(super) fn lose_the_silent(&mut self) {
        let now = Instant::now();
        let mut silent = Vec::new();
        for (&process, cut) in &mut self.cut {
            if cut.lost_at.is_some_and(|at| at <= now) {
                cut.lost_at = None;
                // What it said never arrives: whoever waits for an answer gets none.
                cut.said.clear();
                silent.push(process);
            }
        }
        if silent.is_empty() {
            return;
        }
        for id in self.links_up() {
            let link = self.links.get(&id);
            let Some(link) = link.filter(|link| silent.contains(&link.process)) else {
                continue;
            };
            for &scan in self.hubs.keys() {
                link.queue.push(Ok(LinkIncoming::HubDown { scan }));
            }
            self.take_down(id, DownCause::Lost);
        }
    }

    /// Lets arrive what stayed on the way; links that were lost meanwhile come up anew.
    pub(super) fn mend(&mut self, process: u64) {
        let Some(cut) = self.cut.remove(&process) else {
            return;
        };
        let of_process = self
            .links
            .iter()
            .filter(|(_, link)| link.process == process);
        let ids: Vec<LinkId> = of_process.map(|(&id, _)| id).collect();
        for id in ids {
            let Some(link) = self.links.get_mut(&id) else {
                continue;
            };
            let was_lost = link.slot.is_none();
            for incoming in mem::take(&mut link.on_the_way) {
                self.tell(id, incoming);
            }
            if was_lost {
                self.bring_up(id);
            }
        }
        for command in cut.said {
            self.act(process, command);
        }
    }

    pub(super) fn links_up(&self) -> Vec<LinkId> {
        let up = self.links.iter().filter(|(_, link)| link.slot.is_some());
        up.map(|(&id, _)| id).collect()
    }
}
