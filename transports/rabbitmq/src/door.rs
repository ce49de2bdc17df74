//! Sealed end to end: who is let in by a hub with keys, and the seal around all that is said behind its door.
//!
//! The broker and its other users are not trusted with what travels. A process that hears of a hub knocks (Noise IK,
//! `skyscan-transport-keys`, bound to the version of the wire, the namespace, the scan and the process), is answered,
//! and asks under seal to be let in. From then on both ends seal all frames under numbers that travel with them: the
//! broker repeats and reorders. What a hub says to all, and the payload, is sealed once, with keys that everyone
//! who was let in has; they are replaced when somebody is withdrawn.
//!
//! Frames are sealed when they are published and opened when they are read; neither the lanes nor whatever is behind
//! them know of it. What does not open is dropped and counted, and the lanes send again what is missing.
//!
//! Decision: What travels over a broker is sealed message by message (`docs/decisions.md`).

mod hub;
mod keys;
mod said;
mod shared;
mod visits;

pub(crate) use self::{
    hub::{Behind, HubDoor},
    keys::{HubSide, Keys},
    said::Said,
    visits::{Heard, Visits},
};
use crate::wire::{Scan, WIRE};

/// Binds a handshake to what follows it, and to where.
fn prologue(namespace: &str, scan: Scan, process: u64) -> Vec<u8> {
    let mut prologue = b"skyscan sealed messages 1".to_vec();
    prologue.push(WIRE);
    for number in [scan.id.0, scan.epoch, process] {
        prologue.extend(number.to_le_bytes());
    }
    prologue.extend(namespace.as_bytes());
    prologue
}

#[cfg(test)]
mod tests;
