//! One repeat of one point: the Scanner and the Workers of a scan with a sleeping kernel, something to
//! do for them, and clocks that are read meanwhile.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use skyscan_transport::TransportError;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::crew::Crew;
use super::hub::RunHub;
use super::sampler::{Sample, sample};
use super::step::Step;
use super::traces::{FleetTraces, HubTraces, ScanTraces, Traces, Turn};
use crate::actors::progress::Progress;
use crate::actors::scanner::{self, HandOut, Scanned, StopScan};
use crate::scan::Ledger;
use crate::scenario::around::log::Log;
use crate::scenario::around::master::SlowMaster;
use crate::scenario::results::Run;
use crate::scenario::setup::{Clock, Ramp, Setup};
use crate::scenario::stage::stages::Stage;
use crate::scenario::stage::watched::Scraped;
use crate::scenario::workload::gate;
use crate::scenario::workload::work::Work;

/// How often clocks are read and faults are due.
const TICK: Duration = Duration::from_millis(50);
/// In virtual time no more often than so many times in the time that the formulas say: weeks would take minutes.
const VIRTUAL_TICKS: f64 = 1e5;
/// A run that takes so many times longer than the formulas say ...
const PATIENCE: f64 = 10.0;
/// ... and this, is stopped.
const PATIENCE_AT_LEAST: Duration = Duration::from_secs(120);
/// The same in virtual time, which costs nothing while nothing happens.
const VIRTUAL_PATIENCE_AT_LEAST: Duration = Duration::from_secs(2 * 24 * 3600);

/// A repeat that is under way.
struct Repeat<'a> {
    setup: &'a Setup,
    turn: Turn,
    stage: Stage,
    log: Arc<Log>,
    crew: Crew,
    progress: watch::Receiver<Progress>,
    samples: Vec<Sample>,
    /// When the fleet was started, in seconds since the log began.
    begun_s: f64,
    /// When all of it was known to the hub.
    connected_s: Option<f64>,
}

/// Runs a point once, or until `stop` says so; who watches is told how it goes.
///
/// # Errors
/// If the transport fails, or the fleet.
pub(super) async fn run(
    setup: &Setup,
    turn: Turn,
    work: Work,
    stage: Stage,
    stop: &mut watch::Receiver<bool>,
    tell: &impl Fn(Step<'_>),
) -> Result<(Run, Option<Scraped>)> {
    let RunHub {
        hub,
        inbox,
        log,
        master,
    } = RunHub::open(setup, turn.seed, &work, &stage).await?;
    let (tell_progress, progress) = watch::channel(Progress::default());
    let n_waited_for = match setup.fleet.ramp {
        Ramp::Step => setup.n_slots_connected(),
        _ => 0,
    };
    let (scanner, scanned) = scanner::start(
        hub,
        inbox,
        gate::start(work.partner(), progress.clone(), n_waited_for),
        Ledger::new(setup.chunking(), setup.policy),
        HandOut {
            // Those that have not come yet wait for their time, not for a worker.
            spare_tasks: match setup.workload.rate_per_s {
                Some(_) => turn.n_tasks,
                None => setup.transport.spare_tasks,
            },
            window: setup.transport.window,
            ..HandOut::default()
        },
        tell_progress,
        None,
    );
    let stop_scan = async || {
        // It may have ended at this very moment.
        let _ = scanner.send(StopScan).await;
    };
    let mut repeat = Repeat {
        setup,
        turn,
        crew: Crew::start(setup, turn.seed, &stage)?,
        begun_s: log.now_s(),
        stage,
        log,
        progress,
        samples: Vec::new(),
        connected_s: None,
    };
    let scan = repeat.until_scanned(scanned, stop_scan, stop, tell).await?;
    let traces = repeat.end(scan, master.as_deref()).await?;
    Ok((traces.measure(), traces.fleet.scraped))
}

impl<'a> Repeat<'a> {
    /// Lets the fleet work until the Scanner has ended, which is asked to once `stop` says so or
    /// patience is over.
    async fn until_scanned(
        &mut self,
        mut scanned: oneshot::Receiver<Result<Scanned, TransportError>>,
        stop_scan: impl AsyncFn(),
        stop: &mut watch::Receiver<bool>,
        tell: &impl Fn(Step<'_>),
    ) -> Result<ScanTraces> {
        let n_slots = self.setup.n_slots_connected();
        let mut connecting = self.progress.clone();
        let mut ticks = interval(self.tick_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let patience = self.patience();
        let deadline = Instant::now() + patience;
        let mut stopped = None;
        loop {
            let reason = tokio::select! {
                biased;
                scanned = &mut scanned => {
                    let scanned = scanned??;
                    return Ok(ScanTraces { scanned, stopped });
                }
                worked = self.crew.work() => {
                    worked?;
                    continue;
                }
                _ = connecting.wait_for(|p| p.n_slots >= n_slots), if self.connected_s.is_none() => {
                    self.connected_s = Some(self.log.now_s());
                    continue;
                }
                _ = ticks.tick() => {
                    self.tick(tell)?;
                    continue;
                }
                _ = stop.wait_for(|stop| *stop), if stopped.is_none() => "stopped".to_owned(),
                () = tokio::time::sleep_until(deadline), if stopped.is_none() => {
                    format!("stopped after {:.0} s", patience.as_secs_f64())
                }
            };
            stopped = Some(reason);
            stop_scan().await;
        }
    }

    fn tick_every(&self) -> Duration {
        match self.setup.clock {
            Clock::Real => TICK,
            Clock::Virtual => TICK.max(Duration::from_secs_f64(
                self.turn.expected_s / VIRTUAL_TICKS,
            )),
        }
    }

    fn patience(&self) -> Duration {
        let at_least = match self.setup.clock {
            Clock::Real => PATIENCE_AT_LEAST,
            Clock::Virtual => VIRTUAL_PATIENCE_AT_LEAST,
        };
        Duration::from_secs_f64(PATIENCE * self.turn.expected_s).max(at_least)
    }

    /// Reads the clocks, kills and restarts whoever's turn it is, and tells how it goes.
    fn tick(&mut self, tell: &impl Fn(Step<'_>)) -> Result<()> {
        self.sample();
        let n_settled = self.log.entries().ends_s.len();
        let n_tasks = self.turn.n_tasks;
        self.crew.attend(n_settled as f64 / n_tasks as f64)?;
        let now = self.progress.borrow();
        tell(Step::Goes {
            n_settled,
            n_tasks,
            n_out: now.n_out,
            n_slots: now.n_slots,
        });
        Ok(())
    }

    fn sample(&mut self) {
        let fleet_s = self.crew.cpu_s();
        let sample = sample(&self.log, &self.stage, fleet_s);
        self.samples.push(sample);
    }

    /// Ends the fleet and gathers what is left behind.
    async fn end(mut self, scan: ScanTraces, master: Option<&SlowMaster>) -> Result<Traces<'a>> {
        self.sample();
        // What crosses while the fleet ends depends on which of its workers hears of it first.
        let ((bytes_sent, bytes_received), moved) = (self.stage.hub_bytes(), self.stage.moved());
        let n_kills = self.crew.n_kills;
        let reports = self.crew.end().await;
        let log = std::mem::take(&mut *self.log.entries());
        let scraped = match &self.stage.watched {
            Some(watched) => Some(watched.last(self.log.now_s() - log.begun_s()).await?),
            None => None,
        };
        Ok(Traces {
            setup: self.setup,
            turn: self.turn,
            scan,
            fleet: FleetTraces {
                begun_s: self.begun_s,
                connected_s: self.connected_s,
                n_kills,
                reports,
                scraped,
            },
            hub: HubTraces {
                emulated_s: master.map_or(0.0, SlowMaster::mean_service_s),
                emulated_late_s: master.map_or(0.0, SlowMaster::mean_lateness_s),
                bytes_sent,
                bytes_received,
            },
            broker: self.stage.broker,
            log,
            samples: self.samples,
            moved,
            ended_s: self.log.now_s(),
        })
    }
}
