#![doc = include_str!("../README.md")]
//!
//! Decision: One release profile for everything (`docs/decisions.md`).

pub mod contract;
pub mod ends;
pub mod place;
pub mod process;
