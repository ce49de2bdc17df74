//! What simulated workers run: it takes its time, finds what the landscape says, and may be sick.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use skyscan::reco::{Kernel, KernelError, PixelRequest, Problem, Reco, StopFlag};
use skyscan::sky::map::{PixelFit, PixelOutcome};
use skyscan_transport::backend::Dice;
use tokio::time::sleep;

use crate::fate::Fate;
use crate::landscape::Landscape;

/// How often a kernel looks whether it is to stop.
const LOOKS: Duration = Duration::from_secs(5);

/// What is wrong with a worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sickness {
    /// It never answers, and says that it is still at it.
    Hangs,
    /// So does one task in so many.
    HangsAtTimes(u64),
    /// It answers with so many outcomes less than were asked for, or more if negative.
    Miscounts(i64),
    /// Every fit is not a number.
    NotANumber,
    /// Every pixel fails, at once.
    FailsPixels,
    /// Every task fails, at once.
    FailsTasks,
    /// It takes so many times as long.
    Slow(f64),
}

/// What all kernels of one worker share.
#[derive(Debug)]
pub(crate) struct Workplace {
    pub(crate) fate: Arc<Fate>,
    pub(crate) seconds_per_pixel: f64,
    /// Now and then a pixel takes so many times as long.
    pub(crate) tail: f64,
    /// What is wrong, from which task on.
    pub(crate) sick: Vec<(Sickness, u64)>,
    pub(crate) n_begun: AtomicU64,
    pub(crate) dice: Mutex<Dice>,
}

/// The reconstruction of one scan.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedReco {
    pub(crate) name: String,
    pub(crate) landscape: Landscape,
    pub(crate) workplace: Arc<Workplace>,
}

impl Reco for SimulatedReco {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&self, _: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(self.clone()))
    }

    fn prepare_blindly(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(self.clone()))
    }
}

impl Kernel for SimulatedReco {
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        stop: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        async move {
            self.workplace
                .evaluate(&self.landscape, &requests, &stop)
                .await
        }
        .boxed()
    }
}

impl Workplace {
    async fn evaluate(
        &self,
        landscape: &Landscape,
        requests: &[PixelRequest],
        stop: &StopFlag,
    ) -> Result<Vec<PixelOutcome>, KernelError> {
        let number = self.n_begun.fetch_add(1, Ordering::Relaxed);
        let sick = self.sick.iter().filter(|(_, from)| number >= *from);
        let sick: Vec<Sickness> = sick.map(|(sickness, _)| *sickness).collect();
        if requests.iter().any(|request| landscape.kills(request)) {
            self.fate.die();
        }
        if !self.fate.lives() {
            std::future::pending::<()>().await;
        }
        let slower = sick.iter().fold(1.0, |slower, sickness| match sickness {
            Sickness::Slow(times) => slower * times,
            _ => slower,
        });
        let is_stuck = sick.iter().any(|sickness| match sickness {
            Sickness::Hangs => true,
            Sickness::HangsAtTimes(one_in) => number.is_multiple_of(*one_in),
            _ => false,
        });
        if sick.contains(&Sickness::FailsTasks) {
            return Err(KernelError::Panicked("sick".to_owned()));
        }
        let is_at_once = sick.contains(&Sickness::FailsPixels);
        let mut left = match (is_stuck, is_at_once) {
            (true, _) => Duration::MAX,
            (_, true) => Duration::ZERO,
            _ => Duration::from_secs_f64(slower * self.seconds(requests.len())),
        };
        while !left.is_zero() {
            if stop.is_stopped() {
                return Err(KernelError::Stopped);
            }
            let pause = left.min(LOOKS);
            sleep(pause).await;
            left = left.saturating_sub(pause);
        }
        let found = requests.iter().map(|request| landscape.outcome(request));
        Ok(self.told(found.collect(), &sick))
    }

    /// What it says that it found.
    fn told(&self, mut found: Vec<PixelOutcome>, sick: &[Sickness]) -> Vec<PixelOutcome> {
        for sickness in sick {
            match sickness {
                Sickness::FailsPixels => found.fill(PixelOutcome::Failed("sick".to_owned())),
                Sickness::NotANumber => found.fill(PixelOutcome::Fitted(PixelFit {
                    llh: f64::NAN,
                    position_m: [0.0; 3],
                    time_ns: 0.0,
                    energy_inside_gev: None,
                    energy_total_gev: None,
                })),
                Sickness::Miscounts(fewer) if *fewer > 0 => {
                    found.truncate(found.len().saturating_sub(fewer.unsigned_abs() as usize));
                }
                Sickness::Miscounts(fewer) => {
                    if let Some(last) = found.last().cloned() {
                        let more = fewer.unsigned_abs() as usize;
                        found.extend(std::iter::repeat_n(last, more));
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn seconds(&self, n_pixels: usize) -> f64 {
        let mut dice = self.dice.lock();
        let mut pixel = || {
            let usual = self.seconds_per_pixel * (0.5 + dice.fraction());
            match dice.below(50) {
                0 => self.tail * usual,
                _ => usual,
            }
        };
        (0..n_pixels).map(|_| pixel()).sum()
    }
}

impl fmt::Display for Sickness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hangs => f.write_str("hangs"),
            Self::HangsAtTimes(one_in) => write!(f, "hangs at one task in {one_in}"),
            Self::Miscounts(fewer) => write!(f, "answers with {fewer} outcomes fewer"),
            Self::NotANumber => f.write_str("fits are not numbers"),
            Self::FailsPixels => f.write_str("fails every pixel at once"),
            Self::FailsTasks => f.write_str("fails every task at once"),
            Self::Slow(times) => write!(f, "takes {times:.0} times as long"),
        }
    }
}
