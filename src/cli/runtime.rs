//! The runtime that actors run in.

use std::num::NonZeroU16;

use anyhow::Context;
use tokio::runtime::Builder;

use super::{Failure, failed};
use crate::actors;

/// Threads that may block in a runtime that nobody asked for more.
const USUAL_THREADS: usize = 512;

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
