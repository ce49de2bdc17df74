//! Event input: every format, every kind of damage, on written and on real events.
//!
//! The real events are not part of the project: without `../shared/data/events` their trials show
//! as ignored, and are counted.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

mod cases;
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

use crate::needs::{Check, group, real_events};

pub(crate) fn trials() -> Vec<Trial> {
    let written = [
        formats::checks(),
        objects::checks(),
        choice::checks(),
        damage::checks(),
        hostile::checks(),
        memory::checks(),
        cases::checks(),
    ];
    let mut trials = group("event_input", None, written.into_iter().flatten());
    trials.extend(group(
        "event_input::real_events",
        real_events(),
        real::checks(),
    ));
    let missing = (!cases::folder().is_dir()).then_some("no cases: ../shared/cases is not there");
    let shared = [(
        "cases::each_is_read_or_told_in_one_line",
        cases::shared as Check,
    )];
    trials.extend(group("event_input", missing, shared));
    trials
}
