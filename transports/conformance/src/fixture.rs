//! What a backend has to provide to be judged.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;

use crate::Wires;

/// Which clock the cases of a backend run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// A paused one that jumps when nobody has anything to do.
    Paused,
    /// The machine's.
    Real,
}

/// A fresh place of a backend, with processes that can be cut off.
#[async_trait]
pub trait Site: Send + Sync + 'static {
    /// A transport as the Scanner's process would hold it. A second one takes the place of a first
    /// that was dropped.
    async fn hub_process(&self) -> Result<Arc<dyn Transport>>;

    /// A transport as a Worker's process would hold it: with a connection of its own.
    async fn link_process(&self) -> Result<Arc<dyn Transport>>;

    /// The wires of the processes that [`Site::link_process`] made.
    fn wires(&self) -> &Wires;

    /// Cuts the wire of a worker's process without a goodbye.
    ///
    /// # Errors
    /// When the process has no wire here.
    fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.wires().cut(process)
    }

    /// Mends the wire of a worker's process.
    ///
    /// # Errors
    /// When the process has no wire here.
    fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.wires().mend(process)
    }

    /// How many outcomes something that stands before the hub's owner has been told to repeat.
    fn n_repeated(&self) -> usize {
        0
    }

    /// How long a peer may be silent, in these cases.
    fn liveness(&self) -> Duration {
        Duration::from_millis(1000)
    }

    /// How long a lease lives, in these cases. Longer than `liveness`, so that a redelivery within
    /// `liveness` can only come from a detected loss.
    fn lease_term(&self) -> Duration {
        Duration::from_millis(4000)
    }
}

/// How a backend is started.
#[async_trait]
pub trait Fixture: Site + Sized {
    /// Lowercase name of the backend, in front of every case's name.
    const NAME: &'static str;

    /// The clock that the cases run on.
    const CLOCK: Clock;

    /// Says why the backend cannot run here, such as a broker that is not installed. The cases are
    /// ignored then, and fail where `CI` is set.
    fn missing() -> Option<String> {
        None
    }

    /// Starts a place of its own for one case.
    async fn start() -> Result<Self>;
}
