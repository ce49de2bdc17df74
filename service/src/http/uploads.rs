//! Places of alerts that come in, each in memory: some for all, and no more than half of them for one token, so that
//! nobody who sends slowly keeps others out.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::tokens::Holder;

/// Places; who finds none waits.
const MOST: usize = 8;
/// Of those of one token.
const MOST_OF_ONE: usize = MOST / 2;

/// Who brings something.
#[derive(Debug)]
pub(super) struct Uploads {
    all: Arc<Semaphore>,
    /// By the names of tokens, of which there are as many as the operator made.
    of_one: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Held while an alert comes in.
#[derive(Debug)]
pub(super) struct UploadPlace {
    _of_one: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MOST)),
            of_one: Mutex::default(),
        }
    }
}

impl Uploads {
    /// A place, once there is one; none if there are to be no more.
    pub(super) async fn enter(&self, holder: &Holder) -> Option<UploadPlace> {
        let of_one = {
            let mut all = self.of_one.lock();
            let new = || Arc::new(Semaphore::new(MOST_OF_ONE));
            Arc::clone(all.entry(holder.name.clone()).or_insert_with(new))
        };
        // Whoever waits for its own has none of all.
        Some(UploadPlace {
            _of_one: of_one.acquire_owned().await.ok()?,
            _of_all: Arc::clone(&self.all).acquire_owned().await.ok()?,
        })
    }
}
