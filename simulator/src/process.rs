//! A simulated process as a transport: whatever its actors say or hear goes through here, is written
//! down, and stops with the process.

mod heard;
mod hub;
mod link;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::backend::Dice;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport, WorkerId,
};

use crate::fate::Fate;
pub(crate) use hub::{Forged, Forgery};
pub(crate) use link::Garbling;

/// Names of workers: drawn from the seed, where real ones are drawn at random.
#[derive(Debug)]
pub(crate) struct Names {
    state: Mutex<(Dice, BTreeMap<WorkerId, String>)>,
}

impl Names {
    pub(crate) fn seeded(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new((Dice::seeded(seed), BTreeMap::new())),
        })
    }

    fn draw(&self, owner: &str) -> WorkerId {
        let (dice, owners) = &mut *self.state.lock();
        let mut bytes = [0; 16];
        for half in bytes.chunks_mut(8) {
            half.copy_from_slice(&dice.draw().to_le_bytes());
        }
        let worker = WorkerId(bytes);
        owners.insert(worker, owner.to_owned());
        worker
    }

    /// Who has this name.
    pub(crate) fn owner(&self, worker: WorkerId) -> String {
        let owner = self.state.lock().1.get(&worker).cloned();
        owner.unwrap_or_else(|| "nobody".to_owned())
    }

    fn knows(&self, worker: WorkerId) -> bool {
        self.state.lock().1.contains_key(&worker)
    }
}

/// One process at one place.
#[derive(Debug)]
pub(crate) struct Process {
    fate: Arc<Fate>,
    inner: Arc<dyn Transport>,
    names: Arc<Names>,
    /// The name that was drawn for each one that its actors drew.
    given: Mutex<BTreeMap<WorkerId, WorkerId>>,
    garbling: Option<Garbling>,
    forgeries: Vec<Forgery>,
}

impl Process {
    pub(crate) fn new(fate: Arc<Fate>, inner: Arc<dyn Transport>, names: Arc<Names>) -> Self {
        Self {
            fate,
            inner,
            names,
            given: Mutex::default(),
            garbling: None,
            forgeries: Vec::new(),
        }
    }

    /// The same; its results are not what its kernels found.
    pub(crate) fn garbling(self, garbling: Option<Garbling>) -> Self {
        Self { garbling, ..self }
    }

    /// The same; a stranger sends it results.
    pub(crate) fn forged(self, forgeries: Vec<Forgery>) -> Self {
        Self { forgeries, ..self }
    }

    /// A relay's links stand for workers that have their names.
    fn name(&self, worker: WorkerId) -> WorkerId {
        if self.names.knows(worker) {
            return worker;
        }
        let mut given = self.given.lock();
        *given
            .entry(worker)
            .or_insert_with(|| self.names.draw(&self.fate.name))
    }
}

#[async_trait]
impl Transport for Process {
    fn name(&self) -> &'static str {
        "simulated"
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        self.fate.step_or_hang().await;
        let scan = config.scan;
        let (inner, inbox) = self.inner.open_hub(config).await?;
        let names = Arc::clone(&self.names);
        Ok(hub::open(
            Arc::clone(&self.fate),
            scan,
            inner,
            inbox,
            names,
            self.forgeries.clone(),
        ))
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        self.fate.step_or_hang().await;
        let config = LinkConfig {
            worker: Self::name(self, config.worker),
            ..config
        };
        let (inner, inbox) = self.inner.open_link(config).await?;
        Ok(link::open(
            Arc::clone(&self.fate),
            inner,
            inbox,
            self.garbling,
        ))
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}
