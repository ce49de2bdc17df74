//! The runtime that actors run in, and what the system must give for it.

use std::num::NonZeroU16;

use anyhow::{Context, anyhow};
use tokio::runtime::Builder;

use super::{Failure, failed};
use crate::actors;

/// Threads that may block in a runtime that nobody asked for more.
const USUAL_THREADS: usize = 512;
/// Open files that a process of ours needs at the very least: streams, two runtimes, a signal pipe.
const FEWEST_FILES: u64 = 24;

/// A system of actors on one thread.
///
/// # Errors
/// If the system lacks what a runtime needs, which the library would panic about.
pub(super) fn system() -> Result<actix::SystemRunner, Failure> {
    system_for(NonZeroU16::MIN)
}

/// The same for a process with so many slots, whose kernels may block a thread each.
///
/// # Errors
/// If the system lacks what a runtime needs, which the library would panic about.
pub(super) fn system_for(slots: NonZeroU16) -> Result<actix::SystemRunner, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(actors::blocking_threads(slots).max(USUAL_THREADS))
        .build()
        .context("cannot start")
        .map_err(failed)?;
    Ok(actix::System::with_tokio_rt(move || runtime))
}

/// # Errors
/// If this process may open so few files that nothing can run.
pub(super) fn enough_files() -> Result<(), Failure> {
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Ok((limit, _)) if limit < FEWEST_FILES => Err(failed(anyhow!(
            "only {limit} files may be open at once, and {FEWEST_FILES} are needed: raise the limit \
             (ulimit -n)"
        ))),
        // A system that does not tell will say so later.
        _ => Ok(()),
    }
}
