//! How many may wait for something at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// Room for readers that stay.
#[derive(Debug)]
pub(super) struct Readers(Arc<Semaphore>);

/// A reader's place, which it has until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    pub(super) fn enter(&self) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.0).try_acquire_owned();
        let full = |_none| Problem::not_now("as many watch as may: ask `wait` or `get` later");
        let place = Place {
            _permit: permit.map_err(full)?,
        };
        metrics::gauge!("skyscan_service_readers").increment(1.0);
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("skyscan_service_readers").decrement(1.0);
    }
}
