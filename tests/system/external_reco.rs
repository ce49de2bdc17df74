//! Reco `external`: the example scans over every transport and outlives its programs, and whatever
//! a program does wrong costs its pixel and is told.
//!
//! The example needs Python with numpy (`SKYSCAN_PYTHON`): without it, or without a broker, its
//! trials show as ignored, unless CI is set. The programs that do wrong are this test itself.

mod example;
pub(crate) mod program;
pub(crate) mod scan;
mod wrong;

use libtest_mimic::Trial;

use crate::needs::{Check, Missing, broker, group, python, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = group("external_reco", None, wrong::checks());
    let examples: [(&str, Check, Missing); 3] = [
        ("memory", example::in_memory, python()),
        ("zeromq", example::over_zeromq, python()),
        ("rabbitmq", example::over_rabbitmq, python().or(broker())),
    ];
    trials.extend(examples.into_iter().map(|(transport, check, missing)| {
        let sentence = "the_example_outlives_its_programs_with_the_same_map";
        let name = format!("external_reco::{transport}::{sentence}");
        trial_with(missing, name, check)
    }));
    trials
}
