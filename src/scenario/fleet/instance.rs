//! One worker of the fleet: a machine comes, works, is taken away, is replaced.

use std::cell::RefCell;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use skyscan_transport::TransportError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::deaths::Deaths;
use super::{FleetError, FleetOrder};
use crate::actors::worker::{self, Address, LeaveWithin, LoseWorker, WorkerConfig};
use crate::scenario::stage::host::{Host, Hosts};

/// One worker over all machines that stand for it, one after the other.
pub(super) struct Instance<'a> {
    pub(super) order: &'a FleetOrder,
    pub(super) hosts: &'a Hosts,
    pub(super) config: WorkerConfig,
    pub(super) zone: usize,
    /// When the fleet began.
    pub(super) begun: Instant,
    pub(super) comes_s: f64,
    pub(super) deaths: Deaths,
    /// Draws who gets notice.
    pub(super) own_seed: u64,
}

/// Timers are no finer.
const GRAIN: Duration = Duration::from_millis(1);

/// A machine's end, as it is known at its beginning.
#[derive(Clone, Copy)]
struct Fate {
    dies: Instant,
    notice: Option<Instant>,
    /// When its zone is back, if it goes with its zone.
    zone_back: Option<Instant>,
}

impl Instance<'_> {
    /// Lives one life after the other until the fleet is over; returns the time that its machines are
    /// paid for.
    pub(super) async fn live(
        mut self,
        mut over: watch::Receiver<bool>,
    ) -> Result<Duration, FleetError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.own_seed.rotate_left(32));
        let at_least = Duration::from_secs_f64(self.order.paid_at_least_s);
        let mut paid = Duration::ZERO;
        let mut comes = self.begun + Duration::from_secs_f64(self.comes_s);
        loop {
            let wanted_s = (comes - self.begun).as_secs_f64();
            let comes_s = self.deaths.comes_s(wanted_s);
            if comes_s > wanted_s {
                comes = self.back(comes_s);
            }
            tokio::select! {
                biased;
                _ = over.wait_for(|over| *over) => return Ok(paid),
                () = sleep_until(comes) => {}
            }
            let born = Instant::now();
            let fate = self.fate(&mut rng, born);
            let is_over = self.one_life(fate, &mut over).await?;
            paid += born.elapsed().max(at_least);
            let (Some(fate), false) = (fate, is_over) else {
                return Ok(paid);
            };
            let back_after_s = self
                .order
                .preemption
                .map_or(0.0, |taken| taken.back_after_s);
            comes = match fate.zone_back {
                Some(back) => back,
                None => Instant::now() + Duration::from_secs_f64(back_after_s),
            };
        }
    }

    fn fate(&mut self, rng: &mut ChaCha8Rng, born: Instant) -> Option<Fate> {
        let death = self.deaths.next_after((born - self.begun).as_secs_f64())?;
        let at = |since_s: f64| self.begun + Duration::from_secs_f64(since_s);
        let dies = at(death.at_s);
        let taken = self.order.preemption;
        let share = taken.and_then(|taken| taken.notice_share).unwrap_or(1.0);
        let is_told = rng.random::<f64>() < share && death.zone_back_s.is_none();
        let notice = taken.and_then(|taken| taken.notice_s).filter(|_| is_told);
        Some(Fate {
            dies,
            notice: notice.and_then(|before_s| dies.checked_sub(Duration::from_secs_f64(before_s))),
            zone_back: death.zone_back_s.map(|back_s| self.back(back_s)),
        })
    }

    /// When a zone is surely back that comes back then, however that was rounded.
    fn back(&self, back_s: f64) -> Instant {
        self.begun + Duration::from_secs_f64(back_s) + GRAIN
    }

    /// Returns whether the fleet is over.
    async fn one_life(
        &self,
        fate: Option<Fate>,
        over: &mut watch::Receiver<bool>,
    ) -> Result<bool, FleetError> {
        let host = self.hosts.open(self.zone);
        let worker = RefCell::new(None);
        let is_over = tokio::select! {
            biased;
            _ = over.wait_for(|over| *over) => true,
            () = until(fate.map(|fate| fate.dies)) => false,
            error = self.work(&host, fate, &worker) => return Err(error),
        };
        if !is_over {
            host.vanish();
        }
        if let Some(worker) = worker.take() {
            // It may have ended at this very moment.
            let _ = worker.send(LoseWorker).await;
        }
        Ok(is_over)
    }

    /// Boots, connects, works; leaves within the notice. Ends with an error only.
    async fn work(
        &self,
        host: &Host,
        fate: Option<Fate>,
        address: &RefCell<Option<Address>>,
    ) -> FleetError {
        sleep(Duration::from_secs_f64(self.order.fleet.boot_s)).await;
        let (worker, mut end) = match worker::start(host.transport(), self.config.clone()).await {
            Ok(started) => started,
            Err(error) => return error.into(),
        };
        address.replace(Some(worker.clone()));
        let notice = fate.and_then(|fate| fate.notice);
        let ended = tokio::select! {
            biased;
            ended = &mut end => ended,
            () = until(notice) => {
                let dies = fate.map(|fate| fate.dies);
                let left = dies.map_or(Duration::ZERO, |dies| dies - Instant::now());
                // It may have ended at this very moment.
                let _ = worker.send(LeaveWithin(left)).await;
                // Once it has stopped in order, its machine waits for its end.
                match end.await {
                    Ok(Ok(())) => return std::future::pending().await,
                    ended => ended,
                }
            }
        };
        match ended {
            Ok(Err(error)) => FleetError::Worker(error),
            // Nobody asked for it.
            Ok(Ok(())) | Err(_) => FleetError::Transport(TransportError::Closed),
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
