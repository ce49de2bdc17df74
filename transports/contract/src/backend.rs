//! Parts that backends share, and what each clause asks of a backend.
//!
//! [`LeaseTable`] decides who gets which task (C1-C5, C9, C14, C16) and knows who has it (C15); it is pure, time
//! is passed in.
//! [`HubQueue`] and [`LinkQueue`] are the two inboxes; they join what waits into larger batches.
//!
//! [`Payloads`] are those of one hub, with the source that it asks for others.
//! [`Assembly`] is a payload on its way in.
//! [`checksum`] and [`body_checksum`] tell damage on the wire.
//! [`Counts`] and [`Meters`] say what it does, under one list of names ([`meters`]).
//! [`HubBefore`], [`LinkBefore`] and [`SettlerBefore`] are for decorators, which stand before a backend.
//! [`Dice`] are for those that draw and are to draw the same every time, [`random`] for names that nobody
//! else has.
//!
//! A backend takes one of three shapes:
//!
//! - *The hub hands out the tasks* over a wire of its own (memory, ZeroMQ): it gets C1-C5, C9 and
//!   C16 from the table and has to bring the wire.
//! - *The hub keeps the table, a broker carries* (RabbitMQ): the same table decides beside the
//!   Scanner, and each process has a queue at the broker, in which leases and answers for it travel;
//!   settlements travel back in a queue of the hub. The broker's own acknowledgements only bound what
//!   is on the way: frames are numbered, sent again until the *other end* has told that they arrived,
//!   and taken once. Every clause stays as exact as with the first shape: one holder, attempts that
//!   count, purge to the task, one credit over several scans. What the broker gives is one address
//!   that both sides dial out to, and queues for whoever is slow.
//! - *The broker hands out the tasks* from one queue that all links consume. Nothing here is built
//!   so, since several clauses hold only nearly then; who tries it keeps them by these means:
//!
//! | clause | where the broker hands out |
//! |---|---|
//! | C1 C2 | one durable task queue per scan, manual acks; publisher confirms before `submit` returns |
//! | C3 | loss of channel or connection requeues; the *link* runs the lease timer itself and nacks an expired lease; explicit delivery limit (none) and consumer timeout; attempt = deliveries that were not given back + 1, which the broker alone cannot tell |
//! | C4 | the link forgets a lease when it expires or its channel dies; a stale delivery tag must never reach a new channel: one [`Settler`](crate::Settler) value per channel incarnation |
//! | C5 | prefetch where one hub is served; over several scans the link counts its own credit and keeps what is over it unleased; `submit` counts what is ready (queue length limit with reject-publish, or own count from the outcomes) |
//! | C6 | publish the result, await the confirm, then ack the task; the hub acks the result in [`Receipts::confirmed`](crate::Receipts::confirmed) (`multiple`), and nacks with requeue or re-queues locally in `unconfirmed` |
//! | C7 | request queue per scan that the hub answers in chunks; cache per process by [`PayloadId`](crate::PayloadId), one transfer at a time; check the hash |
//! | C8 | fanout exchange per scan, exclusive queue per process |
//! | C9 | cancel the consumer, nack what was prefetched and not handed out |
//! | C10 | send `HubUp` first; drop deliveries of a scan after its `HubDown` |
//! | C12 | hello and welcome by request queue before the first consume; wrong major: `Err(ProtocolMismatch)` into the link's inbox |
//! | C13 | hubs announce themselves (fanout, with a fresh epoch, repeated as heartbeat) and answer a link that asks who is there; queues are named by scan and epoch and deleted with the hub; silence over `liveness` is `HubDown`; a broker that restarts is neither: recover topology, republish what is unconfirmed |
//! | C16 | the broker's queues have no say: the link counts what it holds of each priority, and consumes the tasks of lower hubs only while they have less than half of its credit |
//! | link up and down | hello, heartbeat and goodbye messages to the hub's queue; silence over `liveness` is `LinkDown(Lost)` |

mod assembly;
mod checksums;
mod counts;
mod decorate;
mod dice;
mod hub_queue;
mod lease_table;
mod link_queue;
pub mod meters;
mod payload_cache;
mod payloads;
pub mod random;
mod secrets;

pub use assembly::{Assembled, Assembly};
pub use checksums::{body_checksum, checksum};
pub use counts::{Counts, Totals};
pub use decorate::{HubBefore, LinkBefore, SettlerBefore, WrappedSettlers};
pub use dice::Dice;
pub use hub_queue::{HubQueue, HubQueueOwner};
pub use lease_table::{Grant, LeaseTable, LinkSlot, Settling};
pub use link_queue::{LinkQueue, LinkQueueOwner};
pub use meters::{Level, Meters, Side};
pub use payload_cache::PayloadCache;
pub use payloads::{Payloads, Sought};
pub use secrets::exposed;
