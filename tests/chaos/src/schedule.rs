//! When what is done to a scan, and when it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{Rng, RngExt};
use tokio::time::Instant;

use crate::fault::Fault;

/// So many faults are done to a scan, if it lives so long.
const N_FAULTS: std::ops::Range<u64> = 4..15;
/// So many milliseconds pass between their beginnings.
const GAP_MS: std::ops::Range<u64> = 20..1200;

/// Something that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// A fault, and which of those it can be done to.
    Begins { fault: Fault, at: usize },
    /// Its end.
    Ends { fault: Fault, at: usize },
    /// The part of this number is to be started again.
    Starts(usize),
}

/// What is due when.
#[derive(Debug)]
pub(crate) struct Schedule {
    due: BTreeMap<(Instant, u64), Due>,
    n_made: u64,
}

impl Schedule {
    /// Draws faults of these kinds, from now on.
    pub(crate) fn drawn(random: &mut impl Rng, kinds: &[Fault]) -> Self {
        let mut schedule = Self {
            due: BTreeMap::new(),
            n_made: 0,
        };
        let mut when = Instant::now();
        for _ in 0..random.random_range(N_FAULTS) {
            when += Duration::from_millis(random.random_range(GAP_MS));
            let fault = kinds[random.random_range(0..kinds.len())];
            let at = random.random_range(0..64);
            let lasts = Duration::from_millis(random.random_range(fault.lasts_ms()));
            schedule.add(when, Due::Begins { fault, at });
            schedule.add(when + lasts, Due::Ends { fault, at });
        }
        schedule
    }

    pub(crate) fn add(&mut self, when: Instant, due: Due) {
        self.due.insert((when, self.n_made), due);
        self.n_made += 1;
    }

    /// Waits for what is due next, and takes it; never returns if nothing is.
    pub(crate) async fn next(&mut self) -> Due {
        let Some((&key, _)) = self.due.first_key_value() else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(key.0).await;
        match self.due.remove(&key) {
            Some(due) => due,
            None => std::future::pending().await,
        }
    }

    /// Whether nothing is due any more.
    pub(crate) fn is_over(&self) -> bool {
        self.due.is_empty()
    }

    /// What has not ended yet of what began.
    pub(crate) fn ends(self) -> impl Iterator<Item = Due> {
        self.due.into_values()
    }
}
