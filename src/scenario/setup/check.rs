//! What a scenario's numbers may be: errors name the key and what is allowed.

use skyscan_transport::MAX_BODY_BYTES;

use super::{
    Connections, Faults, Fleet, Hangs, Kind, Messages, Preemption, Ramp, Setup, Stragglers,
    TransportSetup,
};

/// More slots than this are no replay but a wish.
const MOST_SLOTS: usize = 100_000;

impl Setup {
    /// Says what is wrong with the numbers, if something is.
    ///
    /// # Errors
    /// With the key and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let Self {
            workload,
            messages,
            transport,
            hub,
            fleet,
            faults,
            ..
        } = self;
        let ways = [
            workload.pixels.is_some(),
            workload.cycles.is_some(),
            workload.duration_s.is_some(),
        ];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            return Err("workload needs one of pixels, cycles and duration_s".to_owned());
        }
        at_least_one("workload.pixels", workload.pixels)?;
        at_least_one("workload.variations", Some(workload.variations))?;
        positive("workload.cycles", workload.cycles)?;
        positive("workload.duration_s", workload.duration_s)?;
        let service = &workload.service;
        (service.check()).map_err(|reason| format!("workload.service: {reason}"))?;
        if workload.duration_s.is_some() && service.mean_s == 0.0 && hub.service_s == 0.0 {
            return Err("workload.duration_s needs tasks or a hub that take time".to_owned());
        }
        messages.check()?;
        transport.check()?;
        if !(hub.service_s >= 0.0 && hub.service_s.is_finite()) {
            return Err(format!(
                "hub.service_s = {} is not a time >= 0",
                hub.service_s
            ));
        }
        at_least_one("fleet.workers", Some(fleet.workers))?;
        at_least_one("fleet.processes", Some(fleet.processes))?;
        if self.n_slots() > MOST_SLOTS {
            return Err(format!(
                "fleet.workers times fleet.slots is {}, over {MOST_SLOTS}",
                self.n_slots()
            ));
        }
        if fleet.processes > fleet.workers {
            return Err("fleet.processes is more than fleet.workers".to_owned());
        }
        if let Ramp::Linear { workers_per_s } = fleet.ramp {
            positive("fleet.ramp.workers_per_s", Some(workers_per_s))?;
        }
        faults.check(fleet, transport.kind)
    }
}

impl Messages {
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("task with its event", self.ballast_task_bytes()),
            ("result", self.result_bytes),
        ];
        for (what, size) in sizes {
            if let Some(size) = size
                && size > MAX_BODY_BYTES
            {
                return Err(format!(
                    "messages: a {what} of {size} bytes is over the transports' {MAX_BODY_BYTES}"
                ));
            }
        }
        Ok(())
    }
}

impl TransportSetup {
    fn check(&self) -> Result<(), String> {
        let broker_only = self.queue.is_some() || self.delivery.is_some();
        if broker_only && self.kind != Kind::Rabbitmq {
            return Err(
                "transport.queue and transport.delivery go with kind = \"rabbitmq\" only"
                    .to_owned(),
            );
        }
        if self.connections == Connections::Own && self.kind == Kind::Memory {
            return Err("transport.kind = \"memory\" has no connections".to_owned());
        }
        at_least_one("transport.window", self.window)?;
        positive("transport.liveness_s", Some(self.liveness_s))?;
        positive("transport.lease_term_s", Some(self.lease_term_s))
    }
}

impl Faults {
    fn check(&self, fleet: &Fleet, kind: Kind) -> Result<(), String> {
        if let Some(Preemption {
            per_min,
            back_after_s,
        }) = self.preemption
        {
            positive("faults.preemption.per_min", Some(per_min))?;
            not_negative("faults.preemption.back_after_s", back_after_s)?;
        }
        if let Some(Stragglers { share, slower }) = self.stragglers {
            share_of_one("faults.stragglers.share", share)?;
            positive("faults.stragglers.slower", Some(slower))?;
        }
        if let Some(Hangs {
            probability,
            seconds,
        }) = self.hangs
        {
            share_of_one("faults.hangs.probability", probability)?;
            positive("faults.hangs.seconds", Some(seconds))?;
        }
        for restart in &self.fleet_restarts {
            if kind == Kind::Memory {
                return Err(
                    "faults.fleet_restarts needs a fleet in processes of its own; \
                     transport.kind = \"memory\" has none"
                        .to_owned(),
                );
            }
            share_of_one("faults.fleet_restarts.after_share", restart.after_share)?;
            not_negative("faults.fleet_restarts.back_after_s", restart.back_after_s)?;
            if restart.process >= fleet.processes {
                return Err(format!(
                    "faults.fleet_restarts.process = {} is not below fleet.processes = {}",
                    restart.process, fleet.processes
                ));
            }
        }
        Ok(())
    }
}

fn at_least_one(key: &str, value: Option<usize>) -> Result<(), String> {
    match value {
        Some(0) => Err(format!("{key} = 0 is not at least 1")),
        _ => Ok(()),
    }
}

fn positive(key: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(value) if !(value > 0.0 && value.is_finite()) => {
            Err(format!("{key} = {value} is not above 0"))
        }
        _ => Ok(()),
    }
}

fn not_negative(key: &str, value: f64) -> Result<(), String> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(format!("{key} = {value} is not at least 0")),
    }
}

fn share_of_one(key: &str, value: f64) -> Result<(), String> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(format!("{key} = {value} is not from 0 to 1")),
    }
}
