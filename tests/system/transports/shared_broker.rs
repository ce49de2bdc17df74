//! One broker for all trials to which nothing more than a broker matters; each has a namespace of its own there.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;
use skyscan_rabbitmq_node::Node;

static BROKER: Mutex<Option<Node>> = Mutex::new(None);
static NAMESPACES: AtomicU32 = AtomicU32::new(0);

/// A place at it where nobody else is.
pub(crate) fn url() -> Result<String, Failed> {
    let mut broker = BROKER.lock().unwrap_or_else(PoisonError::into_inner);
    let node = match broker.take() {
        Some(node) => node,
        None => Node::start()?,
    };
    let url = broker.insert(node).url();
    let number = NAMESPACES.fetch_add(1, Ordering::Relaxed);
    Ok(format!("{url}?namespace=trial-{number}"))
}

/// Ends it; statics are not dropped.
pub(crate) fn end() {
    let mut broker = BROKER.lock().unwrap_or_else(PoisonError::into_inner);
    drop(broker.take());
}
