//! What is said while nothing can be written.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::JournalError;

/// It is told again after this, then after twice the time, until that is so long.
const TELL_FIRST: Duration = Duration::from_secs(30);
const TELL_LONGEST: Duration = Duration::from_secs(3600);

/// Nothing can be written, since a while.
pub(super) struct Pause {
    since: Instant,
    told_after: Duration,
}

impl Pause {
    pub(super) fn begin(path: &Path, error: &JournalError) -> Self {
        tracing::warn!(
            "the scan pauses: {} cannot be written, {}; it goes on by itself then",
            path.display(),
            error.advice()
        );
        Self {
            since: Instant::now(),
            told_after: TELL_FIRST,
        }
    }

    pub(super) fn tell_again(&mut self, path: &Path, error: &JournalError) {
        let waited = self.since.elapsed();
        if waited >= self.told_after {
            self.told_after = (2 * self.told_after).min(self.told_after + TELL_LONGEST);
            tracing::warn!(
                "the scan has paused for {} s: {} cannot be written, {}",
                waited.as_secs(),
                path.display(),
                error.advice()
            );
        }
    }

    pub(super) fn end(self, path: &Path) {
        tracing::warn!(
            "{} can be written again after {} s: the scan goes on",
            path.display(),
            self.since.elapsed().as_secs()
        );
    }
}
