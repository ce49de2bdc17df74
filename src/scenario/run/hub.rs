//! The hub of a run, with all that is put around it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use skyscan_transport::{Hub, HubConfig, HubInbox, PayloadId, Priority};

use crate::actors::{BACKLOG, fresh_scan_id};
use crate::protocol::{Message, PROTOCOL, Welcome};

use crate::scenario::around::ballast::laden;
use crate::scenario::around::log::Log;
use crate::scenario::around::master::SlowMaster;
use crate::scenario::setup::{Clock, EventForm, HubLaw, HubSetup, Setup};
use crate::scenario::stage::stages::Stage;
use crate::scenario::workload::work::Work;
use crate::scenario::workload::{payload, simulated};

/// Arrivals are drawn from other numbers than the master's times.
const ARRIVALS: u64 = 0xa881_7e15;

/// An open hub as the Scanner sees it, and the decorators that are asked in the end.
pub(super) struct RunHub {
    pub(super) hub: Arc<dyn Hub>,
    pub(super) inbox: HubInbox,
    /// Begins when this is made.
    pub(super) log: Arc<Log>,
    /// The emulated master, if there is one.
    pub(super) master: Option<Arc<SlowMaster>>,
}

impl RunHub {
    /// Opens the hub of a stage and publishes an event of the size that is asked for. In virtual time
    /// the size of messages is told to the model, not carried.
    ///
    /// # Errors
    /// If the transport fails.
    pub(super) async fn open(setup: &Setup, seed: u64, work: &Work, stage: &Stage) -> Result<Self> {
        let log = Log::new(work.asked());
        let ballast = match setup.clock {
            Clock::Real => setup.messages.ballast(),
            Clock::Virtual => None,
        };
        let transport = laden(Arc::clone(&stage.transport), ballast);
        let payload = payload::of_size(match setup.messages.event {
            EventForm::Inline => 0,
            EventForm::ByRef | EventForm::Relay => setup.messages.payload_bytes,
        });
        let (hub, inbox) = transport.open_hub(config(setup, &payload)).await?;
        hub.publish(payload.into()).await?;
        let master = (setup.hub.service_s > 0.0)
            .then(|| SlowMaster::new(Arc::clone(&hub), &setup.hub, seed));
        let hub = master.clone().map_or(hub, |master| master);
        let (hub, inbox) = log.watch(hub, inbox);
        // Before the log: a task is there for it once it has come.
        let hub = match setup.workload.rate_per_s {
            Some(rate) => arrivals(hub, rate, seed),
            None => hub,
        };
        Ok(Self {
            hub,
            inbox,
            log,
            master,
        })
    }
}

/// Tasks come one by one at random times: each is let through so long after the one before, which is what a
/// server does that always has something to do.
fn arrivals(hub: Arc<dyn Hub>, rate_per_s: f64, seed: u64) -> Arc<dyn Hub> {
    let gaps = HubSetup {
        service_s: 1.0 / rate_per_s,
        law: HubLaw::Exponential,
    };
    SlowMaster::new(hub, &gaps, seed ^ ARRIVALS)
}

fn config(setup: &Setup, payload: &[u8]) -> HubConfig {
    let welcome = Welcome {
        reco: simulated::NAME.to_owned(),
        payload: PayloadId::of(payload).0,
    };
    HubConfig {
        scan: fresh_scan_id(),
        protocol: PROTOCOL,
        welcome: welcome.encode().into(),
        backlog: BACKLOG,
        liveness: Duration::from_secs_f64(setup.transport.liveness_s),
        lease_term: Duration::from_secs_f64(setup.transport.lease_term_s),
        payloads: None,
        priority: Priority::default(),
    }
}
