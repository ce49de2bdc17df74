//! `simulated`: takes its time from a law and computes nothing. Only simulated workers offer it.
//!
//! The time of a pixel is drawn from the seed and the pixel's direction, so it is the same whoever
//! evaluates it and however often. A waiting task costs a timer, no thread.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::landscape::Landscape;
use super::stopwatch::Stopwatch;
use crate::reco::{Kernel, KernelError, PixelRequest, Problem, Reco, StopFlag};
use crate::scenario::setup::{Hangs, ServiceTime};
use crate::sky::map::{PixelFit, PixelOutcome};

/// Name of the reconstruction.
pub const NAME: &str = "simulated";
/// Nanoseconds in a second.
const NANOSECONDS: f64 = 1e9;

/// A reconstruction that sleeps.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// How long a pixel takes.
    pub service: ServiceTime,
    /// Seed of the draws.
    pub seed: u64,
    /// A slow worker takes this much longer; 1 for others.
    pub slowness: f64,
    /// Some tasks hang for a while.
    pub hangs: Option<Hangs>,
    /// What it finds; without one, a pixel's time stands for its likelihood too.
    pub landscape: Option<Landscape>,
    /// The worker's own seed: what hangs here need not hang elsewhere.
    pub own_seed: u64,
    /// Where it tells how long it worked and how late it woke up.
    pub stopwatch: Arc<Stopwatch>,
}

impl Reco for Simulated {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&self, _: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(self.clone()))
    }

    fn prepare_blindly(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(self.clone()))
    }
}

impl Simulated {
    /// Seconds that this pixel takes on a worker like any other, and on this one.
    fn draw(&self, request: &PixelRequest) -> (f64, f64) {
        let direction = request.direction;
        let bits = direction.zenith_rad.to_bits() ^ direction.azimuth_rad.to_bits().rotate_left(32);
        // An odd constant (2^64 over the golden ratio) keeps neighbouring seeds apart.
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ bits;
        let nominal = self.service.draw(&mut ChaCha8Rng::seed_from_u64(seed));
        (nominal, nominal * self.slowness + self.hang_s(seed))
    }

    /// Seconds for which the pixel of this seed hangs on this worker.
    fn hang_s(&self, seed: u64) -> f64 {
        let Some(hangs) = self.hangs else {
            return 0.0;
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ self.own_seed.rotate_left(32));
        match rng.random::<f64>() < hangs.probability {
            true => hangs.seconds,
            false => 0.0,
        }
    }
}

impl Simulated {
    /// What a pixel comes to. The time that was drawn stands where that of a vertex does, which
    /// nobody looks at here; it is in the map's hash, so that maps can be compared.
    fn fit(&self, request: &PixelRequest, nominal: f64) -> PixelOutcome {
        let found = |landscape: Landscape| landscape.llh(request.direction);
        PixelOutcome::Fitted(PixelFit {
            llh: self.landscape.map_or(nominal, found),
            position_m: [0.0; 3],
            time_ns: nominal * NANOSECONDS,
            energy_inside_gev: None,
            energy_total_gev: None,
        })
    }
}

impl Kernel for Simulated {
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        stop: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        Box::pin(async move {
            if stop.is_stopped() {
                return Err(KernelError::Stopped);
            }
            let drawn: Vec<(f64, f64)> =
                requests.iter().map(|request| self.draw(request)).collect();
            let seconds: f64 = drawn.iter().map(|(_, here)| here).sum();
            if seconds > 0.0 {
                let lap = self.stopwatch.begin();
                let due = lap.begun + Duration::from_secs_f64(seconds);
                tokio::time::sleep_until(due).await;
                self.stopwatch.add(due.elapsed());
            }
            let found = requests.iter().zip(drawn);
            Ok(found
                .map(|(request, (nominal, _))| self.fit(request, nominal))
                .collect())
        })
    }
}

/// The time in seconds that a pixel was drawn to take on a worker like any other.
pub fn drawn_s(fit: &PixelFit) -> f64 {
    fit.time_ns / NANOSECONDS
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::event::DetectorDirection;
    use crate::scenario::setup::Law;

    fn kernel(slowness: f64) -> Arc<Simulated> {
        Arc::new(Simulated {
            service: ServiceTime {
                law: Law::Lognormal,
                mean_s: 30.0,
                sigma: Some(1.0),
                cap_s: None,
                tail: None,
            },
            seed: 7,
            slowness,
            hangs: None,
            landscape: None,
            own_seed: 0,
            stopwatch: Arc::default(),
        })
    }

    fn requests() -> Vec<PixelRequest> {
        let direction = |azimuth_rad| DetectorDirection {
            zenith_rad: 1.0,
            azimuth_rad,
        };
        let request = |n: u8| PixelRequest {
            direction: direction(f64::from(n)),
            seeds: vec![],
        };
        (0..5).map(request).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_tasks_sleep_side_by_side_without_a_thread_each() {
        let begun = Instant::now();
        let asleep = (0..10_000).map(|_| kernel(1.0).evaluate(requests(), StopFlag::default()));
        let all = futures::future::join_all(asleep).await;
        let expected: f64 = match all[0].as_ref().unwrap().as_slice() {
            [] => 0.0,
            outcomes => outcomes.iter().map(llh).sum(),
        };
        assert!(expected > 1.0);
        assert!((begun.elapsed().as_secs_f64() - expected).abs() < 0.01);
        assert!(
            all.iter()
                .all(|outcomes| outcomes.as_ref().unwrap() == all[0].as_ref().unwrap())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_worker_takes_longer_and_finds_the_same() {
        let begun = Instant::now();
        let quick = kernel(1.0).evaluate(requests(), StopFlag::default()).await;
        let quick_took = begun.elapsed().as_secs_f64();
        let slow = kernel(3.0).evaluate(requests(), StopFlag::default()).await;
        let slow_took = begun.elapsed().as_secs_f64() - quick_took;
        assert_eq!(quick.unwrap(), slow.unwrap());
        assert!((slow_took / quick_took - 3.0).abs() < 1e-3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_landscape_is_found_and_the_time_still_told() {
        let landscape = Landscape::drawn(0.01, 1);
        let kernel = Arc::new(Simulated {
            landscape: Some(landscape),
            ..(*kernel(1.0)).clone()
        });
        let found = kernel
            .clone()
            .evaluate(requests(), StopFlag::default())
            .await;
        for (request, outcome) in requests().iter().zip(found.unwrap()) {
            let PixelOutcome::Fitted(fit) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(fit.llh, landscape.llh(request.direction));
            let (nominal, _) = kernel.draw(request);
            assert!((drawn_s(&fit) / nominal - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn what_hangs_on_one_worker_need_not_hang_on_another() {
        let hanging = |own_seed| {
            let hangs = Some(Hangs {
                probability: 0.5,
                seconds: 1000.0,
            });
            let kernel = Simulated {
                hangs,
                own_seed,
                ..kernel(1.0).as_ref().clone()
            };
            let requests = requests();
            let drawn = requests.iter().map(|request| kernel.draw(request));
            drawn
                .map(|(nominal, here)| here - nominal > 999.0)
                .collect::<Vec<_>>()
        };
        let (one, other) = (hanging(1), hanging(2));
        assert_ne!(one, other);
        assert_eq!(one, hanging(1));
    }

    fn llh(outcome: &PixelOutcome) -> f64 {
        match outcome {
            PixelOutcome::Fitted(fit) => fit.llh,
            PixelOutcome::Failed(reason) => panic!("{reason}"),
        }
    }
}
