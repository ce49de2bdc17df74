//! What the program tells Prometheus, asked of a real one (Debian's package): the list of metrics,
//! the alert rules, the queries of the dashboard. Without a Prometheus to start, its trials show as
//! ignored, unless CI is set. tests/compose has the same in containers, with a broker.

mod dashboard;
mod documentation;
mod listed;
mod prometheus;
mod refusal;
mod roles;
mod rules;

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use prometheus::Result;

fn main() {
    let arguments = Arguments::from_args();
    let is_there = |program| Command::new(program).arg("--version").output().is_ok();
    let no_prometheus =
        !["prometheus", "promtool"].into_iter().all(is_there) && std::env::var_os("CI").is_none();
    let trial = |name: &str, check: fn() -> Result<()>| {
        Trial::test(name, move || {
            check().map_err(|error| Failed::from(error.to_string()))
        })
    };
    let needs = |name: &str, check| trial(name, check).with_ignored_flag(no_prometheus);
    let trials = vec![
        trial(
            "documentation_lists_every_metric",
            documentation::lists_every_metric,
        ),
        trial(
            "an_address_that_is_taken_is_told",
            refusal::address_is_taken,
        ),
        needs("alert_rules_are_valid", rules::are_valid),
        needs("alerts_fire_when_they_should", rules::fire_when_they_should),
        needs(
            "every_role_tells_what_is_documented",
            roles::tell_what_is_documented,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}
