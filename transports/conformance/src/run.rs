//! The runner: one trial a case, each on a runtime of its own.

use std::{
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use parking_lot::RwLock;
use tokio::{runtime::Builder, time::timeout};

use crate::{Case, Clock, Fixture, cases};

/// Longest time of one case, on its clock: a case that waits for what never comes fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// Set in the process that a case has for itself.
const ALONE: &str = "SKYSCAN_CASE_ALONE";

/// Shared by the cases that run; held by the one that runs alone.
static TURN: RwLock<()> = RwLock::new(());

/// Runs every case against a backend, and prints how many ran.
pub fn run<F: Fixture>() -> ExitCode {
    run_cases::<F>(cases())
}

/// Runs some cases against a backend, and prints how many ran.
pub fn run_cases<F: Fixture>(cases: Vec<Case>) -> ExitCode {
    // As many cases as there are cores, each with a place, its processes and their wires: on a machine of many
    // cores a thousand files are too few. Where more are refused, the case that needs them says so.
    let _kept = rlimit::increase_nofile_limit(rlimit::INFINITY);
    let arguments = Arguments::from_args();
    let n_cases = cases.len();
    let n_run = Arc::new(AtomicUsize::new(0));
    let missing = F::missing();
    let in_ci = std::env::var_os("CI").is_some();
    let trials = cases
        .into_iter()
        .map(|case| {
            let (n_run, missing) = (Arc::clone(&n_run), missing.clone());
            let ignored = missing.is_some() && !in_ci;
            Trial::ignorable_test(format!("{}::{}", F::NAME, case.name), move || {
                let judged = match missing {
                    Some(reason) if ignored => return Ok(Completion::ignored_with(reason)),
                    Some(reason) => return Err(Failed::from(reason)),
                    None if case.alone && std::env::var_os(ALONE).is_none() => {
                        let _turn = TURN.write();
                        judge_elsewhere::<F>(&case)
                    }
                    None => {
                        let _turn = TURN.read();
                        judge::<F>(case)
                    }
                };
                n_run.fetch_add(1, Ordering::Relaxed);
                judged
                    .map(|()| Completion::Completed)
                    .map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        report(
            F::NAME,
            n_run.load(Ordering::Relaxed),
            n_cases,
            missing.as_deref(),
        );
    }
    conclusion.exit_code()
}

#[expect(
    clippy::print_stdout,
    reason = "the count belongs beside the test results"
)]
fn report(backend: &str, n_run: usize, n_cases: usize, missing: Option<&str>) {
    println!("{backend}: {n_run} of {n_cases} cases ran");
    if let Some(reason) = missing {
        println!("{backend}: {reason}");
    }
}

/// Runs a case by this same program in a process of its own; what it says is said here.
#[expect(
    clippy::print_stdout,
    reason = "figures belong beside the test results"
)]
fn judge_elsewhere<F: Fixture>(case: &Case) -> Result<()> {
    let ran = Command::new(std::env::current_exe().context("failed to find this program")?)
        .args([&format!("{}::{}", F::NAME, case.name), "--exact"])
        .env(ALONE, "1")
        .output()
        .context("failed to run a case in a process of its own")?;
    let said = String::from_utf8_lossy(&ran.stdout);
    ensure!(
        ran.status.success(),
        "{}{said}",
        String::from_utf8_lossy(&ran.stderr)
    );
    for figures in said.lines().filter(|line| line.contains("resident")) {
        println!("{}: {figures}", F::NAME);
    }
    Ok(())
}

fn judge<F: Fixture>(case: Case) -> Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(F::CLOCK == Clock::Paused)
        .build()
        .context("failed to build a runtime")?;
    let ended = runtime.block_on(async {
        let site = F::start().await.context("failed to start the backend")?;
        match timeout(PATIENCE, (case.run)(&site)).await {
            Ok(ended) => ended,
            Err(_) => bail!("not done after {PATIENCE:?}"),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended.with_context(|| format!("breaks {}", case.clause))
}
