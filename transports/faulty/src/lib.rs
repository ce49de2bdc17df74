//! A saboteur over any transport: it loses, repeats, delays, reorders and severs by rules, from a
//! seed, and never more than the contract allows the wire to do.
//!
//! Without rules it changes nothing. With rules the one that wraps a Scanner's transport touches
//! what its hub receives, and the one that wraps a Worker's transport what its links receive and
//! say. The same seed draws the same verdicts for the same frames.

mod delays;
mod hub;
mod link;
mod rules;

use std::sync::Arc;

use async_trait::async_trait;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
};

pub use crate::rules::{FrameKind, JudgedFrame, Rates, Rule, RuleGuard, Rules, Verdict};

/// A transport whose frames are judged by [`Rules`].
#[derive(Debug)]
pub struct FaultyTransport {
    inner: Arc<dyn Transport>,
    rules: Arc<Rules>,
}

impl FaultyTransport {
    /// Puts a transport under rules; several may share it.
    pub fn new(inner: Arc<dyn Transport>, rules: Arc<Rules>) -> Self {
        Self { inner, rules }
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let (hub, inbox) = self.inner.open_hub(config).await?;
        Ok((hub, hub::judged(inbox, Arc::clone(&self.rules))))
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        link::open(Arc::clone(&self.inner), config, Arc::clone(&self.rules)).await
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}
