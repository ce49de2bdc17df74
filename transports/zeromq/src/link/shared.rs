//! What the pump and the links of a process share.

use std::sync::{Arc, atomic::AtomicU64};

use parking_lot::Mutex;
use skyscan_transport::backend::PayloadCache;

use super::command::LinkCommand;
use crate::{address::Connections, post::Post};

pub(crate) struct Shared {
    pub(crate) post: Arc<Post<LinkCommand>>,
    pub(crate) cache: Mutex<PayloadCache>,
    pub(super) connections: Connections,
    /// Links that are open.
    pub(super) n_links: AtomicU64,
}
