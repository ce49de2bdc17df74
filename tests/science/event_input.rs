//! Event input: every format, every kind of damage, on written and on real events.
//!
//! The real events are not part of the project: without `../shared/data/events` their trials show
//! as ignored, and are counted.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

mod choice;
mod damage;
mod formats;
mod hostile;
pub(crate) mod memory;
mod objects;
mod packing;
mod real;
mod sample;
mod scratch;
mod writer;

use libtest_mimic::Trial;

use crate::needs::{group, real_events};

pub(crate) fn trials() -> Vec<Trial> {
    let written = [
        formats::checks(),
        objects::checks(),
        choice::checks(),
        damage::checks(),
        hostile::checks(),
        memory::checks(),
    ];
    let mut trials = group("event_input", None, written.into_iter().flatten());
    trials.extend(group(
        "event_input::real_events",
        real_events(),
        real::checks(),
    ));
    trials
}
