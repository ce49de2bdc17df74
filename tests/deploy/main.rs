//! `skyscan deploy`: its files, read by those who take them. A real Slurm runs the batch script.
//!
//! The parsers need `SKYSCAN_PYTHON`, Slurm needs its daemons and root: without them the trials show
//! as ignored, unless CI is set.

mod command;
mod parsed;
mod slurm;

use libtest_mimic::{Arguments, Failed, Trial};

type Check = fn() -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let in_ci = std::env::var_os("CI").is_some();
    let no_python = parsed::python().is_none() && !in_ci;
    let no_slurm = slurm::missing() && !in_ci;
    let trials: [(&str, Check, bool); 6] = [
        (
            "htcondor::the_file_expands_to_its_jobs",
            parsed::htcondor,
            no_python,
        ),
        (
            "kubernetes::the_manifest_is_valid",
            parsed::kubernetes,
            no_python,
        ),
        (
            "slurm::an_array_of_workers_finishes_a_scan",
            slurm::array,
            no_slurm,
        ),
        ("no_password_is_ever_written", command::no_password, false),
        ("what_cannot_work_is_refused", command::refusals, false),
        ("the_script_is_one_for_the_shell", command::shell, false),
    ];
    let trials = trials
        .into_iter()
        .map(|(name, check, is_ignored)| Trial::test(name, check).with_ignored_flag(is_ignored));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
