//! What a scenario's numbers may be: errors name the key and what is allowed.

use super::range::{
    LONGEST_S, at_least_one, not_negative, positive, positive_up_to, share_of_one, up_to,
};
use super::{
    Backend, Clock, Connections, EventForm, Faults, Fleet, Hangs, NetworkSetup, Outage, PoolLoss,
    Preemption, Ramp, Setup, Speed, Stragglers, TransportSetup,
};
use crate::scan::StragglerPolicy;

/// Most slots of a replay in real time.
const MOST_SLOTS: usize = 100_000;
/// Most slots of a replay in virtual time.
pub const MOST_VIRTUAL_SLOTS: usize = 2_000_000;
/// Most pixels of a replay, each variation counted: they are all there at once.
const MOST_PIXELS: usize = 100_000_000;
/// A worker lives a second on average at least: of one that is gone before it has done anything no scan gets on.
const MOST_PREEMPTED_PER_MIN: f64 = 60.0;
/// The same of a whole zone.
const MOST_POOLS_PER_HOUR: f64 = 60.0;

impl Setup {
    /// Says what is wrong with the numbers, if something is.
    ///
    /// # Errors
    /// A text that names the key and what is allowed.
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
            workload.zoom.is_some(),
            !workload.waves.is_empty(),
        ];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            return Err(
                "workload needs one of pixels, cycles, duration_s, zoom and waves".to_owned(),
            );
        }
        for wave in &workload.waves {
            at_least_one("workload.waves", Some(*wave))?;
        }
        if workload.variations != 1 && !workload.waves.is_empty() {
            return Err("workload.variations goes with pixels, not with waves".to_owned());
        }
        if workload.adaptive_tasks && workload.pixels_per_task.get() > 1 {
            return Err("workload.adaptive_tasks goes without workload.pixels_per_task".to_owned());
        }
        if let Some(zoom) = &workload.zoom {
            zoom.check()?;
            if workload.variations != 1 {
                return Err("workload.variations goes with pixels, not with zoom".to_owned());
            }
        }
        at_least_one("workload.pixels", workload.pixels)?;
        at_least_one("workload.variations", Some(workload.variations))?;
        positive("workload.cycles", workload.cycles)?;
        positive("workload.duration_s", workload.duration_s)?;
        positive("workload.rate_per_s", workload.rate_per_s)?;
        if workload.rate_per_s.is_some() {
            let has_rounds = workload.zoom.is_some() || !workload.waves.is_empty();
            if has_rounds || workload.adaptive_tasks || workload.pixels_per_task.get() > 1 {
                return Err(
                    "workload.rate_per_s goes with tasks of one pixel, not with zoom, waves, pixels_per_task or \
                     adaptive_tasks"
                        .to_owned(),
                );
            }
            let policy = &self.policy;
            if policy.deadlines || policy.speculation || policy.splitting {
                return Err(
                    "workload.rate_per_s makes tasks wait that have not come yet, so nothing may be done \
                     about them: set deadlines, speculation and splitting in [policy] to false"
                        .to_owned(),
                );
            }
        }
        if workload.pixels_per_task.get() > 1 && workload.pixels.is_none() {
            return Err("workload.pixels_per_task goes with workload.pixels only".to_owned());
        }
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
        let most = match self.clock {
            Clock::Real => MOST_SLOTS,
            Clock::Virtual => MOST_VIRTUAL_SLOTS,
        };
        if self.n_slots() > most {
            return Err(format!(
                "fleet.workers times fleet.slots is {}, over {most}",
                self.n_slots()
            ));
        }
        if fleet.processes > fleet.workers {
            return Err("fleet.processes is more than fleet.workers".to_owned());
        }
        let is_counted = workload.pixels.is_some() || !workload.waves.is_empty();
        if is_counted && self.n_tasks(0.0) > MOST_PIXELS {
            return Err(format!(
                "workload has {} pixels, over {MOST_PIXELS}",
                self.n_tasks(0.0)
            ));
        }
        for speed in &fleet.speeds {
            let Speed {
                name,
                share,
                slower,
            } = speed;
            positive(&format!("share of speed {name:?}"), Some(*share))?;
            positive(&format!("slower of speed {name:?}"), Some(*slower))?;
        }
        fleet.ramp.check()?;
        fleet.comes()?;
        self.network.check()?;
        if let Some(price) = self.price {
            price.check()?;
        }
        check_policy(&self.policy)?;
        self.check_clock()?;
        for outage in &faults.outages {
            outage.check(&self.network)?;
        }
        faults.check(fleet, self.is_in_this_process())
    }

    fn check_clock(&self) -> Result<(), String> {
        let has_broker = self.network.broker.is_some();
        match self.clock {
            Clock::Real if self.network != NetworkSetup::default() => {
                Err("network goes with clock = \"virtual\" only".to_owned())
            }
            Clock::Virtual
                if self.messages.event == EventForm::Relay
                    && (self.network.relay.is_none() || self.network.zones.is_empty()) =>
            {
                Err(
                    "messages.event = \"relay\" needs network.zone and network.relay in virtual time"
                        .to_owned(),
                )
            }
            Clock::Virtual if has_broker != (self.transport.kind == Backend::Rabbitmq) => Err(
                "network.broker and transport.kind = \"rabbitmq\" go together in virtual time"
                    .to_owned(),
            ),
            Clock::Virtual if self.transport.kind != Backend::Memory => {
                let TransportSetup {
                    connections,
                    queue,
                    delivery,
                    ..
                } = &self.transport;
                let said =
                    *connections != Connections::Shared || queue.is_some() || delivery.is_some();
                match said {
                    true => Err(
                        "transport.connections, queue and delivery are not modelled: say what they \
                         cost in network.hub and network.broker"
                            .to_owned(),
                    ),
                    false => Ok(()),
                }
            }
            Clock::Real | Clock::Virtual => Ok(()),
        }
    }
}

impl Fleet {
    /// The workers are there at some time.
    fn comes(&self) -> Result<(), String> {
        up_to(LONGEST_S, "fleet.boot_s", self.boot_s)?;
        let (Ramp::Linear { workers_per_s }
        | Ramp::Capped { workers_per_s, .. }
        | Ramp::Zonal { workers_per_s, .. }) = self.ramp
        else {
            return Ok(());
        };
        match self.n_coming() as f64 / workers_per_s <= LONGEST_S {
            true => Ok(()),
            false => Err(format!(
                "fleet.ramp.workers_per_s = {workers_per_s} is too low: {} workers would come over more than \
                 {LONGEST_S} s",
                self.n_coming()
            )),
        }
    }
}

fn check_policy(policy: &StragglerPolicy) -> Result<(), String> {
    positive("policy.deadline_factor", Some(policy.deadline_factor))?;
    not_negative("policy.deadline_floor_s", policy.deadline_floor_s)?;
    not_negative("policy.speculation_factor", policy.speculation_factor)?;
    at_least_one("policy.most_copies", Some(policy.most_copies as usize))
}

impl Ramp {
    fn check(&self) -> Result<(), String> {
        match *self {
            Self::Step => Ok(()),
            Self::Linear { workers_per_s } => {
                positive("fleet.ramp.workers_per_s", Some(workers_per_s))
            }
            Self::Saturating {
                time_constant_s,
                all_after_s,
            } => {
                positive_up_to(
                    LONGEST_S,
                    "fleet.ramp.time_constant_s",
                    Some(time_constant_s),
                )?;
                positive_up_to(LONGEST_S, "fleet.ramp.all_after_s", Some(all_after_s))
            }
            Self::Capped {
                workers_per_s,
                most,
            } => {
                positive("fleet.ramp.workers_per_s", Some(workers_per_s))?;
                at_least_one("fleet.ramp.most", Some(most))
            }
            Self::Zonal {
                workers_per_s,
                begins_within_s,
            } => {
                positive("fleet.ramp.workers_per_s", Some(workers_per_s))?;
                up_to(LONGEST_S, "fleet.ramp.begins_within_s", begins_within_s)
            }
        }
    }
}

impl TransportSetup {
    fn check(&self) -> Result<(), String> {
        let broker_only = self.queue.is_some() || self.delivery.is_some();
        if broker_only && self.kind != Backend::Rabbitmq {
            return Err(
                "transport.queue and transport.delivery go with kind = \"rabbitmq\" only"
                    .to_owned(),
            );
        }
        if self.connections == Connections::Own && self.kind == Backend::Memory {
            return Err("transport.kind = \"memory\" has no connections".to_owned());
        }
        at_least_one("transport.window", self.window)?;
        positive_up_to(LONGEST_S, "transport.liveness_s", Some(self.liveness_s))?;
        positive_up_to(LONGEST_S, "transport.lease_term_s", Some(self.lease_term_s))
    }
}

impl Faults {
    fn check(&self, fleet: &Fleet, is_in_this_process: bool) -> Result<(), String> {
        if let Some(preemption) = self.preemption {
            preemption.check(fleet.boot_s)?;
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
            positive_up_to(LONGEST_S, "faults.hangs.seconds", Some(seconds))?;
        }
        for restart in &self.fleet_restarts {
            if is_in_this_process {
                return Err(
                    "faults.fleet_restarts needs a fleet in processes of its own; \
                     transport.kind = \"memory\" and clock = \"virtual\" have none"
                        .to_owned(),
                );
            }
            share_of_one("faults.fleet_restarts.after_share", restart.after_share)?;
            up_to(
                LONGEST_S,
                "faults.fleet_restarts.back_after_s",
                restart.back_after_s,
            )?;
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

impl Outage {
    fn check(&self, network: &NetworkSetup) -> Result<(), String> {
        let name = &self.zone;
        let mut groups = network.zones.iter();
        let Some(group) = groups.find(|group| group.name == *name) else {
            return Err(format!(
                "faults.outages: there is no [[network.zone]] of the name {name:?}"
            ));
        };
        at_least_one("faults.outages.zones", self.zones)?;
        if self.zones.is_some_and(|zones| zones > group.zones) {
            return Err(format!(
                "faults.outages.zones is more than zone {name:?} has, {}",
                group.zones
            ));
        }
        up_to(LONGEST_S, "faults.outages.after_s", self.after_s)?;
        positive_up_to(LONGEST_S, "faults.outages.for_s", Some(self.for_s))
    }
}

impl Preemption {
    pub(super) fn check(&self, boot_s: f64) -> Result<(), String> {
        let per_min = self.per_min;
        positive_up_to(
            MOST_PREEMPTED_PER_MIN,
            "faults.preemption.per_min",
            Some(per_min),
        )?;
        let life_s = 60.0 / per_min;
        let notice = ("faults.preemption.notice_s", self.notice_s.unwrap_or(0.0));
        for (key, seconds) in [("fleet.boot_s", boot_s), notice] {
            if seconds > life_s {
                return Err(format!(
                    "{key} = {seconds} is longer than a worker lives, {life_s} s at faults.preemption.per_min = {per_min}"
                ));
            }
        }
        up_to(
            LONGEST_S,
            "faults.preemption.back_after_s",
            self.back_after_s,
        )?;
        positive_up_to(LONGEST_S, "faults.preemption.notice_s", self.notice_s)?;
        if let Some(share) = self.notice_share {
            share_of_one("faults.preemption.notice_share", share)?;
        }
        if let Some(PoolLoss {
            per_hour,
            share,
            within_s,
        }) = self.pool
        {
            positive_up_to(
                MOST_POOLS_PER_HOUR,
                "faults.preemption.pool.per_hour",
                Some(per_hour),
            )?;
            share_of_one("faults.preemption.pool.share", share)?;
            up_to(LONGEST_S, "faults.preemption.pool.within_s", within_s)?;
        }
        Ok(())
    }
}
