//! The hubs of the zone: one for each that is up above, opened and closed one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use skyscan_transport::{Hub, Priority, ScanId};

use crate::event::ZoneHub;

/// The scans whose hub is up above, and those whose hub of the zone is not closed yet.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    scans: BTreeMap<ScanId, Scan>,
    next_epoch: u64,
}

#[derive(Debug)]
struct Scan {
    /// Changes with every hub above.
    epoch: u64,
    /// What the hub above says of itself, while it is up.
    told: Option<Told>,
    phase: Phase,
}

/// What a hub above says of itself, and the one of the zone after it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) welcome: Bytes,
    pub(crate) priority: Priority,
}

#[derive(Debug)]
enum Phase {
    Opening,
    Up(Arc<dyn Hub>),
    Closing,
}

/// What is to be done next about a scan.
#[derive(Debug)]
pub(crate) enum Next {
    Nothing,
    Open(ZoneHub, Told),
    Close(ZoneHub, Arc<dyn Hub>),
}

impl Zone {
    /// A hub is up above.
    pub(crate) fn hub_up(&mut self, scan: ScanId, told: Told) -> Next {
        self.next_epoch += 1;
        let epoch = self.next_epoch;
        let Some(known) = self.scans.get_mut(&scan) else {
            let known = Scan {
                epoch,
                told: Some(told.clone()),
                phase: Phase::Opening,
            };
            self.scans.insert(scan, known);
            return Next::Open(ZoneHub { scan, epoch }, told);
        };
        let old = known.epoch;
        known.epoch = epoch;
        known.told = Some(told);
        known.close(ZoneHub { scan, epoch: old })
    }

    /// A hub is down above.
    pub(crate) fn hub_down(&mut self, scan: ScanId) -> Next {
        let Some(known) = self.scans.get_mut(&scan) else {
            return Next::Nothing;
        };
        known.told = None;
        let epoch = known.epoch;
        known.close(ZoneHub { scan, epoch })
    }

    /// A hub of the zone is open. It is closed again if the one above has gone meanwhile.
    pub(crate) fn opened(&mut self, at: ZoneHub, hub: Arc<dyn Hub>) -> Next {
        let Some(known) = self.scans.get_mut(&at.scan) else {
            return Next::Close(at, hub);
        };
        known.phase = Phase::Up(hub);
        match known.told.is_some() && known.epoch == at.epoch {
            true => Next::Nothing,
            false => known.close(at),
        }
    }

    /// A hub of the zone is closed, or could not be opened. It is opened anew if one is up above.
    pub(crate) fn closed(&mut self, scan: ScanId) -> Next {
        let Some(known) = self.scans.get_mut(&scan) else {
            return Next::Nothing;
        };
        match known.told.clone() {
            Some(told) => {
                known.phase = Phase::Opening;
                let epoch = known.epoch;
                Next::Open(ZoneHub { scan, epoch }, told)
            }
            None => {
                self.scans.remove(&scan);
                Next::Nothing
            }
        }
    }

    /// A hub of the zone has ended by itself, unless it was asked to.
    pub(crate) fn ended(&mut self, at: ZoneHub) -> Next {
        match self.scans.get_mut(&at.scan) {
            Some(known) if known.epoch == at.epoch => known.close(at),
            Some(_) | None => Next::Nothing,
        }
    }

    /// The hub of a scan, if it is up in the zone.
    pub(crate) fn hub(&self, scan: ScanId) -> Option<&Arc<dyn Hub>> {
        match &self.scans.get(&scan)?.phase {
            Phase::Up(hub) => Some(hub),
            Phase::Opening | Phase::Closing => None,
        }
    }

    /// The hub that this was read from, if it is still the one of its scan.
    pub(crate) fn is_current(&self, at: ZoneHub) -> bool {
        let known = self.scans.get(&at.scan);
        known.is_some_and(|known| known.epoch == at.epoch && matches!(known.phase, Phase::Up(_)))
    }

    /// The scans of lower priorities than the highest one that is up above.
    pub(crate) fn lower_scans(&self) -> BTreeSet<ScanId> {
        let up = || {
            let scans = self.scans.iter();
            scans.filter_map(|(&scan, known)| Some((scan, known.told.as_ref()?.priority)))
        };
        let highest = up().map(|(_, priority)| priority).max();
        let lower = up().filter(|&(_, priority)| Some(priority) < highest);
        lower.map(|(scan, _)| scan).collect()
    }

    /// The hub of a scan as one that can be told from others of it, if it is up in the zone.
    pub(crate) fn current(&self, scan: ScanId) -> Option<(ZoneHub, &Arc<dyn Hub>)> {
        let epoch = self.scans.get(&scan)?.epoch;
        Some((ZoneHub { scan, epoch }, self.hub(scan)?))
    }

    /// Every hub that is up in the zone.
    pub(crate) fn hubs(&self) -> Vec<Arc<dyn Hub>> {
        let scans = self.scans.keys();
        scans.filter_map(|&scan| self.hub(scan).cloned()).collect()
    }
}

impl Scan {
    fn close(&mut self, at: ZoneHub) -> Next {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Up(hub) => Next::Close(at, hub),
            // Seen to once it is open, or closed.
            phase @ (Phase::Opening | Phase::Closing) => {
                self.phase = phase;
                Next::Nothing
            }
        }
    }
}
