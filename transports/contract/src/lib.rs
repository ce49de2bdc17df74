//! The transport contract: what a hub and its links promise, whatever wire carries them.
//!
//! One hub sits beside each Scanner, one link beside each Worker. Bodies are opaque bytes: this
//! crate knows nothing of pixels, encodings or actors. The numbered clauses are the contract;
//! every conformance case names the clause that it checks.
//!
//! - **C1 at least once** A submitted task is leased until some link completes or rejects it, or it
//!   is purged, or its hub ends. An outcome may come twice: the scan's ledger, not the transport,
//!   counts each once.
//! - **C2 one holder** At most one *live* lease exists per submitted task.
//! - **C3 redelivery** A lease that is released, dropped, expired or held by a link that goes is
//!   leased again, within `liveness` (loss) or `lease_term` (expiry). However often that happens, it
//!   is never counted as a failure and the task is never dropped for it. If the lease was *lost*,
//!   since it expired or its link went without a goodbye, that is with `attempt + 1`: whoever had it
//!   may have been lost by it. What was given back in good order comes with the same `attempt`.
//! - **C4 fencing** Settling or renewing after that reports the lease as lost
//!   ([`TransportError::LeaseLost`], [`Settled::lost`]) and changes nothing at the hub.
//! - **C5 credit** A link never holds more than `credit` unsettled leases, over all hubs that it
//!   serves; a hub never queues more than `backlog` tasks that were not leased yet: `submit`
//!   waits. A hub whose owner does not take outcomes leases nothing more, so memory stays bounded.
//! - **C6 result before ack** Once a settlement is reported as taken, the hub yields that outcome
//!   at least once, even if the link is lost the next moment. A [`SettledBatch`] that is dropped
//!   unconfirmed comes again.
//! - **C7 payload once** A process transfers a payload over the wire at most once while it keeps
//!   it, however many links it opens and however late they join.
//! - **C8 notices are advice** A broadcast reaches every link that is up; it may be lost with the
//!   link, and correctness never rests on it.
//! - **C9 drain** After `drain` a link gets no new lease; those it holds can still be settled.
//! - **C10 no order** Nothing is promised about order between tasks, results and notices. Between
//!   one link and one hub, `HubUp` comes before the first lease and no lease comes after `HubDown`.
//! - **C11 one clock** All deadlines run on `tokio::time`, so that a paused clock is obeyed where
//!   no real wire is open.
//! - **C12 versions** Peers of different protocol majors never exchange a task: the link's inbox
//!   yields [`TransportError::ProtocolMismatch`] with both versions. The hubs that one process has
//!   open at one place share a major.
//! - **C13 hubs come and go** A link belongs to the *place* that its transport names, not to one
//!   hub. It may be opened before any hub, serves every hub that opens there
//!   ([`LinkIncoming::HubUp`]), and outlives each of them ([`LinkIncoming::HubDown`], within
//!   `liveness` when the hub vanished without a word). The leases of a hub that is down are lost. A
//!   hub that opens again is a new, empty hub; what must survive is in the Scanner's journal.
//! - **C14 other workers** A task is leased to no link of a worker in its
//!   [`avoid`](TaskFrame::avoid) while another link is up (not draining, its credit above 0) whose
//!   worker is not in there. If there is none, anyone gets it, so that a small fleet still
//!   progresses; and anyone may once a link with room has been passed over for a `lease_term`: who
//!   could take it may hang. While it waits, no other task waits behind it. Whoever brought an
//!   outcome about is named in it ([`Outcome::worker`]), also behind a relay.
//! - **C15 who holds what** [`Hub::holders`] names the link of every live lease of the tasks that it
//!   is asked for, and when that lease ends unless it is renewed. A task that it does not name waits
//!   for a link, has its outcome on the way to the hub's inbox, or is none of this hub's. No peer is
//!   waited for.
//! - **C16 priorities** What becomes free of a link's credit goes to the hub of the highest
//!   [`priority`](HubConfig::priority) that has a task for that link, in turns among those of one
//!   priority. While a hub is open, a link is leased tasks of lower ones for half of its credit at
//!   most, rounded up: with credit 2 or more there is room for an urgent task at any time, unless the
//!   link held more before. Nothing that a link holds is taken from it: its owner hears of the
//!   priority with [`LinkIncoming::HubUp`], and gives back what it has not begun. What was given back
//!   so is neither lost nor failed (C3).
//!
//! # Many scans, one place
//!
//! A transport value names one place (`memory:`, `zmq://host:port`, `amqp://host/vhost`). Several
//! hubs may be open there at once, each with its own [`ScanId`]; a [`TaskKey`] is the pair of scan
//! and task. Every link serves them all, in turns, out of one credit. A Worker therefore needs a
//! single loop, and no code for a lost connection:
//!
//! ```no_run
//! # use skyscan_transport::*;
//! # use std::sync::Arc;
//! # async fn work(lease: &Lease) -> bytes::Bytes { lease.body().clone() }
//! # async fn next(_: &mut LinkInbox) -> Option<Result<LinkIncoming>> { None }
//! async fn serve(transport: Arc<dyn Transport>, config: LinkConfig) -> Result<()> {
//!     let (link, mut inbox) = transport.open_link(config).await?;
//!     while let Some(incoming) = next(&mut inbox).await {
//!         match incoming? {
//!             LinkIncoming::Leased(leases) => {
//!                 let mut settlements = Vec::new();
//!                 for lease in leases {
//!                     let result = work(&lease).await;
//!                     settlements.push(lease.completed(result));
//!                 }
//!                 link.settle(settlements).await?; // lost leases are no error: others do them
//!             }
//!             LinkIncoming::HubUp { .. } => {}   // read the welcome, fetch the payload
//!             LinkIncoming::HubDown { .. } => {} // stop that scan's work: its leases are lost
//!             LinkIncoming::Notice { .. } => {}
//!         }
//!     }
//!     link.close().await
//! }
//! ```
//!
//! # Writing a backend
//!
//! [`backend`] has the parts that backends share: the lease table and both inbox queues. What a
//! backend has to bring, clause by clause, is told there.

mod avoided;
pub mod backend;
mod error;
mod hub;
mod id;
mod lease;
mod link;
mod priority;
mod size;
mod transport;

pub use crate::avoided::Avoided;
pub use crate::error::{Result, TransportError};
pub use crate::hub::{
    Conclusion, DownCause, Holder, Hub, HubInbox, HubIncoming, MAX_AVOID, Outcome, PayloadSource,
    Receipts, SettledBatch, TaskFrame,
};
pub use crate::id::{LeaseToken, LinkId, PayloadId, ScanId, TaskId, TaskKey, Version, WorkerId};
pub use crate::lease::{
    Answer, Lease, MAX_REASON_BYTES, Settled, Settlement, Settler, cut_reason, renew, settle,
};
pub use crate::link::{Link, LinkInbox, LinkIncoming};
pub use crate::priority::Priority;
pub use crate::size::{MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, check_size};
pub use crate::transport::{HubConfig, LinkConfig, Traffic, Transport};
