//! `external`: a program of the user's, in any language, evaluates the pixels.
//!
//! One program runs for each task that is evaluated at the same time. It is started once, told the
//! event once, and then asked task by task over its standard streams (`docs/external-reco.md` is the
//! protocol). It stays for the next scan. A program that is killed is started again and the task tried
//! again; one that leaves with an error, is late or talks nonsense is ended, and the task fails with the
//! reason. One that never answers is left alone for a while, and every task fails at once.
//! A [`guard`](guard()) sees to it that no program outlives its worker.
//!
//! The program says what it is called. Scans ask for `external:NAME`, so that workers with another
//! program, or another version of it, never serve them: the same name promises the same answers.
//!
//! Decision: An external program is asked for by its own name (`docs/decisions.md`).

mod error;
mod guard;
mod pool;
mod program;
mod running;
mod wire;

pub use error::ProgramError;
pub use guard::{GuardedEnd, NOT_STARTED, guard};
pub use program::{Guard, Limits, Program};
pub use wire::is_name;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{Kernel, KernelError, PixelRequest, Problem, Reco, StopFlag};
use pool::Pool;
use running::Running;
use skyscan_event::Event;
use skyscan_event::detector::Detector;
use skyscan_sky::map::PixelOutcome;
use wire::EventText;

/// Name of the reconstruction, as far as it does not name the program.
pub const NAME: &str = "external";
/// A program that is killed in the middle of a task is started again, so often in all: that was
/// somebody else's doing.
const ATTEMPTS: u32 = 3;
/// How often a running evaluation looks whether it is still wanted.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// The name by which scans ask for a program.
pub fn full_name(program: &str) -> String {
    format!("{NAME}:{program}")
}

/// The reconstruction that a program is.
#[derive(Debug)]
pub struct External {
    name: String,
    pool: Arc<Pool>,
}

impl External {
    /// Starts the program once, to learn what it is called and, if one is given, whether it takes
    /// the event.
    ///
    /// # Errors
    /// If it cannot be started, does not speak the protocol or refuses the event.
    pub async fn meet(
        program: Program,
        trial: Option<(&Event, &Detector)>,
    ) -> Result<Self, ProgramError> {
        let mut running = Running::start(&program).await?;
        if let Some((event, detector)) = trial {
            running
                .take_event(0, &EventText::new(event, detector))
                .await?;
        }
        Ok(Self {
            name: full_name(running.name()),
            pool: Arc::new(Pool::new(program)),
        })
    }
}

impl Reco for External {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ExternalKernel {
            name: self.name.clone(),
            event: self.pool.next_event(),
            text: EventText::new(&problem.event, &problem.detector),
            refused: OnceLock::new(),
            pool: Arc::clone(&self.pool),
        }))
    }
}

/// One event, for whichever program of the pool is free.
#[derive(Debug)]
struct ExternalKernel {
    name: String,
    event: u64,
    text: EventText,
    /// Why the program does not take the event: it is not asked again for every task.
    refused: OnceLock<String>,
    pool: Arc<Pool>,
}

impl Kernel for ExternalKernel {
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        stop: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        Box::pin(async move {
            // What is not wanted any more is dropped, and its program with it.
            tokio::select! {
                outcomes = self.try_again(&requests) => Ok(outcomes?),
                () = stopped(&stop) => Err(KernelError::Stopped),
            }
        })
    }
}

impl ExternalKernel {
    async fn try_again(
        &self,
        requests: &[PixelRequest],
    ) -> Result<Vec<PixelOutcome>, ProgramError> {
        let mut attempt = 1;
        loop {
            match self.once(requests, attempt > 1).await {
                Err(error) if error.is_worth_another() && attempt < ATTEMPTS => {
                    tracing::warn!(reco = self.name, attempt, %error, "starts a program again");
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn once(
        &self,
        requests: &[PixelRequest],
        afresh: bool,
    ) -> Result<Vec<PixelOutcome>, ProgramError> {
        if let Some(reason) = self.refused.get() {
            return Err(ProgramError::Refused(reason.clone()));
        }
        let mut running = self.pool.take(self.event, afresh).await?;
        let begun = Instant::now();
        match self.ask(&mut running, requests).await {
            Ok(outcomes) => {
                let n_pixels = requests.len();
                self.pool.put_back(running, n_pixels, begun.elapsed());
                Ok(outcomes)
            }
            Err(ProgramError::Refused(reason)) => {
                self.refused.get_or_init(|| reason.clone());
                Err(ProgramError::Refused(reason))
            }
            Err(error) => {
                self.pool.failed(running.has_answered(), &error);
                Err(error)
            }
        }
    }

    async fn ask(
        &self,
        running: &mut Running,
        requests: &[PixelRequest],
    ) -> Result<Vec<PixelOutcome>, ProgramError> {
        if full_name(running.name()) != self.name {
            return Err(ProgramError::Renamed(running.name().to_owned()));
        }
        running.take_event(self.event, &self.text).await?;
        let limit = self.pool.limit(requests.len());
        running.evaluate(requests, limit).await
    }
}

/// Waits until nobody wants the answer any more.
async fn stopped(stop: &StopFlag) {
    while !stop.is_stopped() {
        tokio::time::sleep(STOP_CHECK).await;
    }
}
