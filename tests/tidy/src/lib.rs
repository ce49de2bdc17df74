#![doc = include_str!("../README.md")]
#![cfg(test)]

mod circles;
mod decisions;
mod faults;
mod graph;
mod libraries;
mod papers;
mod rooms;
mod shape;
mod source;
mod targets;
