//! The machines that workers run on: how each reaches the hub, and how it goes.

use std::sync::Arc;

use skyscan_transport::Transport;

use super::laden;
use crate::scenario::Ballast;
use crate::transport::MemoryTransport;
use crate::transport::modelled::{ModelledTransport, Network, Path};

/// Where the workers of a fleet run.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Hosts {
    /// In one process, over one transport.
    Shared(Arc<dyn Transport>),
    /// Each on a machine of its own, in a modelled network.
    Modelled {
        /// Where all of them meet the hub.
        place: Arc<MemoryTransport>,
        /// What lies between.
        network: Arc<Network>,
        /// The way from each zone.
        paths: Vec<Path>,
    },
}

/// One machine, for one life.
#[derive(Debug)]
pub(super) enum Host {
    Shared(Arc<dyn Transport>),
    Modelled(ModelledTransport),
}

impl Hosts {
    /// The same with messages made larger. In a model their size is told, not carried.
    pub(in crate::scenario) fn laden(&self, ballast: Option<Ballast>) -> Self {
        match self {
            Self::Shared(transport) => Self::Shared(laden(Arc::clone(transport), ballast)),
            Self::Modelled { .. } => self.clone(),
        }
    }

    /// A machine that comes up in a zone.
    pub(super) fn open(&self, zone: usize) -> Host {
        match self {
            Self::Shared(transport) => Host::Shared(Arc::clone(transport)),
            Self::Modelled {
                place,
                network,
                paths,
            } => Host::Modelled(ModelledTransport::new(
                Arc::clone(network),
                Arc::new(place.process()),
                paths[zone],
            )),
        }
    }
}

impl Host {
    pub(super) fn transport(&self) -> &dyn Transport {
        match self {
            Self::Shared(transport) => transport.as_ref(),
            Self::Modelled(transport) => transport,
        }
    }

    /// Takes the machine away. A process that lives on tells of its links that go.
    pub(super) fn vanish(&self) {
        match self {
            Self::Shared(_) => {}
            Self::Modelled(transport) => transport.vanish(),
        }
    }
}
