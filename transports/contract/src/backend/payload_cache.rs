//! The payloads that a process has fetched (C7).

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::PayloadId;

/// Payloads by hash, oldest forgotten first once the budget is spent.
#[derive(Debug)]
pub struct PayloadCache {
    budget_bytes: usize,
    used_bytes: usize,
    payloads: HashMap<PayloadId, Bytes>,
    order: VecDeque<PayloadId>,
}

impl PayloadCache {
    /// Makes an empty cache. The newest payload is kept even when it alone is over the budget.
    pub fn new(budget_bytes: usize) -> Self {
        Self {
            budget_bytes,
            used_bytes: 0,
            payloads: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Returns a payload that was kept.
    pub fn get(&self, payload: PayloadId) -> Option<Bytes> {
        self.payloads.get(&payload).cloned()
    }

    /// Keeps a payload whose hash has been checked.
    pub fn keep(&mut self, id: PayloadId, payload: Bytes) {
        self.used_bytes += payload.len();
        if let Some(old) = self.payloads.insert(id, payload) {
            self.used_bytes -= old.len();
            return;
        }
        self.order.push_back(id);
        while self.used_bytes > self.budget_bytes && self.order.len() > 1 {
            let oldest = self.order.pop_front();
            if let Some(forgotten) = oldest.and_then(|id| self.payloads.remove(&id)) {
                self.used_bytes -= forgotten.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, PayloadCache, PayloadId};

    #[test]
    fn forgets_the_oldest_when_the_budget_is_spent() {
        let mut cache = PayloadCache::new(10);
        let payloads = [Bytes::from_static(b"aaaaaa"), Bytes::from_static(b"bbbbbb")];
        for payload in &payloads {
            cache.keep(PayloadId::of(payload), payload.clone());
        }
        assert_eq!(cache.get(PayloadId::of(&payloads[0])), None);
        assert_eq!(
            cache.get(PayloadId::of(&payloads[1])),
            Some(payloads[1].clone())
        );
    }
}
