//! `skyscan deploy`: its files, read by those who take them. A real Slurm runs the batch script.
//!
//! The parsers need `SKYSCAN_PYTHON`, Slurm needs its daemons and root: without them the trials show
//! as ignored, unless CI is set.

mod command;
mod parsed;
mod slurm;

use libtest_mimic::Trial;

use crate::needs::{self, Check, Missing, python, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Check, Missing); 6] = [
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
            "deploy::slurm::an_array_of_workers_finishes_a_scan",
            slurm::array,
            needs::slurm(),
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
