//! What all connections of one operating system process share.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use skyscan_transport::{
    PayloadId,
    backend::{PayloadCache, Totals},
};
use tokio::sync::{Mutex as Turn, Semaphore};

use crate::door::{Keys, Said};

/// Most bytes of payloads that are kept.
const PAYLOAD_BUDGET_BYTES: usize = 512 << 20;

/// Most connections that are being made at once: a broker that greets a thousand greets none.
const MAX_DIALLING: usize = 32;

#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) totals: Arc<Totals>,
    /// With them nothing is said or believed that is not sealed.
    pub(crate) keys: Option<Keys>,
    pub(crate) said: Said,
    /// Why this process was not let in, if a door said so last.
    pub(crate) refused: Mutex<Option<String>>,
    pub(crate) cache: Mutex<PayloadCache>,
    /// Held while connecting.
    pub(crate) dialling: Semaphore,
    turns: Mutex<HashMap<PayloadId, Weak<Turn<()>>>>,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            totals: Arc::default(),
            keys: None,
            said: Said::default(),
            refused: Mutex::default(),
            cache: Mutex::new(PayloadCache::new(PAYLOAD_BUDGET_BYTES)),
            dialling: Semaphore::new(MAX_DIALLING),
            turns: Mutex::default(),
        }
    }
}

impl Common {
    pub(crate) fn with_keys(keys: Option<Keys>) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// The turn to fetch a payload: whoever waited for it looks into the cache first, so that it
    /// travels once however many connections could carry it (C7).
    pub(crate) fn turn(&self, payload: PayloadId) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock();
        if let Some(turn) = turns.get(&payload).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(payload, Arc::downgrade(&turn));
        turn
    }
}
