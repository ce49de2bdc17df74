//! Who holds which task: ready queues, leases, credit, deadlines and attempts of one place.
//!
//! Pure: no clock, no channel, no lock. Time is a [`Duration`] since any fixed origin and must not
//! run backwards. Settling, granting and renewing are O(1) per task and allocate nothing once the
//! table has grown to its working size.

mod avoiding;
mod entries;
mod grant;
mod levels;
mod links;
mod scan;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use entries::{Entries, Entry};
pub use grant::{Grant, Settling};
use levels::Level;
pub use links::LinkSlot;
use links::Links;
use scan::{Ready, Scan};

use crate::{
    DownCause, Holder, LeaseToken, LinkId, Priority, ScanId, TaskFrame, TaskId, TaskKey, WorkerId,
};

/// Most tasks that one link is granted before the next link has its turn. More would send tasks to
/// the first links in whole credits while others stay idle; fewer would cost a frame for each task.
const MAX_TURN: usize = 64;

/// The state of all scans and links of one place.
#[derive(Debug, Default)]
pub struct LeaseTable {
    scans: Vec<Scan>,
    /// Where each open scan stands in `scans`: leases name it by number, so that ending one costs no
    /// hashing.
    numbers: HashMap<ScanId, usize>,
    levels: Vec<Level>,
    n_ready: usize,
    entries: Entries,
    links: Links,
    /// When grants were looked for last.
    granted_at: Duration,
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
    pub fn add_scan(
        &mut self,
        id: ScanId,
        priority: Priority,
        backlog: usize,
        lease_term: Duration,
    ) -> bool {
        if self.numbers.contains_key(&id) {
            return false;
        }
        let scan = Scan::new(id, priority, backlog, lease_term);
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
        if levels::enter(&mut self.levels, number, &mut self.scans) {
            self.rank_anew();
        }
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
        self.discard(number);
        self.scans[number].open = false;
        if levels::leave(&mut self.levels, number, &mut self.scans) {
            self.rank_anew();
        }
    }

    /// Other scans are those of the highest priority now, and other leases those of lower ones.
    fn rank_anew(&mut self) {
        let is_lower = |entry: &&Entry| self.scans[entry.scan].is_lower();
        let lower = self.entries.iter().filter(is_lower);
        self.links.recount_lower(lower.map(|entry| entry.link));
    }

    /// How many more tasks the backlog takes.
    pub fn room(&self, id: ScanId) -> usize {
        self.scan(id).map_or(0, Scan::room)
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
        self.scans[number].submit(task);
        self.is_ready(number);
        true
    }

    /// Discards the tasks that are not leased; returns how many.
    pub fn purge(&mut self, id: ScanId) -> usize {
        let Some(&number) = self.numbers.get(&id) else {
            return 0;
        };
        self.discard(number)
    }

    /// Stops or resumes granting tasks of a scan.
    pub fn hold(&mut self, id: ScanId, held: bool) {
        if let Some(&number) = self.numbers.get(&id) {
            self.scans[number].held = held;
        }
    }

    /// Adds a link of a worker that may hold `credit` leases.
    pub fn add_link(&mut self, worker: WorkerId, credit: u16) -> LinkSlot {
        self.links.add(worker, credit)
    }

    /// Grants a link nothing more; what it holds stays with it.
    pub fn drain_link(&mut self, link: LinkSlot) {
        self.links.drain(link);
    }

    /// Forgets a link; what it held is ready again: given back if it said goodbye, lost if it did not.
    /// Returns how many leases that were.
    pub fn remove_link(&mut self, link: LinkSlot, cause: DownCause) -> usize {
        let held = self.links.remove(link);
        let n_held = held.len();
        for index in held.into_iter().rev() {
            match cause {
                DownCause::Closed => self.give_back(index),
                DownCause::Lost => self.lose(index),
            }
        }
        n_held
    }

    /// How many leases a link holds.
    pub fn n_held(&self, link: LinkSlot) -> usize {
        self.links.held(link).len()
    }

    /// Grants up to `limit` ready tasks to links with credit left and appends the grants, those of
    /// one turn of a link next to each other. Scans of a higher priority come first (C16).
    pub fn grant(&mut self, now: Duration, limit: usize, grants: &mut Vec<Grant>) -> usize {
        self.granted_at = now;
        let mut n_granted = 0;
        for at in 0..self.levels.len() {
            n_granted += self.grant_level(at, now, limit - n_granted, grants);
        }
        n_granted
    }

    fn grant_level(
        &mut self,
        at: usize,
        now: Duration,
        limit: usize,
        grants: &mut Vec<Grant>,
    ) -> usize {
        let is_lower = at > 0;
        let mut n_granted = 0;
        // Links with room whose worker all that waits avoids; nearly always none.
        let mut passed_over = Vec::new();
        let share = self.levels[at]
            .n_ready
            .div_ceil(self.links.n_idle(is_lower).max(1))
            .clamp(1, MAX_TURN);
        while n_granted < limit && self.levels[at].n_ready > 0 {
            let Some((link, free)) = self.links.next_idle(is_lower) else {
                break;
            };
            let turn = free.min(share).min(limit - n_granted);
            match self.grant_turn(at, link, turn, now, grants) {
                0 if self.levels[at].scans(&self.scans).any(Scan::is_choosy) => {
                    passed_over.push(link);
                }
                0 => {
                    self.links.return_idle(link, true);
                    break;
                }
                n_turn => {
                    n_granted += n_turn;
                    self.links.return_idle(link, false);
                }
            }
        }
        for link in passed_over.into_iter().rev() {
            self.links.return_idle(link, true);
        }
        n_granted
    }

    /// Grants a link its turn: tasks of the first scan of a level that has any for it. The next turn
    /// begins with the scan after that one, whoever's it is.
    fn grant_turn(
        &mut self,
        at: usize,
        link: LinkSlot,
        turn: usize,
        now: Duration,
        grants: &mut Vec<Grant>,
    ) -> usize {
        for _ in 0..self.levels[at].len() {
            let number = self.levels[at].next_scan();
            let mut n_granted = 0;
            while n_granted < turn {
                let Some(grant) = self.grant_one(number, link, now) else {
                    break;
                };
                grants.push(grant);
                n_granted += 1;
            }
            if n_granted > 0 {
                return n_granted;
            }
        }
        0
    }

    fn grant_one(&mut self, number: usize, link: LinkSlot, now: Duration) -> Option<Grant> {
        let scan = &mut self.scans[number];
        if scan.held {
            return None;
        }
        let ready = scan.take(self.links.worker(link), &self.links, now)?;
        self.n_ready -= 1;
        self.levels[scan.level].n_ready -= 1;
        let is_lower = scan.is_lower();
        let key = TaskKey {
            scan: scan.id,
            task: ready.task,
        };
        let is_again = !ready.is_fresh;
        let (body, avoid) = (ready.body.clone(), ready.avoid.clone());
        let entry = Entry {
            scan: number,
            link,
            ready: Ready {
                is_fresh: false,
                ..ready
            },
            deadline: now + scan.lease_term,
            place: self.links.held(link).len(),
            older: None,
            newer: None,
        };
        let attempt = entry.attempt();
        let (index, token) = self.entries.insert(entry);
        self.links.hold(link, index, is_lower);
        self.append(number, index);
        Some(Grant {
            link,
            token,
            key,
            attempt,
            is_again,
            body,
            avoid,
        })
    }

    /// What a lease is for; `None` when this link does not hold it.
    pub fn lease(&self, link: LinkSlot, token: LeaseToken) -> Option<Settling> {
        let entry = self.entries.at(self.held_by(link, token)?);
        Some(Settling {
            key: TaskKey {
                scan: self.scans[entry.scan].id,
                task: entry.ready.task,
            },
            attempt: entry.attempt(),
        })
    }

    /// Who holds these tasks of a scan (C15), those whose leases end first in front; `link` names the
    /// link of a slot. Looks at every lease of the scan.
    pub fn holders(
        &self,
        id: ScanId,
        tasks: &[TaskId],
        now: Duration,
        link: impl Fn(LinkSlot) -> Option<LinkId>,
    ) -> Vec<Holder> {
        let tasks: HashSet<TaskId> = tasks.iter().copied().collect();
        let mut holders = Vec::new();
        let mut next = self.scan(id).and_then(|scan| scan.oldest);
        while let Some(index) = next {
            let entry = self.entries.at(index);
            next = entry.newer;
            // A lease that has run out lives no more, though nobody has come by yet to end it.
            let left = entry.deadline.saturating_sub(now);
            if left.is_zero() || !tasks.contains(&entry.ready.task) {
                continue;
            }
            holders.extend(link(entry.link).map(|link| Holder {
                task: entry.ready.task,
                link,
                attempt: entry.attempt(),
                left,
            }));
        }
        holders
    }

    /// Ends a lease for good; `None` when this link does not hold it (C4).
    pub fn settle(&mut self, link: LinkSlot, token: LeaseToken) -> Option<Settling> {
        let settling = self.lease(link, token)?;
        self.end(self.held_by(link, token)?);
        Some(settling)
    }

    /// Gives a task back, to be leased next; returns false when this link does not hold it.
    pub fn release(&mut self, link: LinkSlot, token: LeaseToken) -> bool {
        match self.held_by(link, token) {
            Some(index) => {
                self.give_back(index);
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
            // Only the front is looked at: what is behind it runs out later.
            while let Some(index) = self.scans[number].oldest {
                if self.entries.at(index).deadline > now {
                    break;
                }
                self.lose(index);
                n_expired += 1;
            }
        }
        n_expired
    }

    /// When the next lease runs out, or a task has waited for long enough for others than those that it avoids.
    pub fn next_deadline(&self) -> Option<Duration> {
        let oldest = self.scans.iter().filter_map(|scan| scan.oldest);
        let expires = oldest.map(|index| self.entries.at(index).deadline);
        // What was due before waits for a link that has room.
        let due = self.scans.iter().filter_map(Scan::next_due);
        expires
            .chain(due.filter(|due| *due > self.granted_at))
            .min()
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

    /// Whoever had the lease at `index` is gone with it, or did not renew it: that was one attempt.
    fn lose(&mut self, index: u32) {
        let entry = self.entries.at_mut(index);
        entry.ready.n_lost = entry.attempt();
        self.give_back(index);
    }

    /// Ends the lease at `index` and puts its task in front of the queue: it has waited for longer than
    /// any other, and at the end of a wave everybody waits for it.
    fn give_back(&mut self, index: u32) {
        let entry = self.end(index);
        self.scans[entry.scan].requeue(entry.ready);
        self.is_ready(entry.scan);
    }

    /// One more task of a scan waits.
    fn is_ready(&mut self, number: usize) {
        self.n_ready += 1;
        self.levels[self.scans[number].level].n_ready += 1;
    }

    /// Discards what waits of a scan; returns how many tasks that were.
    fn discard(&mut self, number: usize) -> usize {
        let scan = &mut self.scans[number];
        let n_discarded = scan.clear();
        self.n_ready -= n_discarded;
        self.levels[scan.level].n_ready -= n_discarded;
        n_discarded
    }

    fn end(&mut self, index: u32) -> Entry {
        let (number, link) = (self.entries.at(index).scan, self.entries.at(index).link);
        self.unlink(number, index);
        let entry = self.entries.remove(index);
        let is_lower = self.scans[number].is_lower();
        if let Some(moved) = self.links.let_go(link, entry.place, is_lower) {
            self.entries.at_mut(moved).place = entry.place;
        }
        entry
    }

    /// Appends to the scan's list of deadlines. The newest deadline is always the latest, since every
    /// lease of a scan has the same term: a list in this order needs no heap.
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
