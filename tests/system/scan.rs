//! The whole program, from the outside: what people type, and what they get.
//!
//! The real events are not part of the project: without `../shared/data/events` their trials show
//! as ignored, and are counted. So do those on a terminal without `SKYSCAN_PYTHON`, unless CI is
//! set: then its absence is a failure.

mod answer_first;
pub(crate) mod command;
mod event;
mod files;
mod interrupt;
mod open;
mod patience;
mod progress;
mod real;
mod refusal;
mod same_map;
pub(crate) mod systematics;
mod telling;
mod tiers;

use libtest_mimic::Trial;

use crate::needs::{group, python, real_events};

pub(crate) fn trials() -> Vec<Trial> {
    let always = [
        event::checks(),
        same_map::checks(),
        files::checks(),
        refusal::checks(),
        interrupt::checks(),
        patience::checks(),
        progress::checks(),
        telling::checks(),
        open::checks(),
        answer_first::checks(),
        systematics::checks(),
        tiers::checks(),
    ];
    let mut trials = group("scan", None, always.into_iter().flatten());
    trials.extend(group("scan::real_events", real_events(), real::checks()));
    trials.extend(group(
        "scan::real_events",
        real_events(),
        open::real_checks(),
    ));
    let on_terminal = progress::terminal_checks();
    trials.extend(group("scan::terminal", python(), on_terminal));
    trials
}
