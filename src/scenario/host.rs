//! The machines that workers run on: how each reaches the hub, and how it goes.

use std::sync::Arc;

use skyscan_transport::Transport;

use super::ballast::laden;
use super::cloud::Spot;
use super::setup::Ballast;
use crate::transport::modelled::ModelledTransport;

/// Where the workers of a fleet run.
#[derive(Clone, Debug)]
pub(super) enum Hosts {
    /// In one process, over one transport.
    Shared(Arc<dyn Transport>),
    /// Each on a machine of its own, in one of these zones of a modelled cloud.
    Modelled(Vec<Spot>),
}

/// One machine, for one life.
#[derive(Debug)]
pub(super) enum Host {
    Shared(Arc<dyn Transport>),
    Modelled(ModelledTransport),
}

impl Hosts {
    /// The same with messages made larger. In a model their size is told, not carried.
    pub(super) fn laden(&self, ballast: Option<Ballast>) -> Self {
        match self {
            Self::Shared(transport) => Self::Shared(laden(Arc::clone(transport), ballast)),
            Self::Modelled(_) => self.clone(),
        }
    }

    /// A machine that comes up in a zone.
    pub(super) fn open(&self, zone: usize) -> Host {
        match self {
            Self::Shared(transport) => Host::Shared(Arc::clone(transport)),
            Self::Modelled(zones) => Host::Modelled(zones[zone].process()),
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
