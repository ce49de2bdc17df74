//! Reco `external`: the example scans over every transport and outlives its programs, and whatever
//! a program does wrong costs its pixel and is told.
//!
//! The example needs Python with numpy (`SKYSCAN_PYTHON`): without it, or without a broker, its
//! trials show as ignored, unless CI is set. The programs that do wrong are this test itself.

mod example;
mod program;
mod scan;
mod wrong;

use libtest_mimic::{Arguments, Failed, Trial};

type Check = fn() -> Result<(), Failed>;

fn main() {
    if let Some(conduct) = program::called_as() {
        return program::run(&conduct);
    }
    let arguments = Arguments::from_args();
    let in_ci = std::env::var_os("CI").is_some();
    let no_python = example::python().is_none() && !in_ci;
    let no_broker = skyscan_rabbitmq_node::missing().is_some() && !in_ci;
    let trials = wrong::checks()
        .into_iter()
        .map(|(name, check)| Trial::test(name, check));
    let examples: [(&str, Check, bool); 3] = [
        ("memory", example::in_memory, no_python),
        ("zeromq", example::over_zeromq, no_python),
        ("rabbitmq", example::over_rabbitmq, no_python || no_broker),
    ];
    let examples = examples.into_iter().map(|(transport, check, is_ignored)| {
        let name = format!("{transport}::the_example_outlives_its_programs_with_the_same_map");
        Trial::test(name, check).with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.chain(examples).collect()).exit();
}
