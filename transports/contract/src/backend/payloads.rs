//! The payloads of one hub: those published, and those that it looks for elsewhere.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::Arc,
};

use bytes::Bytes;

use crate::{PayloadId, PayloadSource};

/// Most payloads looked for at once: peers may ask for whatever they like.
const MAX_SOUGHT: usize = 64;

/// Most questions that wait for one payload; whoever is not answered asks again.
const MAX_WAITING: usize = 1 << 16;

/// Published payloads by hash, and who (`W`) waits for those that are being looked for.
pub struct Payloads<W> {
    published: HashMap<PayloadId, Bytes>,
    source: Option<Arc<dyn PayloadSource>>,
    sought: HashMap<PayloadId, Vec<W>>,
}

/// What to do about a payload that was asked for.
#[derive(Debug)]
pub enum Sought<W> {
    /// Answer now: it is published, or nowhere to be had.
    Answer(W),
    /// Whoever asked waits, as others do already.
    Waits,
    /// Whoever asked waits: ask this source, and tell [`Payloads::found`].
    Ask(Arc<dyn PayloadSource>),
}

impl<W> Payloads<W> {
    /// Nothing is published; what is asked for is looked for there.
    pub fn new(source: Option<Arc<dyn PayloadSource>>) -> Self {
        Self {
            published: HashMap::new(),
            source,
            sought: HashMap::new(),
        }
    }

    /// Publishes a payload of this hash.
    pub fn publish(&mut self, id: PayloadId, payload: Bytes) {
        self.published.insert(id, payload);
    }

    /// A published payload.
    pub fn get(&self, id: PayloadId) -> Option<&Bytes> {
        self.published.get(&id)
    }

    /// Somebody asks for a payload.
    pub fn seek(&mut self, id: PayloadId, who: W) -> Sought<W> {
        let Some(source) = &self.source else {
            return Sought::Answer(who);
        };
        let is_full = self.sought.len() >= MAX_SOUGHT;
        match self.sought.entry(id) {
            _ if self.published.contains_key(&id) => Sought::Answer(who),
            Entry::Occupied(waiting) if waiting.get().len() >= MAX_WAITING => Sought::Answer(who),
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push(who);
                Sought::Waits
            }
            Entry::Vacant(_) if is_full => Sought::Answer(who),
            Entry::Vacant(place) => {
                place.insert(vec![who]);
                Sought::Ask(Arc::clone(source))
            }
        }
    }

    /// The source has answered: publishes what it found, and returns who waits for an answer.
    pub fn found(&mut self, id: PayloadId, payload: Option<Bytes>) -> Vec<W> {
        if let Some(payload) = payload {
            self.publish(id, payload);
        }
        self.sought.remove(&id).unwrap_or_default()
    }
}

impl<W> fmt::Debug for Payloads<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payloads")
            .field("published", &self.published.keys())
            .field("sought", &self.sought.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::{Arc, Bytes, PayloadId, PayloadSource, Payloads, Sought};
    use crate::Result;

    #[derive(Debug)]
    struct Nowhere;

    #[async_trait]
    impl PayloadSource for Nowhere {
        async fn find(&self, payload: PayloadId) -> Result<Bytes> {
            Err(crate::TransportError::UnknownPayload(payload))
        }
    }

    #[test]
    fn a_source_is_asked_once_for_all_who_wait() {
        let payload = Bytes::from_static(b"payload");
        let id = PayloadId::of(&payload);
        let mut payloads = Payloads::new(Some(Arc::new(Nowhere)));
        assert!(matches!(payloads.seek(id, 1), Sought::Ask(_)));
        assert!(matches!(payloads.seek(id, 2), Sought::Waits));
        assert_eq!(payloads.found(id, None), [1, 2]);
        assert!(matches!(payloads.seek(id, 3), Sought::Ask(_)));
        assert_eq!(payloads.found(id, Some(payload.clone())), [3]);
        assert!(matches!(payloads.seek(id, 4), Sought::Answer(4)));
        assert_eq!(payloads.get(id), Some(&payload));
    }

    #[test]
    fn without_a_source_everything_is_answered_at_once() {
        let mut payloads = Payloads::new(None);
        let id = PayloadId::of(b"elsewhere");
        assert!(matches!(payloads.seek(id, 1), Sought::Answer(1)));
    }
}
