#![doc = include_str!("../README.md")]
//!
//! The scan engine: which pixels come next, in which tasks, and what was accepted.
//!
//! Pure: no thread, no clock, no network. [`refinement`] decides from the map alone, so the map is
//! a function of the event and the [`Plan`]; [`ledger`] cuts the pixels of a wave into tasks and
//! counts each result once, whatever a transport repeats, loses or reorders; [`stragglers`] decides
//! which tasks hold up a wave and get copies; [`start`] finds where the minimisation in a pixel may begin,
//! [`Variations`] where else;
//! [`systematics`] repeats the part of the sky that matters under other ice and timing.

mod atlas;
pub mod foresight;
pub mod ledger;
pub mod plan;
pub mod protocol;
pub mod refinement;
mod standings;
pub mod start;
pub mod stragglers;
pub mod systematics;
mod variations;

pub use atlas::{Atlas, Point};
pub use ledger::{Acceptance, Adopted, Answer, Asked, Ledger, Stall, Task, TaskCounts};
pub use plan::{Plan, PlanError, Strategy};
pub use refinement::{Next, likely, next};
pub use skyscan_reco::NUMERICS;
pub use standings::PutAside;
pub use stragglers::{CopyReason, StragglerPolicy};
pub use variations::Variations;
