//! Who is there: a decorator around a transport that writes down who comes to its hubs and which scans
//! come to its links, and says so, for those who look on. Nobody else needs to know.

mod book;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, HubIncoming, Link, LinkConfig, LinkInbox, LinkIncoming, Result,
    Traffic, Transport,
};

pub use book::{Book, Say};
pub use table::{HubRow, ScanRow, Table};

/// A transport whose hubs and links are written down.
#[derive(Debug)]
pub struct Attended {
    inner: Arc<dyn Transport>,
    book: Arc<Book>,
}

impl Attended {
    /// Writes into `book` who comes and goes at this transport.
    pub fn around(inner: Arc<dyn Transport>, book: Arc<Book>) -> Arc<dyn Transport> {
        Arc::new(Self { inner, book })
    }
}

#[async_trait]
impl Transport for Attended {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let (hub, inbox) = self.inner.open_hub(config).await?;
        let book = Arc::clone(&self.book);
        let noted = inbox.inspect(move |incoming| {
            if let Ok(incoming) = incoming {
                note_at_hub(&book, incoming);
            }
        });
        Ok((hub, noted.boxed()))
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        let (link, inbox) = self.inner.open_link(config).await?;
        let book = Arc::clone(&self.book);
        let noted = inbox.inspect(move |incoming| match incoming {
            Ok(LinkIncoming::HubUp { scan, welcome, .. }) => book.scan_up(*scan, welcome),
            Ok(LinkIncoming::HubDown { scan }) => book.scan_down(*scan),
            Ok(LinkIncoming::Leased(leases)) => {
                for lease in leases {
                    book.leased(lease.key().scan);
                }
            }
            Ok(LinkIncoming::Notice { .. }) | Err(_) => {}
        });
        Ok((link, noted.boxed()))
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }

    fn refusal(&self) -> Option<String> {
        self.inner.refusal()
    }
}

fn note_at_hub(book: &Arc<Book>, incoming: &HubIncoming) {
    match incoming {
        HubIncoming::LinkUp {
            link,
            worker,
            hello,
            ..
        } => book.link_up(*link, *worker, hello),
        HubIncoming::LinkDown { link, cause } => book.link_down(*link, *cause),
        HubIncoming::Settled(batch) => {
            for outcome in batch.outcomes() {
                book.settled(outcome.link);
            }
        }
    }
}
