//! What has been said at the terminal, so that it is not said all the time.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

/// What is still so is said again after this.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Others can make us say as many things as they like.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Said(Mutex<HashMap<String, Instant>>);

impl Said {
    /// Warns, unless the same was said a while ago.
    pub(crate) fn warn(&self, words: String, now: Instant) {
        let mut said = self.0.lock();
        said.retain(|_, at| now - *at < SAY_EVERY);
        if said.len() < MOST && !said.contains_key(&words) {
            tracing::warn!("{words}");
            said.insert(words, now);
        }
    }
}
