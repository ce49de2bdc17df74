//! The links of a table: credit, what each holds, and whose turn it is.

use std::collections::{HashMap, VecDeque};

use crate::WorkerId;

/// Place of a link in its table; never used for another link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkSlot {
    index: u32,
    generation: u32,
}

impl LinkSlot {
    /// A small number that no other link of the table has at the same time.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Links that hold less than half of their credit, in the order of their turns. A Worker that
    /// asks for two leases for each of its slots has an idle one then.
    hungry: VecDeque<LinkSlot>,
    /// Links with credit left, the same; their turns come after. May name hungry ones, too.
    idle: VecDeque<LinkSlot>,
    /// How many links both name.
    n_both: usize,
    /// Links whose room is not for leases of lower scans (C16), taken out of the turns of these: while
    /// nothing higher waits, looking at them would cost every link with every lease that ends. May name
    /// links of the other two, which let go of something since.
    kept_free: VecDeque<LinkSlot>,
    credit: usize,
    /// How many links each worker has that may be granted something some time: live, not draining,
    /// with credit. What they hold at the moment does not matter.
    serving: HashMap<WorkerId, usize>,
    n_serving: usize,
}

#[derive(Debug)]
struct Slot {
    worker: WorkerId,
    generation: u32,
    live: bool,
    draining: bool,
    credit: usize,
    held: Vec<u32>,
    /// How many of these are of scans below the highest priority.
    n_lower: usize,
    /// Whether `hungry` names it.
    is_in_hungry: bool,
    /// Whether `idle` names it.
    is_in_idle: bool,
    /// Whether `kept_free` names it.
    is_kept_free: bool,
}

impl Slot {
    fn free() -> Self {
        Self {
            worker: WorkerId([0; 16]),
            generation: 0,
            live: false,
            draining: false,
            credit: 0,
            held: Vec::new(),
            n_lower: 0,
            is_in_hungry: false,
            is_in_idle: false,
            is_kept_free: false,
        }
    }

    /// Whether it may be granted something, now or once it has room.
    fn serves(&self) -> bool {
        self.live && !self.draining && self.credit > 0
    }

    fn half(&self) -> usize {
        self.credit.div_ceil(2)
    }

    /// How many more leases it may hold. While a scan of a higher priority is open, those of lower ones
    /// get half of the credit at most: an urgent task finds room.
    fn room(&self, is_lower: bool) -> usize {
        let room = self.credit.saturating_sub(self.held.len());
        match is_lower {
            true => room.min(self.half().saturating_sub(self.n_lower)),
            false => room,
        }
    }
}

impl Links {
    pub(super) fn add(&mut self, worker: WorkerId, credit: u16) -> LinkSlot {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::free());
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        (slot.live, slot.draining) = (true, false);
        slot.worker = worker;
        slot.credit = usize::from(credit);
        slot.n_lower = 0;
        self.credit += slot.credit;
        if slot.serves() {
            *self.serving.entry(worker).or_default() += 1;
            self.n_serving += 1;
        }
        let link = LinkSlot {
            index,
            generation: slot.generation,
        };
        self.enqueue(link);
        link
    }

    /// Takes a link out; returns the leases that it holds. The queues of turns may name it on: its
    /// generation tells, and looking for it there would cost every link.
    pub(super) fn remove(&mut self, link: LinkSlot) -> Vec<u32> {
        self.serve_no_more(link);
        let Some(slot) = self.slot_mut(link) else {
            return Vec::new();
        };
        slot.live = false;
        let was_in_both = slot.is_in_hungry && slot.is_in_idle;
        (slot.is_in_hungry, slot.is_in_idle) = (false, false);
        slot.is_kept_free = false;
        let (held, credit) = (slot.held.clone(), slot.credit);
        self.n_both -= usize::from(was_in_both);
        self.credit -= credit;
        self.free.push(link.index);
        held
    }

    pub(super) fn drain(&mut self, link: LinkSlot) {
        self.serve_no_more(link);
        if let Some(slot) = self.slot_mut(link) {
            slot.draining = true;
        }
    }

    /// The worker of a link that is live.
    pub(super) fn worker(&self, link: LinkSlot) -> WorkerId {
        self.slots[link.index as usize].worker
    }

    /// Whether a link of any other worker could get something, now or once it has room.
    pub(super) fn any_beside(&self, workers: &[WorkerId]) -> bool {
        let n_links = |worker| self.serving.get(worker).copied().unwrap_or(0);
        self.n_serving > workers.iter().map(n_links).sum()
    }

    /// Takes a link off the count of those that serve; to be called before it ceases to.
    fn serve_no_more(&mut self, link: LinkSlot) {
        let Some(slot) = self.slot_mut(link).filter(|slot| slot.serves()) else {
            return;
        };
        let worker = slot.worker;
        self.n_serving -= 1;
        if let Some(n_links) = self.serving.get_mut(&worker) {
            *n_links -= 1;
            if *n_links == 0 {
                self.serving.remove(&worker);
            }
        }
    }

    pub(super) fn held(&self, link: LinkSlot) -> &[u32] {
        let slot = &self.slots[link.index as usize];
        if slot.generation == link.generation {
            &slot.held
        } else {
            &[]
        }
    }

    pub(super) fn hold(&mut self, link: LinkSlot, entry: u32, is_lower: bool) {
        let slot = &mut self.slots[link.index as usize];
        slot.held.push(entry);
        slot.n_lower += usize::from(is_lower);
    }

    /// Takes the lease at `place` off the link's list; returns the one that moved there.
    pub(super) fn let_go(&mut self, link: LinkSlot, place: usize, is_lower: bool) -> Option<u32> {
        // The generation may have moved on: a removed link lets go of its leases one by one.
        let slot = &mut self.slots[link.index as usize];
        slot.held.swap_remove(place);
        slot.n_lower -= usize::from(is_lower);
        let moved = slot.held.get(place).copied();
        self.enqueue(link);
        moved
    }

    /// Credit of all links that were not removed.
    pub(super) fn credit(&self) -> usize {
        self.credit
    }

    /// Counts anew what is of lower scans: one for each lease of these.
    pub(super) fn recount_lower(&mut self, holders: impl Iterator<Item = LinkSlot>) {
        self.slots.iter_mut().for_each(|slot| slot.n_lower = 0);
        for link in holders {
            self.slots[link.index as usize].n_lower += 1;
        }
        while let Some(link) = self.kept_free.pop_front() {
            if let Some(slot) = self.slot_mut(link) {
                slot.is_kept_free = false;
                self.enqueue(link);
            }
        }
    }

    /// How many links may have room for leases of the highest scans, or of lower ones.
    pub(super) fn n_idle(&self, is_lower: bool) -> usize {
        let n_kept_free = if is_lower { 0 } else { self.kept_free.len() };
        self.hungry.len() + self.idle.len() - self.n_both + n_kept_free
    }

    /// Takes the link whose turn it is, with how many leases it may get now: a hungry one is filled to
    /// half of its credit, so that no task waits behind another while a slot is idle elsewhere.
    pub(super) fn next_idle(&mut self, is_lower: bool) -> Option<(LinkSlot, usize)> {
        while let Some(link) = self.hungry.pop_front() {
            let slot = &mut self.slots[link.index as usize];
            if slot.generation != link.generation || !slot.live {
                continue;
            }
            slot.is_in_hungry = false;
            self.n_both -= usize::from(slot.is_in_idle);
            let free = slot.half().saturating_sub(slot.held.len());
            if !slot.draining && free > 0 {
                return Some((link, free));
            }
        }
        while let Some(link) = self.idle.pop_front() {
            let slot = &mut self.slots[link.index as usize];
            if slot.generation != link.generation || !slot.live {
                continue;
            }
            slot.is_in_idle = false;
            let free = slot.room(is_lower);
            if !slot.draining && free > 0 {
                return Some((link, free));
            }
            if is_lower && !slot.is_kept_free {
                slot.is_kept_free = true;
                self.kept_free.push_back(link);
            }
        }
        if is_lower {
            return None;
        }
        while let Some(link) = self.kept_free.pop_front() {
            let Some(slot) = self.slot_mut(link) else {
                continue;
            };
            slot.is_kept_free = false;
            let free = slot.room(false);
            if !slot.draining && free > 0 {
                return Some((link, free));
            }
        }
        None
    }

    /// Puts a link back after its turn; first again when it got nothing.
    pub(super) fn return_idle(&mut self, link: LinkSlot, first: bool) {
        self.enqueue(link);
        for turns in [&mut self.hungry, &mut self.idle] {
            if first && turns.back() == Some(&link) {
                turns.rotate_right(1);
            }
        }
    }

    fn enqueue(&mut self, link: LinkSlot) {
        let slot = &mut self.slots[link.index as usize];
        let may_hold_more = slot.live && !slot.draining && slot.held.len() < slot.credit;
        if !may_hold_more || slot.generation != link.generation {
            return;
        }
        let is_hungry = slot.held.len() < slot.half();
        match (is_hungry, slot.is_in_hungry, slot.is_in_idle) {
            (true, false, is_in_both) => {
                slot.is_in_hungry = true;
                self.n_both += usize::from(is_in_both);
                self.hungry.push_back(link);
            }
            (false, is_in_both, false) => {
                debug_assert!(!is_in_both, "what is hungry holds no more until its turn");
                slot.is_in_idle = true;
                self.idle.push_back(link);
            }
            (true, true, _) | (false, _, true) => {}
        }
    }

    fn slot_mut(&mut self, link: LinkSlot) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(link.index as usize)?;
        (slot.live && slot.generation == link.generation).then_some(slot)
    }
}
