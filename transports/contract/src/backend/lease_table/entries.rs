//! The live leases, in reusable places; a token is place and generation.

use std::time::Duration;

use super::{LinkSlot, Ready};
use crate::LeaseToken;

/// One live lease.
#[derive(Debug)]
pub(super) struct Entry {
    /// Number of its scan in the table.
    pub(super) scan: usize,
    pub(super) link: LinkSlot,
    /// What is leased, as it waits again where the lease ends without an outcome.
    pub(super) ready: Ready,
    pub(super) deadline: Duration,
    /// Where the link's list of held leases names this one.
    pub(super) place: usize,
    /// Neighbours in the scan's list of deadlines.
    pub(super) older: Option<u32>,
    pub(super) newer: Option<u32>,
}

impl Entry {
    /// Which attempt at its task it is, counted from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.ready.n_lost.saturating_add(1)
    }
}

/// A slab of our own and not a crate's: a token has to tell a lease from every earlier one in its place.
#[derive(Debug, Default)]
pub(super) struct Entries {
    places: Vec<(u32, Option<Entry>)>,
    free: Vec<u32>,
    first_generation: u32,
}

impl Entries {
    pub(super) fn starting_at(first_generation: u32) -> Self {
        Self {
            first_generation,
            ..Self::default()
        }
    }

    pub(super) fn insert(&mut self, entry: Entry) -> (u32, LeaseToken) {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.places.len())
                    .expect("four thousand million live leases do not fit into memory");
                self.places.push((self.first_generation, None));
                index
            }
        };
        let (generation, place) = &mut self.places[index as usize];
        *place = Some(entry);
        (
            index,
            LeaseToken(u64::from(*generation) << 32 | u64::from(index)),
        )
    }

    pub(super) fn find(&self, token: LeaseToken) -> Option<u32> {
        let index = (token.0 & u64::from(u32::MAX)) as u32;
        let (generation, place) = self.places.get(index as usize)?;
        (u64::from(*generation) == token.0 >> 32 && place.is_some()).then_some(index)
    }

    /// Ends a lease. The generation moves on, so that its token is no token of whoever gets the place
    /// next (C4), however late it is used.
    pub(super) fn remove(&mut self, index: u32) -> Entry {
        let (generation, place) = &mut self.places[index as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(index);
        place.take().expect("only live leases are ended")
    }

    pub(super) fn at(&self, index: u32) -> &Entry {
        self.places[index as usize]
            .1
            .as_ref()
            .expect("an index names a live lease")
    }

    pub(super) fn at_mut(&mut self, index: u32) -> &mut Entry {
        self.places[index as usize]
            .1
            .as_mut()
            .expect("an index names a live lease")
    }

    /// All that live.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter_map(|(_, place)| place.as_ref())
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}
