//! The whole program, from the outside: what people type, and what they get.
//!
//! The real events are not part of the project: without `../shared/data/events` their trials show
//! as ignored, and are counted. So do those on a terminal without `SKYSCAN_PYTHON`, unless CI is
//! set: then its absence is a failure.

mod command;
mod event;
mod files;
mod interrupt;
mod progress;
mod real;
mod refusal;
mod same_map;
mod telling;

use libtest_mimic::{Arguments, Failed, Trial};

type Check = fn() -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let always = [
        event::checks(),
        same_map::checks(),
        files::checks(),
        refusal::checks(),
        interrupt::checks(),
        progress::checks(),
        telling::checks(),
    ];
    let mut trials: Vec<Trial> = always
        .into_iter()
        .flatten()
        .map(|(name, check)| Trial::test(name, check))
        .collect();
    let no_events = !real::folder().is_dir();
    trials.extend(real::checks().into_iter().map(|(name, check)| {
        Trial::test(format!("real_events::{name}"), check).with_ignored_flag(no_events)
    }));
    let no_python = progress::python().is_none() && std::env::var_os("CI").is_none();
    trials.extend(
        progress::terminal_checks()
            .into_iter()
            .map(|(name, check)| {
                Trial::test(format!("terminal::{name}"), check).with_ignored_flag(no_python)
            }),
    );
    libtest_mimic::run(&arguments, trials).exit();
}
