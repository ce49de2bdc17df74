//! `skyscan deploy`: its files, read by those who take them. A real Slurm runs the batch script, a real
//! cloud-init boots the user data, AWS's own command line makes the requests.
//!
//! The parsers need `SKYSCAN_PYTHON`, Slurm needs its daemons and root: without them the trials show
//! as ignored, unless CI is set.

mod aws;
mod command;
mod machine;
mod parsed;
mod served;
mod slurm;

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::needs::{self, Check, Missing, python, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Check, Missing); 12] = [
        (
            "deploy::htcondor::the_file_expands_to_its_jobs",
            parsed::htcondor,
            python(),
        ),
        (
            "deploy::kubernetes::the_manifest_is_valid",
            parsed::kubernetes,
            python(),
        ),
        (
            "deploy::kubernetes::the_service_is_valid",
            served::by_kubernetes,
            python(),
        ),
        (
            "deploy::systemd::the_service_calls_what_there_is",
            served::by_systemd,
            None,
        ),
        (
            "deploy::slurm::an_array_of_workers_finishes_a_scan",
            slurm::array,
            needs::slurm(),
        ),
        (
            "deploy::aws::a_fleet_comes_grows_and_goes",
            aws::lives,
            python(),
        ),
        (
            "deploy::cloud_init::takes_the_user_data",
            machine::schema,
            needs::cloud_init(),
        ),
        (
            "deploy::cloud_init::a_machine_leaves_with_its_notice_and_nothing_is_lost",
            machine::lives,
            needs::networks().or(python()),
        ),
        (
            "long::deploy::a_machine_boots_and_powers_off",
            machine::boots,
            needs::long().or(needs::engine()).or(python()),
        ),
        (
            "deploy::no_password_is_ever_written",
            command::no_password,
            None,
        ),
        (
            "deploy::what_cannot_work_is_refused",
            command::refusals,
            None,
        ),
        (
            "deploy::the_script_is_one_for_the_shell",
            command::shell,
            None,
        ),
    ];
    let trials = trials.into_iter();
    trials
        .map(|(name, check, missing)| trial_with(missing, name, check))
        .collect()
}

/// What a script of `tests/consumers` prints, a JSON document a line; `around` runs the interpreter.
fn consumer(
    mut around: Command,
    script: &str,
    with: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<Vec<Value>, Failed> {
    let python =
        std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON is not set: run ./test")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/consumers")
        .join(script);
    // What is imported from beside it leaves nothing there.
    around.arg(python).arg("-B").arg(script);
    let output = with(&mut around).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}
