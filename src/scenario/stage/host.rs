//! The machines that workers run on: how each reaches the hub, and how it goes.

use std::sync::Arc;

use skyscan_transport::Transport;

use super::cloud::Spot;
use crate::scenario::around::ballast::laden;
use crate::scenario::setup::Ballast;
use crate::transport::modelled::ModelledTransport;

/// Where the workers of a fleet run.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Hosts {
    /// In one process, over one transport.
    Shared(Arc<dyn Transport>),
    /// Each on a machine of its own, in one of these zones of a modelled cloud.
    Modelled(Vec<Spot>),
}

/// One machine, for one life.
#[derive(Debug)]
pub(in crate::scenario) enum Host {
    Shared(Arc<dyn Transport>),
    Modelled(ModelledTransport),
}

impl Hosts {
    /// The same with messages made larger. In a model their size is told, not carried.
    pub(in crate::scenario) fn laden(&self, ballast: Option<Ballast>) -> Self {
        match self {
            Self::Shared(transport) => Self::Shared(laden(Arc::clone(transport), ballast)),
            Self::Modelled(_) => self.clone(),
        }
    }

    /// A machine that comes up in a zone.
    pub(in crate::scenario) fn open(&self, zone: usize) -> Host {
        match self {
            Self::Shared(transport) => Host::Shared(Arc::clone(transport)),
            Self::Modelled(zones) => Host::Modelled(zones[zone].process()),
        }
    }
}

impl Host {
    pub(in crate::scenario) fn transport(&self) -> &dyn Transport {
        match self {
            Self::Shared(transport) => transport.as_ref(),
            Self::Modelled(transport) => transport,
        }
    }

    /// Takes the machine away. A process that lives on tells of its links that go.
    pub(in crate::scenario) fn vanish(&self) {
        match self {
            Self::Shared(_) => {}
            Self::Modelled(transport) => transport.vanish(),
        }
    }
}
