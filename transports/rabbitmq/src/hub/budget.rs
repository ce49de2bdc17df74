//! How much a process, and all of them together, may have of a hub's memory. Who reaches the broker
//! with a password is no stranger; the limits are there for those who are broken.

/// Most processes.
pub(super) const MAX_PROCESSES: usize = 1 << 15;

/// Most links of all processes.
pub(super) const MAX_LINKS: usize = 1 << 17;

/// Most leases of one link, whatever it asks for.
pub(super) const MAX_CREDIT: u16 = 4096;

/// Most bytes of frames that one process has not told to have arrived.
pub(super) const MAX_OPEN_BYTES: usize = 256 << 20;
