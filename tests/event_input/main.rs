//! Event input: every format, every kind of damage, on written and on real events.
//!
//! The real events are not part of the project: without `../shared/data/events` their trials show
//! as ignored, and are counted.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

mod choice;
mod damage;
mod formats;
mod hostile;
mod memory;
mod objects;
mod packing;
mod real;
mod sample;
mod scratch;
mod writer;

use libtest_mimic::{Arguments, Failed, Trial};

type Check = fn() -> Result<(), Failed>;

fn main() {
    if memory::answered_as_child() {
        return;
    }
    let arguments = Arguments::from_args();
    let groups = [
        formats::checks(),
        objects::checks(),
        choice::checks(),
        damage::checks(),
        hostile::checks(),
        memory::checks(),
    ];
    let written = groups
        .into_iter()
        .flatten()
        .map(|(name, check)| Trial::test(name, check));
    let missing = !real::folder().is_dir();
    let real = real::checks().into_iter().map(|(name, check)| {
        Trial::test(format!("real_events::{name}"), check).with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, written.chain(real).collect()).exit();
}
