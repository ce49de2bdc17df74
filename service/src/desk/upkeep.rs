//! What is older than the operator wants to keep goes.

use std::fs;
use std::sync::atomic::Ordering;

use super::Shared;
use crate::clock;
use crate::doors::Tells;

/// Scans removed at a time, so that others need not wait.
const MOST_AT_ONCE: u32 = 200;

impl Shared {
    /// Removes scans that ended too long ago.
    pub(super) fn remove_old(&self, tells: &dyn Tells) {
        let Some(keep) = self.config.keep else {
            return;
        };
        let old = match self.catalogue.ended_before(&clock::ago(keep), MOST_AT_ONCE) {
            Ok(old) => old,
            Err(error) => {
                tracing::warn!(%error, "scans that are too old stay");
                return;
            }
        };
        for id in old {
            if self.live(&id).is_some() {
                continue;
            }
            // Gone at once, though it may take a moment: a folder that is half removed would be no
            // scan.
            let number = self.n_incoming.fetch_add(1, Ordering::Relaxed);
            let aside = self.config.removed().join(number.to_string());
            let gone = fs::rename(self.folder(&id).path(), &aside)
                .and_then(|()| fs::remove_dir_all(&aside));
            match gone {
                Ok(()) => {
                    tells.forget(&id);
                    tracing::info!(%id, "is removed, as it is old");
                }
                Err(error) => tracing::warn!(%id, %error, "is old and cannot be removed"),
            }
            if let Err(error) = self.catalogue.remove(&id) {
                tracing::warn!(%id, %error, "stays in the catalogue until the next start");
            }
        }
    }
}
