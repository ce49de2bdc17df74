//! What is done to a scan.

use std::fmt;
use std::ops::Range;

use crate::part::Role;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL; another one is started later, a scanner goes on from its journal.
    Killed(Role),
    /// SIGSTOP, later SIGCONT.
    Stopped(Role),
    /// Its whole process group dies; it starts again from its disk.
    BrokerKilled,
    /// SIGSTOP, later SIGCONT.
    BrokerStopped,
    /// All connections through a proxy are reset.
    Cut,
    /// Each piece of a connection comes later.
    Late,
    /// A connection carries few bytes a second.
    Narrow,
    /// A connection carries a few bytes at a time.
    Sliced,
    /// What is sent vanishes while the connection seems to be there; it is reset afterwards.
    HalfOpen,
    /// Bits of what is carried are inverted.
    Flipped,
    /// Nothing can be written where the scan keeps its journal.
    DiskFull,
    /// Its wall clock is hours off, and later right again.
    ClockJumped(Role),
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::Killed(Role::Worker),
        Self::Stopped(Role::Worker),
        Self::Killed(Role::Scanner),
        Self::Stopped(Role::Scanner),
        Self::Killed(Role::Relay),
        Self::Stopped(Role::Relay),
        Self::BrokerKilled,
        Self::BrokerStopped,
        Self::Cut,
        Self::Late,
        Self::Narrow,
        Self::Sliced,
        Self::HalfOpen,
        Self::Flipped,
        Self::DiskFull,
        Self::ClockJumped(Role::Scanner),
        Self::ClockJumped(Role::Relay),
        Self::ClockJumped(Role::Worker),
    ];

    /// How long it lasts, in milliseconds; of what is killed, until it is started again.
    pub(crate) fn lasts_ms(self) -> Range<u64> {
        match self {
            Self::Cut => 1..2,
            Self::Killed(_) | Self::BrokerKilled => 10..1500,
            // Beyond the liveness of hub and links, now and then.
            Self::Stopped(_) | Self::BrokerStopped | Self::HalfOpen => 200..8000,
            Self::Late
            | Self::Narrow
            | Self::Sliced
            | Self::Flipped
            | Self::DiskFull
            | Self::ClockJumped(_) => 300..3000,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Killed(role) => return write!(f, "{role} killed"),
            Self::Stopped(role) => return write!(f, "{role} stopped"),
            Self::BrokerKilled => "broker killed",
            Self::BrokerStopped => "broker stopped",
            Self::Cut => "connections cut",
            Self::Late => "connections late",
            Self::Narrow => "connections narrow",
            Self::Sliced => "connections sliced",
            Self::HalfOpen => "connections half open",
            Self::Flipped => "bits flipped",
            Self::DiskFull => "disk full",
            Self::ClockJumped(role) => return write!(f, "clock of {role} jumped"),
        })
    }
}
