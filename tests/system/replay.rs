//! `skyscan replay` from the outside: the shipped scenarios in their quick form, over every
//! transport. What is asserted is what does not depend on the machine: no task is lost or doubled,
//! and the same draws come out whatever carries them. Without a RabbitMQ to start, its trials show
//! as ignored, unless CI is set.

mod answers;
mod asked;
mod command;
mod interrupt;
mod model;
mod refusal;
mod shipped;
mod stragglers;
mod virtual_time;
mod zoom;

use libtest_mimic::Trial;

use crate::needs::{broker, group, trial, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    let always = [
        shipped::checks(),
        refusal::checks(),
        interrupt::checks(),
        stragglers::checks(),
        model::checks(),
        virtual_time::checks(),
        answers::checks(),
        asked::checks(),
        zoom::checks(),
    ];
    let with_broker = [model::broker_checks(), zoom::broker_checks()];
    let mut trials = group("replay", None, always.into_iter().flatten());
    let with_broker = with_broker.into_iter().flatten();
    trials.extend(group("replay::rabbitmq", broker(), with_broker));
    match shipped::scenarios() {
        Ok(scenarios) => trials.extend(scenarios.into_iter().map(|(name, needs_broker)| {
            let missing = broker().filter(|_| needs_broker);
            trial_with(missing, format!("replay::quick::{name}"), move || {
                shipped::runs_quickly(&name)
            })
        })),
        Err(error) => trials.push(trial("replay::quick", move || Err(error.into()))),
    }
    trials
}
