//! What journals keep, what they refuse, and what a disk may do to them.

mod crash;
mod finding;
pub(crate) mod fixture;
mod flips;
mod holding;
mod keeping;
mod looking_again;
mod pausing;
mod refusing;
