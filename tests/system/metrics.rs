//! What the program tells Prometheus, asked of a real one (Debian's package): the list of metrics,
//! the alert rules, the queries of the dashboard. Without a Prometheus to start, its trials show as
//! ignored, unless CI is set. tests/compose has the same in containers, with a broker.

pub(crate) mod dashboard;
mod documentation;
pub(crate) mod listed;
pub(crate) mod prometheus;
mod refusal;
mod roles;
mod rules;

use libtest_mimic::{Failed, Trial};

use crate::needs::{self, Missing, trial_with};
use prometheus::Result;

type Check = fn() -> Result<()>;

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Check, Missing); 7] = [
        (
            "metrics::documentation_lists_every_metric",
            documentation::lists_every_metric,
            None,
        ),
        (
            "metrics::an_address_that_is_taken_is_told",
            refusal::address_is_taken,
            None,
        ),
        (
            "metrics::a_worker_whose_address_is_taken_goes_on_without",
            refusal::a_worker_goes_on_without,
            None,
        ),
        (
            "metrics::a_port_that_was_free_is_told",
            refusal::a_free_port_is_told,
            None,
        ),
        (
            "metrics::alert_rules_are_valid",
            rules::are_valid,
            needs::prometheus(),
        ),
        (
            "metrics::alerts_fire_when_they_should",
            rules::fire_when_they_should,
            needs::prometheus(),
        ),
        (
            "metrics::every_role_tells_what_is_documented",
            roles::tell_what_is_documented,
            needs::prometheus(),
        ),
    ];
    let trial = |(name, check, missing): (&str, Check, Missing)| {
        trial_with(missing, name, move || {
            check().map_err(|error| Failed::from(error.to_string()))
        })
    };
    trials.into_iter().map(trial).collect()
}
