#![doc = include_str!("../README.md")]
#![cfg(test)]
#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

mod circles;
mod decisions;
mod graph;
mod libraries;
mod rooms;
mod shape;
mod source;
