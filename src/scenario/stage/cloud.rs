//! The cloud of a virtual run: the hub's network, and one below each relay.
//!
//! Decision: Relays in virtual time are the relays of a scan (`docs/decisions.md`).

use std::sync::Arc;

use super::relay::Relay;
use crate::scenario::setup::{RelayNetwork, Setup};
use crate::transport::MemoryTransport;
use crate::transport::modelled::{ModelledTransport, Network, Path};

/// Somewhere in a modelled cloud: whom one meets there, and over which way.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Spot {
    hub: HubSite,
    path: Path,
}

/// Where a hub stands: the Scanner's, or a relay's.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct HubSite {
    pub(in crate::scenario) memory: Arc<MemoryTransport>,
    pub(in crate::scenario) network: Arc<Network>,
}

/// Everything that is modelled around a hub.
#[derive(Debug)]
pub(in crate::scenario) struct Cloud {
    pub(in crate::scenario) hub: HubSite,
    /// One for each zone: where its workers are.
    pub(in crate::scenario) zones: Vec<Spot>,
    pub(in crate::scenario) relays: Vec<Relay>,
    /// The networks below the relays.
    pub(in crate::scenario) below: Vec<Arc<Network>>,
}

impl Spot {
    /// A process on a machine of its own that comes up there.
    pub(in crate::scenario) fn process(&self) -> ModelledTransport {
        let HubSite { memory, network } = &self.hub;
        ModelledTransport::new(Arc::clone(network), Arc::new(memory.process()), self.path)
    }
}

impl HubSite {
    fn new(network: Network) -> Self {
        Self {
            memory: Arc::new(MemoryTransport::new()),
            network: Arc::new(network),
        }
    }

    fn at_end_of(&self, path: Path) -> Spot {
        let hub = self.clone();
        Spot { hub, path }
    }
}

impl Cloud {
    /// Builds it, and starts its relays.
    pub(in crate::scenario) fn of(setup: &Setup) -> Self {
        let mut cloud = Self {
            hub: HubSite::new(Network::new(setup.model())),
            zones: Vec::new(),
            relays: Vec::new(),
            below: Vec::new(),
        };
        match setup.relays() {
            Some(relay) => cloud.add_relays(setup, &relay),
            None => {
                let paths = setup.network.paths().into_iter();
                let spots = paths.map(|(_, path)| cloud.hub.at_end_of(path));
                cloud.zones = spots.collect();
            }
        }
        cloud
    }

    fn add_relays(&mut self, setup: &Setup, relay: &RelayNetwork) {
        for group in &setup.network.zones {
            let mut above = self.hub.at_end_of(group.path());
            for number in 0..group.zones {
                if let Some(region) = group.region.filter(|region| number % region.zones == 0) {
                    let name = format!("region {} of {}", number / region.zones, group.name);
                    let below_hub = self.hub.at_end_of(group.path());
                    let site = self.add_relay(setup, relay, &below_hub, name);
                    above = site.at_end_of(region.path());
                }
                let name = format!("zone {number} of {}", group.name);
                let site = self.add_relay(setup, relay, &above, name);
                self.zones.push(site.at_end_of(relay.path()));
            }
        }
    }

    /// A relay at a spot: it reaches whom one meets there, and is met at the site returned.
    fn add_relay(
        &mut self,
        setup: &Setup,
        relay: &RelayNetwork,
        spot: &Spot,
        name: String,
    ) -> HubSite {
        let site = HubSite::new(Network::new(setup.model_below(relay)));
        let (above, below) = (Arc::new(spot.process()), Arc::clone(&site.memory));
        let relay = Relay::inside(above, below, name, &setup.transport);
        self.relays.push(relay);
        self.below.push(Arc::clone(&site.network));
        site
    }
}
