//! One repeat of one point: the Scanner and the Workers of a scan, what these are to
//! do, a sleeping kernel, and the clocks read.

use std::time::Duration;

use anyhow::Result;
use skyscan_transport::{HubConfig, PayloadId};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::crew::Crew;
use super::measure::Traces;
use super::sampler::{Sample, sample};
use super::step::Step;
use crate::actors::fresh_scan_id;
use crate::actors::progress::Progress;
use crate::actors::scanner::{self, HandOut, Scanned, StopScan};
use crate::protocol::{Message, PROTOCOL, Welcome};
use crate::scan::Ledger;
use crate::scan::ledger::Chunking;
use crate::scenario::around::ballast::laden;
use crate::scenario::around::log::{Entries, Log};
use crate::scenario::around::master::SlowMaster;
use crate::scenario::fleet::FleetReport;
use crate::scenario::results::Run;
use crate::scenario::results::account::{Account, Spent};
use crate::scenario::setup::{Clock, EventForm, Ramp, Setup};
use crate::scenario::stage::place::Place;
use crate::scenario::stage::watched::Scraped;
use crate::scenario::workload::event;
use crate::scenario::workload::gate;
use crate::scenario::workload::simulated;
use crate::scenario::workload::work::Work;

/// How often clocks are read and faults are due.
const TICK: Duration = Duration::from_millis(50);
/// A run that takes so many times longer than the formulas say ...
const PATIENCE: f64 = 10.0;
/// ... and this, is stopped.
const PATIENCE_AT_LEAST: Duration = Duration::from_secs(120);
/// The same in virtual time, which costs nothing while nothing happens.
const VIRTUAL_PATIENCE_AT_LEAST: Duration = Duration::from_secs(2 * 24 * 3600);

/// Which run this is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) repeat: usize,
    pub(super) seed: u64,
    pub(super) n_tasks: usize,
    /// How long the formulas say that it takes at best.
    pub(super) expected_s: f64,
}

/// Runs a point once, or until `stop` says so; who watches is told how it goes.
///
/// # Errors
/// If the transport fails, or the fleet.
pub(super) async fn run(
    setup: &Setup,
    turn: Turn,
    work: Work,
    place: Place,
    stop: &mut watch::Receiver<bool>,
    tell: &impl Fn(Step<'_>),
) -> Result<(Run, Option<Scraped>)> {
    let log = Log::new();
    let ballast = match setup.clock {
        Clock::Real => setup.messages.ballast(),
        Clock::Virtual => None,
    };
    let transport = laden(place.transport.clone(), ballast);
    let payload = event::payload_of(match setup.messages.event {
        EventForm::Inline => 0,
        EventForm::ByRef | EventForm::Relay => setup.messages.payload_bytes,
    });
    let (hub, inbox) = transport.open_hub(hub_config(setup, &payload)).await?;
    hub.publish(payload.into()).await?;
    let master =
        (setup.hub.service_s > 0.0).then(|| SlowMaster::new(hub.clone(), &setup.hub, turn.seed));
    let hub = master.clone().map_or(hub, |master| master);
    let (hub, inbox) = log.watch(hub, inbox);

    let (progress, watched) = watch::channel(Progress::default());
    let n_slots = setup.n_slots_connected();
    let n_waited_for = match setup.fleet.ramp {
        Ramp::Step => n_slots,
        _ => 0,
    };
    let partner = gate::start(work.partner(), watched.clone(), n_waited_for);
    let policy = HandOut {
        spare_tasks: setup.transport.spare_tasks,
        window: setup.transport.window,
    };
    let chunking = Chunking::Fixed(setup.workload.pixels_per_task);
    let (scanner, mut scanned) = scanner::start(
        hub,
        inbox,
        partner,
        Ledger::new(chunking, setup.policy),
        policy,
        progress,
    );

    let mut crew = Crew::start(setup, turn.seed, &place)?;
    let begun_s = log.now_s();
    let mut connecting = watched.clone();
    let mut connected_s = None;
    let mut samples: Vec<Sample> = Vec::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let at_least = match setup.clock {
        Clock::Real => PATIENCE_AT_LEAST,
        Clock::Virtual => VIRTUAL_PATIENCE_AT_LEAST,
    };
    let patience = Duration::from_secs_f64(PATIENCE * turn.expected_s).max(at_least);
    let deadline = Instant::now() + patience;
    let mut stopped = None;
    let scanned: Scanned = loop {
        let reason = tokio::select! {
            biased;
            scanned = &mut scanned => break scanned??,
            worked = crew.work() => {
                worked?;
                continue;
            }
            _ = connecting.wait_for(|p| p.n_slots >= n_slots), if connected_s.is_none() => {
                connected_s = Some(log.now_s());
                continue;
            }
            _ = ticks.tick() => {
                samples.push(sample(&log, &place, crew.cpu_s()));
                let n_settled = log.entries().ends_s.len();
                crew.attend(n_settled as f64 / turn.n_tasks as f64)?;
                let now = watched.borrow();
                tell(Step::Goes {
                    n_settled,
                    n_tasks: turn.n_tasks,
                    n_out: now.n_out,
                    n_slots: now.n_slots,
                });
                continue;
            }
            _ = stop.wait_for(|stop| *stop), if stopped.is_none() => "stopped".to_owned(),
            () = tokio::time::sleep_until(deadline), if stopped.is_none() => {
                format!("stopped after {:.0} s", patience.as_secs_f64())
            }
        };
        stopped = Some(reason);
        // It may have ended at this very moment.
        let _ = scanner.send(StopScan).await;
    };
    samples.push(sample(&log, &place, crew.cpu_s()));
    // What crosses while the fleet ends depends on which of its workers hears of it first.
    let (hub_bytes, moved) = (place.hub_bytes(), place.moved());
    let fleet_kills = crew.n_kills;
    let reports = crew.end().await;
    let most = |value: fn(&FleetReport) -> f64| reports.iter().map(value).fold(0.0, f64::max);
    let Entries { tasks, ends_s, .. } = std::mem::take(&mut *log.entries());
    let scraped = match &place.watched {
        Some(watched) => {
            let first_s = tasks.iter().map(|task| task.submitted_s);
            let span_s = log.now_s() - first_s.fold(f64::INFINITY, f64::min);
            Some(watched.last(span_s).await?)
        }
        None => None,
    };
    // A fleet that others started, and a process that was killed, do not tell.
    let all_tell = fleet_kills == 0 && place.watched.is_none();
    let spent = all_tell.then(|| Spent {
        used_s: tasks
            .iter()
            .filter_map(|task| Some(task.settled?.used_s()))
            .sum(),
        worked_s: reports.iter().map(|report| report.worked_s).sum(),
        paid_s: reports.iter().map(|report| report.paid_s).sum(),
        elapsed_s: log.now_s(),
    });
    let traces = Traces {
        setup,
        tasks,
        ends_s,
        samples,
        connected_s,
        repeat: turn.repeat,
        seed: turn.seed,
        stopped,
        complete: scanned.complete && scanned.map.len() == turn.n_tasks,
        counts: scanned.tasks,
        map_sha256: scanned.map.sha256_hex(),
        emulated_hub_s: master
            .as_ref()
            .map_or(0.0, |master| master.mean_service_s()),
        emulated_hub_late_s: master.map_or(0.0, |master| master.mean_lateness_s()),
        broker: place.broker,
        hub_bytes,
        account: Account::of(setup, moved, spent),
        fleet_kills,
        lateness_mean_s: most(|report| report.lateness_mean_s),
        lateness_p99_s: most(|report| report.lateness_p99_s),
        scraped,
    };
    let mut run = traces.measure();
    run.connection_s = run.connection_s.map(|connected_s| connected_s - begun_s);
    Ok((run, scraped))
}

fn hub_config(setup: &Setup, payload: &[u8]) -> HubConfig {
    let welcome = Welcome {
        reco: simulated::NAME.to_owned(),
        payload: PayloadId::of(payload).0,
    };
    HubConfig {
        scan: fresh_scan_id(),
        protocol: PROTOCOL,
        welcome: welcome.encode().into(),
        backlog: crate::actors::BACKLOG,
        liveness: Duration::from_secs_f64(setup.transport.liveness_s),
        lease_term: Duration::from_secs_f64(setup.transport.lease_term_s),
        payloads: None,
    }
}
