//! `skyscan replay` from the outside: the shipped scenarios in their quick form, over every
//! transport. What is asserted is what does not depend on the machine: no task is lost or doubled,
//! and the same draws come out whatever carries them. Without a RabbitMQ to start, its trials show
//! as ignored, unless CI is set.

mod answers;
mod command;
mod interrupt;
mod model;
mod refusal;
mod shipped;
mod stragglers;
mod virtual_time;
mod zoom;

use libtest_mimic::{Arguments, Failed, Trial};
use skyscan_rabbitmq_node::missing;

type Check = fn() -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let no_broker = missing().is_some() && std::env::var_os("CI").is_none();
    let always = shipped::checks()
        .into_iter()
        .chain(refusal::checks())
        .chain(interrupt::checks())
        .chain(stragglers::checks())
        .chain(model::checks())
        .chain(virtual_time::checks())
        .chain(answers::checks())
        .chain(zoom::checks());
    let mut trials: Vec<Trial> = always
        .map(|(name, check)| Trial::test(name, check))
        .collect();
    let with_broker = shipped::broker_checks().into_iter();
    trials.extend(
        with_broker
            .chain(model::broker_checks())
            .chain(zoom::broker_checks())
            .map(|(name, check)| {
                Trial::test(format!("rabbitmq::{name}"), check).with_ignored_flag(no_broker)
            }),
    );
    match shipped::scenarios() {
        Ok(scenarios) => trials.extend(scenarios.into_iter().map(|(name, needs_broker)| {
            Trial::test(format!("quick::{name}"), move || {
                shipped::runs_quickly(&name)
            })
            .with_ignored_flag(needs_broker && no_broker)
        })),
        Err(error) => trials.push(Trial::test("quick", move || Err(error.into()))),
    }
    libtest_mimic::run(&arguments, trials).exit();
}
