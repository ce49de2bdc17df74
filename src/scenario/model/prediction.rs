//! Scenarios with the costs of this machine in them: those in virtual time as they are, real ones as the
//! model has them.

use super::calibration::{Calibration, CalibrationError};
use crate::scenario::results::Machine;
use crate::scenario::setup::file::Scenario;
use crate::scenario::setup::{Clock, Connections, EventForm, NetworkSetup, ZoneSetup};
use crate::transport::modelled::Boundary;

impl Scenario {
    /// A scenario in virtual time with the costs of this machine in place of those in the file. There
    /// every worker has a connection of its own; what lies between the machines stays.
    ///
    /// # Errors
    /// If the scenario is not in virtual time, or the calibration does not know its links.
    pub fn calibrated(mut self, calibration: &Calibration) -> Result<Self, CalibrationError> {
        if self.clock != Clock::Virtual {
            let reason = "a calibration goes with scenarios in virtual time: real ones measure";
            return Err(CalibrationError::Unfit(reason));
        }
        for point in &mut self.points {
            let setup = &mut point.setup;
            let costs = calibration.costs(setup.transport.kind, Connections::Own)?;
            let network = &mut setup.network;
            let factor = setup.time_scale;
            network.frame_bytes = costs.frame_bytes;
            network.hub.take_times(costs.hub(factor));
            if let (Some(broker), Some(measured)) = (&mut network.broker, costs.broker(factor)) {
                broker.take_times(measured);
            }
        }
        self.remarks.push(format!(
            "Hub and broker take what was measured with at most {} workers{}, not what the file says.",
            calibration.most_workers,
            on(calibration.machine.as_ref())
        ));
        Ok(self)
    }

    /// What the model says of a real scenario: the same points in virtual time, with the costs of this
    /// machine, every hub slower by a factor (1 for what was measured).
    ///
    /// # Errors
    /// If the scenario is in virtual time already, needs what is not modelled, or the calibration does
    /// not know its links.
    pub fn predicted(
        mut self,
        calibration: &Calibration,
        slower: f64,
    ) -> Result<Self, CalibrationError> {
        if self.clock != Clock::Real {
            let reason = "what is in virtual time already is a prediction, and needs no other one";
            return Err(CalibrationError::Unfit(reason));
        }
        self.clock = Clock::Virtual;
        for point in &mut self.points {
            let setup = &mut point.setup;
            if setup.messages.event == EventForm::Relay || !setup.faults.fleet_restarts.is_empty() {
                let reason = "relays and restarts of the fleet cannot be predicted";
                return Err(CalibrationError::Unfit(reason));
            }
            let (kind, connections) = (setup.transport.kind, setup.transport.connections);
            let costs = calibration.costs(kind, connections)?;
            setup.clock = Clock::Virtual;
            setup.hub.service_s *= slower;
            setup.network = NetworkSetup {
                frame_bytes: costs.frame_bytes,
                hub: costs.hub(slower),
                broker: costs.broker(1.0),
                zones: vec![ZoneSetup {
                    name: "this machine".to_owned(),
                    zones: 1,
                    share: 1.0,
                    boundary: Boundary::Host,
                    rtt_s: costs.round_trip_s,
                    gbps: None,
                    region: None,
                }],
                ..NetworkSetup::default()
            };
        }
        self.remarks.push(format!(
            "Predicted in virtual time, from costs measured with at most {} workers{}; every hub takes \
             {slower} times what was measured.",
            calibration.most_workers,
            on(calibration.machine.as_ref())
        ));
        Ok(self)
    }
}

fn on(machine: Option<&Machine>) -> String {
    machine.map_or_else(String::new, |machine| {
        format!(
            " on {} cores at load average {:.1}",
            machine.cores, machine.load_before
        )
    })
}
