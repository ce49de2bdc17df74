//! The runtime that actors run in.

use std::num::NonZeroU16;

use anyhow::Context;
use tokio::runtime::{Builder, Handle, Runtime};

use super::{Failure, failed};
use crate::actors;

/// Threads that may block in a runtime that nobody asked for more.
const USUAL_THREADS: usize = 512;

/// A system of actors on one thread.
///
/// An actor that comes so late that the end comes first is started by the end, and may want a timer: actors have the
/// runtime until the last of them is gone.
pub(super) struct System {
    /// There until it is dropped.
    runner: Option<actix::SystemRunner>,
    handle: Handle,
}

impl System {
    /// The system of actors that this runtime drives.
    pub(super) fn on(runtime: Runtime) -> Self {
        let handle = runtime.handle().clone();
        let runner = actix::System::with_tokio_rt(move || runtime);
        Self {
            runner: Some(runner),
            handle,
        }
    }

    /// Runs all actors until a future has its value.
    pub(super) fn block_on<F: Future>(self, future: F) -> F::Output {
        let runner = self.runner.as_ref().expect("there until it is dropped");
        runner.block_on(future)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _inside = self.handle.enter();
        drop(self.runner.take());
    }
}

/// A system of actors on one thread.
///
/// # Errors
/// If the system lacks what a runtime needs, which the library would panic about.
pub(super) fn system() -> Result<System, Failure> {
    system_for(NonZeroU16::MIN)
}

/// The same for a process with so many slots, whose kernels may block a thread each.
///
/// # Errors
/// If the system lacks what a runtime needs, which the library would panic about.
pub(super) fn system_for(slots: NonZeroU16) -> Result<System, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(actors::blocking_threads(slots).max(USUAL_THREADS))
        .build()
        .context("cannot start")
        .map_err(failed)?;
    Ok(System::on(runtime))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use actix::{Actor, AsyncContext, Context};

    use super::*;

    /// Tells that it has set its timer.
    struct Late(Arc<AtomicBool>);

    impl Actor for Late {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Self::Context) {
            context.run_later(Duration::from_secs(1), |_, _| ());
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_actor_that_comes_last_may_want_a_timer() {
        let has_timer = Arc::new(AtomicBool::new(false));
        let actor = Late(Arc::clone(&has_timer));
        // Nothing runs any more that would start it before the end.
        system().unwrap().block_on(async { drop(actor.start()) });
        assert!(has_timer.load(Ordering::Relaxed));
    }
}
