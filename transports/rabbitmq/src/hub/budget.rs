//! How much a process, and all of them together, may have of a hub's memory. Who reaches the broker
//! with a password is no stranger; the limits are there for those who are broken.

/// Most processes.
pub(crate) const MAX_PROCESSES: usize = 1 << 15;

/// Most links of all processes.
pub(super) const MAX_LINKS: usize = 1 << 17;

/// Most leases of one link, whatever it asks for.
pub(super) const MAX_CREDIT: u16 = 4096;

/// Most bytes of frames that wait for a process which does not tell that any arrives. Who reads on may
/// have more: they are the scan's own tasks, whose number is bounded by backlog and credit.
pub(super) const MAX_UNREAD_BYTES: usize = 128 << 20;
