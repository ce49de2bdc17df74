#![doc = include_str!("../README.md")]

mod disk;
mod draft;
mod fate;
mod history;
mod kernel;
mod landscape;
mod life;
mod process;
mod roles;
mod seeds;
mod world;

pub use draft::Draft;
pub use life::live;
pub use seeds::{Failure, Tally, live_all, minimised};
