//! Journals, from the outside: scanners that are killed, folders that are used again, disks that fail.

mod cost;
mod disk;
mod folder;
mod kill;
mod looks;
mod run;
mod takeover;

use libtest_mimic::Trial;

use crate::needs::{Check, broker, group, long, mounts};

pub(crate) fn trials() -> Vec<Trial> {
    let always = [
        folder::checks(),
        looks::checks(),
        takeover::checks(),
        disk::checks(),
        kill::checks(),
    ];
    let mut trials = group("journal", None, always.into_iter().flatten());
    trials.extend(group("journal::rabbitmq", broker(), kill::broker_checks()));
    trials.extend(group("journal::mounted", mounts(), disk::mounted_checks()));
    let long_kills: [(&str, Check); 1] = [(
        "a_hundred_kills_change_no_map_and_cost_only_what_was_under_way",
        kill::a_hundred,
    )];
    trials.extend(group("long::journal", long().or(broker()), long_kills));
    let costs: [(&str, Check); 2] = [
        (
            "a_journal_costs_little_beside_a_scan_without",
            cost::beside_a_scan_without,
        ),
        (
            "a_million_pixels_are_gone_on_from_in_seconds",
            cost::a_million_pixels,
        ),
    ];
    trials.extend(group("long::journal", long(), costs));
    trials
}
