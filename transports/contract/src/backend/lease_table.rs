//! Who holds which task: ready queues, leases, credit, deadlines and attempts of one place.
//!
//! Pure: no clock, no channel, no lock. Time is a [`Duration`] since any fixed origin and must not
//! run backwards. Settling, granting and renewing are O(1) per task and allocate nothing once the
//! table has grown to its working size.

mod entries;
mod links;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use entries::{Entries, Entry};
pub use links::LinkSlot;
use links::Links;

use crate::{LeaseToken, ScanId, TaskFrame, TaskId, TaskKey};

/// Most tasks that one link is granted before the next link has its turn.
const MAX_TURN: usize = 64;

/// The state of all scans and links of one place.
#[derive(Debug, Default)]
pub struct LeaseTable {
    scans: Vec<Scan>,
    numbers: HashMap<ScanId, usize>,
    /// Where the next turn starts, so that no scan starves another.
    next_scan: usize,
    n_ready: usize,
    entries: Entries,
    links: Links,
}

/// A new lease.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who gets it.
    pub link: LinkSlot,
    /// Its name.
    pub token: LeaseToken,
    /// The task.
    pub key: TaskKey,
    /// How many times the task has been leased, this time included.
    pub attempt: u32,
    /// The task's body.
    pub body: Bytes,
}

/// What the table knew of a lease that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// The task.
    pub key: TaskKey,
    /// The attempt that ended.
    pub attempt: u32,
}

#[derive(Debug)]
struct Scan {
    id: ScanId,
    open: bool,
    backlog: usize,
    lease_term: Duration,
    /// Grants nothing while its owner does not take outcomes.
    held: bool,
    ready: VecDeque<Ready>,
    /// How many of `ready` were never leased.
    n_fresh: usize,
    /// How many left the backlog since somebody asked.
    n_freed: usize,
    /// Leases from the earliest deadline to the latest: one term per scan keeps them in order.
    oldest: Option<u32>,
    newest: Option<u32>,
}

#[derive(Debug)]
struct Ready {
    task: TaskId,
    /// How many times it has been leased already.
    leased: u32,
    /// Never leased here, so that it counts as backlog.
    is_fresh: bool,
    body: Bytes,
}

impl LeaseTable {
    /// Makes an empty table. `generation` should differ between tables whose links could meet, so
    /// that a token of one is no token of the other.
    pub fn new(generation: u32) -> Self {
        Self {
            entries: Entries::starting_at(generation),
            ..Self::default()
        }
    }

    /// Opens a scan; returns false when it is open already.
    pub fn add_scan(&mut self, id: ScanId, backlog: usize, lease_term: Duration) -> bool {
        if self.numbers.contains_key(&id) {
            return false;
        }
        let scan = Scan {
            id,
            open: true,
            backlog: backlog.max(1),
            lease_term,
            held: false,
            ready: VecDeque::new(),
            n_fresh: 0,
            n_freed: 0,
            oldest: None,
            newest: None,
        };
        let number = match self.scans.iter().position(|scan| !scan.open) {
            Some(free) => {
                self.scans[free] = scan;
                free
            }
            None => {
                self.scans.push(scan);
                self.scans.len() - 1
            }
        };
        self.numbers.insert(id, number);
        true
    }

    /// Forgets a scan, its tasks and its leases.
    pub fn remove_scan(&mut self, id: ScanId) {
        let Some(number) = self.numbers.remove(&id) else {
            return;
        };
        while let Some(index) = self.scans[number].oldest {
            self.end(index);
        }
        let scan = &mut self.scans[number];
        self.n_ready -= scan.ready.len();
        scan.ready = VecDeque::new();
        scan.n_fresh = 0;
        scan.open = false;
    }

    /// How many more tasks the backlog takes.
    pub fn room(&self, id: ScanId) -> usize {
        self.scan(id)
            .map_or(0, |scan| scan.backlog.saturating_sub(scan.n_fresh))
    }

    /// Returns how many tasks left the backlog since the last call: leased for the first time, or
    /// purged. For backends that give out the room of the backlog elsewhere.
    pub fn take_freed(&mut self, id: ScanId) -> usize {
        match self.numbers.get(&id) {
            Some(&number) => std::mem::take(&mut self.scans[number].n_freed),
            None => 0,
        }
    }

    /// Queues a task, within the backlog or not; returns false when the scan is not open.
    pub fn submit(&mut self, id: ScanId, task: TaskFrame) -> bool {
        let Some(&number) = self.numbers.get(&id) else {
            return false;
        };
        let scan = &mut self.scans[number];
        scan.ready.push_back(Ready {
            task: task.task,
            leased: task.lost_above,
            is_fresh: true,
            body: task.body,
        });
        scan.n_fresh += 1;
        self.n_ready += 1;
        true
    }

    /// Discards the tasks that are not leased; returns how many.
    pub fn purge(&mut self, id: ScanId) -> usize {
        let Some(&number) = self.numbers.get(&id) else {
            return 0;
        };
        let scan = &mut self.scans[number];
        let n_purged = scan.ready.len();
        scan.ready.clear();
        scan.n_freed += std::mem::take(&mut scan.n_fresh);
        self.n_ready -= n_purged;
        n_purged
    }

    /// Stops or resumes granting tasks of a scan.
    pub fn hold(&mut self, id: ScanId, held: bool) {
        if let Some(&number) = self.numbers.get(&id) {
            self.scans[number].held = held;
        }
    }

    /// Adds a link that may hold `credit` leases.
    pub fn add_link(&mut self, credit: u16) -> LinkSlot {
        self.links.add(credit)
    }

    /// Grants a link nothing more; what it holds stays with it.
    pub fn drain_link(&mut self, link: LinkSlot) {
        self.links.drain(link);
    }

    /// Forgets a link; what it held is ready again. Returns how many leases that were.
    pub fn remove_link(&mut self, link: LinkSlot) -> usize {
        let held = self.links.remove(link);
        let n_held = held.len();
        for index in held.into_iter().rev() {
            self.requeue(index);
        }
        n_held
    }

    /// How many leases a link holds.
    pub fn n_held(&self, link: LinkSlot) -> usize {
        self.links.held(link).len()
    }

    /// Grants up to `limit` ready tasks to links with credit left and appends the grants, those of
    /// one link next to each other.
    pub fn grant(&mut self, now: Duration, limit: usize, grants: &mut Vec<Grant>) -> usize {
        let (mut n_granted, mut fruitless) = (0, 0);
        let share = self
            .n_ready
            .div_ceil(self.links.n_idle().max(1))
            .clamp(1, MAX_TURN);
        while n_granted < limit && self.n_ready > 0 && fruitless <= self.scans.len() {
            let Some((link, free)) = self.links.next_idle() else {
                break;
            };
            let turn = free.min(share).min(limit - n_granted);
            let number = self.next_scan % self.scans.len();
            self.next_scan = (number + 1) % self.scans.len();
            let before = n_granted;
            while n_granted < before + turn {
                let Some(grant) = self.grant_one(number, link, now) else {
                    break;
                };
                grants.push(grant);
                n_granted += 1;
            }
            match n_granted == before {
                true => fruitless += 1,
                false => fruitless = 0,
            }
            self.links.return_idle(link, n_granted == before);
        }
        n_granted
    }

    fn grant_one(&mut self, number: usize, link: LinkSlot, now: Duration) -> Option<Grant> {
        let scan = &mut self.scans[number];
        if scan.held {
            return None;
        }
        let ready = scan.ready.pop_front()?;
        self.n_ready -= 1;
        if ready.is_fresh {
            scan.n_fresh -= 1;
            scan.n_freed += 1;
        }
        let key = TaskKey {
            scan: scan.id,
            task: ready.task,
        };
        let attempt = ready.leased.saturating_add(1);
        let entry = Entry {
            scan: number,
            link,
            task: ready.task,
            attempt,
            body: ready.body.clone(),
            deadline: now + scan.lease_term,
            place: self.links.held(link).len(),
            older: None,
            newer: None,
        };
        let (index, token) = self.entries.insert(entry);
        self.links.hold(link, index);
        self.append(number, index);
        Some(Grant {
            link,
            token,
            key,
            attempt,
            body: ready.body,
        })
    }

    /// Ends a lease for good; `None` when this link does not hold it (C4).
    pub fn settle(&mut self, link: LinkSlot, token: LeaseToken) -> Option<Settling> {
        let index = self.held_by(link, token)?;
        let entry = self.end(index);
        let key = TaskKey {
            scan: self.scans[entry.scan].id,
            task: entry.task,
        };
        Some(Settling {
            key,
            attempt: entry.attempt,
        })
    }

    /// Gives a task back, to be leased next; returns false when this link does not hold it.
    pub fn release(&mut self, link: LinkSlot, token: LeaseToken) -> bool {
        match self.held_by(link, token) {
            Some(index) => {
                self.requeue(index);
                true
            }
            None => false,
        }
    }

    /// Starts a lease term anew; returns false when this link does not hold the lease.
    pub fn renew(&mut self, link: LinkSlot, token: LeaseToken, now: Duration) -> bool {
        let Some(index) = self.held_by(link, token) else {
            return false;
        };
        let number = self.entries.at(index).scan;
        self.unlink(number, index);
        self.entries.at_mut(index).deadline = now + self.scans[number].lease_term;
        self.append(number, index);
        true
    }

    /// Makes every task ready again whose lease has run out; returns how many.
    pub fn expire(&mut self, now: Duration) -> usize {
        let mut n_expired = 0;
        for number in 0..self.scans.len() {
            while let Some(index) = self.scans[number].oldest {
                if self.entries.at(index).deadline > now {
                    break;
                }
                self.requeue(index);
                n_expired += 1;
            }
        }
        n_expired
    }

    /// When the next lease runs out.
    pub fn next_deadline(&self) -> Option<Duration> {
        let oldest = self.scans.iter().filter_map(|scan| scan.oldest);
        oldest.map(|index| self.entries.at(index).deadline).min()
    }

    /// How many tasks wait for a link, over all scans.
    pub fn n_ready(&self) -> usize {
        self.n_ready
    }

    /// How many leases live, over all scans.
    pub fn n_leased(&self) -> usize {
        self.entries.len()
    }

    /// How many leases all links together may hold.
    pub fn credit(&self) -> usize {
        self.links.credit()
    }

    fn scan(&self, id: ScanId) -> Option<&Scan> {
        self.numbers.get(&id).map(|&number| &self.scans[number])
    }

    fn held_by(&self, link: LinkSlot, token: LeaseToken) -> Option<u32> {
        let index = self.entries.find(token)?;
        (self.entries.at(index).link == link).then_some(index)
    }

    /// Ends the lease at `index` and puts its task in front of the queue.
    fn requeue(&mut self, index: u32) {
        let entry = self.end(index);
        let ready = Ready {
            task: entry.task,
            leased: entry.attempt,
            is_fresh: false,
            body: entry.body,
        };
        self.scans[entry.scan].ready.push_front(ready);
        self.n_ready += 1;
    }

    fn end(&mut self, index: u32) -> Entry {
        let (number, link) = (self.entries.at(index).scan, self.entries.at(index).link);
        self.unlink(number, index);
        let entry = self.entries.remove(index);
        if let Some(moved) = self.links.let_go(link, entry.place) {
            self.entries.at_mut(moved).place = entry.place;
        }
        entry
    }

    /// Appends to the scan's list of deadlines.
    fn append(&mut self, number: usize, index: u32) {
        let scan = &mut self.scans[number];
        let last = scan.newest.replace(index);
        match last {
            Some(last) => self.entries.at_mut(last).newer = Some(index),
            None => scan.oldest = Some(index),
        }
        let entry = self.entries.at_mut(index);
        (entry.older, entry.newer) = (last, None);
    }

    /// Takes out of the scan's list of deadlines.
    fn unlink(&mut self, number: usize, index: u32) {
        let (older, newer) = (self.entries.at(index).older, self.entries.at(index).newer);
        match older {
            Some(older) => self.entries.at_mut(older).newer = newer,
            None => self.scans[number].oldest = newer,
        }
        match newer {
            Some(newer) => self.entries.at_mut(newer).older = older,
            None => self.scans[number].newest = older,
        }
    }
}
