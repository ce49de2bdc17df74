//! A hub's process to which links that only listen, as the relay's own, are not shown: the cases
//! count Workers.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use parking_lot::Mutex;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, HubIncoming, Link, LinkConfig, LinkId, LinkInbox, Result, Traffic,
    Transport,
};

#[derive(Debug)]
pub(crate) struct RelayHidden(pub(crate) Arc<dyn Transport>);

#[async_trait]
impl Transport for RelayHidden {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let (hub, inbox) = self.0.open_hub(config).await?;
        let hidden: Arc<Mutex<Vec<LinkId>>> = Arc::default();
        let inbox = inbox.filter(move |incoming| {
            let is_shown = match incoming {
                Ok(HubIncoming::LinkUp {
                    link, credit: 0, ..
                }) => {
                    hidden.lock().push(*link);
                    false
                }
                Ok(HubIncoming::LinkDown { link, .. }) => !hidden.lock().contains(link),
                _ => true,
            };
            std::future::ready(is_shown)
        });
        Ok((hub, inbox.boxed()))
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        self.0.open_link(config).await
    }

    fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}
