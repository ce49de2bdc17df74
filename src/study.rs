//! Studies of a reconstruction: events with known truth are made, scanned like any other, and the
//! answers set beside the truth.
//!
//! - [`design`]: what decides on the events of a study, and how each is made.
//! - [`folder`]: what a study leaves behind as it goes on, and is taken up from.
//! - [`run`]: makes and scans what is missing, several events at a time.
//! - [`measure`]: how far off an answer is, what its regions hold.
//! - [`report`]: tables and charts of all of them.
//! - [`levels`]: the coverage file that follows.

pub mod design;
pub mod folder;
pub mod levels;
pub mod measure;
pub mod report;
pub mod run;
pub mod statistics;
