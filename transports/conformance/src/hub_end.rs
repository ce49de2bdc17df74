//! A hub and its inbox, sorted by kind, as the cases hold it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    DownCause, Hub, HubConfig, HubInbox, HubIncoming, LinkId, Outcome, Priority, ScanId,
    SettledBatch, TaskFrame, TaskId, Transport, Version, WorkerId,
};
use tokio::time::timeout;

use crate::Site;

/// The version that the cases speak.
pub(crate) const PROTOCOL: Version = Version { major: 3, minor: 1 };

/// The Scanner's part in a case.
pub(crate) struct HubEnd {
    /// Its process.
    pub(crate) process: Arc<dyn Transport>,
    /// The hub.
    pub(crate) hub: Arc<dyn Hub>,
    inbox: HubInbox,
    batches: VecDeque<SettledBatch>,
    ups: VecDeque<(LinkId, Bytes)>,
    /// Whose links have come up so far.
    pub(crate) workers: BTreeSet<WorkerId>,
    downs: VecDeque<(LinkId, DownCause)>,
    ended: bool,
}

impl HubEnd {
    /// Opens a hub of scan 1 in a process of its own.
    pub(crate) async fn open(site: &dyn Site) -> Result<Self> {
        Self::open_with(site, |_| {}).await
    }

    /// Opens a hub in a process of its own, with another configuration.
    pub(crate) async fn open_with(
        site: &dyn Site,
        change: impl FnOnce(&mut HubConfig),
    ) -> Result<Self> {
        Self::open_at(site.hub_process().await?, site, change).await
    }

    /// Opens a hub in a process that is there already.
    pub(crate) async fn open_at(
        process: Arc<dyn Transport>,
        site: &dyn Site,
        change: impl FnOnce(&mut HubConfig),
    ) -> Result<Self> {
        let mut config = HubConfig {
            scan: ScanId(1),
            protocol: PROTOCOL,
            welcome: Bytes::from_static(b"welcome"),
            backlog: 10_000,
            liveness: site.liveness(),
            lease_term: site.lease_term(),
            payloads: None,
            priority: Priority::default(),
        };
        change(&mut config);
        let (hub, inbox) = process
            .open_hub(config)
            .await
            .context("failed to open a hub")?;
        Ok(Self {
            process,
            hub,
            inbox,
            batches: VecDeque::new(),
            ups: VecDeque::new(),
            workers: BTreeSet::new(),
            downs: VecDeque::new(),
            ended: false,
        })
    }

    /// Submits tasks with these numbers; the body of a task is its number.
    pub(crate) async fn submit(&self, tasks: impl IntoIterator<Item = u64>) -> Result<()> {
        let frames = tasks.into_iter().map(frame).collect();
        self.hub.submit(frames).await.context("failed to submit")
    }

    /// Waits for this many outcomes and confirms them.
    pub(crate) async fn outcomes(&mut self, n: usize) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        while outcomes.len() < n {
            outcomes.extend(self.batch().await?.confirm());
        }
        ensure!(
            outcomes.len() == n,
            "{} outcomes instead of {n}",
            outcomes.len()
        );
        Ok(outcomes)
    }

    /// Waits for the next batch of outcomes.
    pub(crate) async fn batch(&mut self) -> Result<SettledBatch> {
        while self.batches.is_empty() {
            self.step().await?;
        }
        self.batches.pop_front().context("there is one")
    }

    /// Waits for the next link to come up.
    pub(crate) async fn link_up(&mut self) -> Result<(LinkId, Bytes)> {
        while self.ups.is_empty() {
            self.step().await?;
        }
        self.ups.pop_front().context("there is one")
    }

    /// Waits for the next link to go down.
    pub(crate) async fn link_down(&mut self) -> Result<(LinkId, DownCause)> {
        while self.downs.is_empty() {
            self.step().await?;
        }
        self.downs.pop_front().context("there is one")
    }

    /// Reads for a while and returns the outcomes that came, confirmed.
    pub(crate) async fn outcomes_within(&mut self, time: Duration) -> Result<Vec<Outcome>> {
        self.read_for(time).await?;
        Ok(self
            .batches
            .drain(..)
            .flat_map(SettledBatch::confirm)
            .collect())
    }

    /// Reads for a while and returns the links that went down.
    pub(crate) async fn downs_within(
        &mut self,
        time: Duration,
    ) -> Result<Vec<(LinkId, DownCause)>> {
        self.read_for(time).await?;
        Ok(self.downs.drain(..).collect())
    }

    /// Reads for a while and returns the links that came up.
    pub(crate) async fn ups_within(&mut self, time: Duration) -> Result<Vec<(LinkId, Bytes)>> {
        self.read_for(time).await?;
        Ok(self.ups.drain(..).collect())
    }

    /// Waits until the inbox ends.
    pub(crate) async fn end(&mut self) -> Result<()> {
        while !self.ended {
            self.step()
                .await
                .or_else(|error| if self.ended { Ok(()) } else { Err(error) })?;
        }
        Ok(())
    }

    async fn read_for(&mut self, time: Duration) -> Result<()> {
        let read = timeout(time, async {
            loop {
                self.step().await?;
            }
        });
        read.await.unwrap_or(Ok(()))
    }

    async fn step(&mut self) -> Result<()> {
        match self.inbox.next().await {
            Some(incoming) => self.sort(incoming.context("the hub's inbox failed")?),
            None => {
                self.ended = true;
                bail!("the hub's inbox ended");
            }
        }
        Ok(())
    }

    fn sort(&mut self, incoming: HubIncoming) {
        match incoming {
            HubIncoming::LinkUp {
                link,
                worker,
                hello,
                ..
            } => {
                self.workers.insert(worker);
                self.ups.push_back((link, hello));
            }
            HubIncoming::LinkDown { link, cause } => self.downs.push_back((link, cause)),
            HubIncoming::Settled(batch) => self.batches.push_back(batch),
        }
    }
}

/// A task whose body is its number.
pub(crate) fn frame(number: u64) -> TaskFrame {
    TaskFrame {
        task: TaskId(number),
        body: Bytes::copy_from_slice(&number.to_le_bytes()),
        lost_above: 0,
        avoid: vec![],
    }
}
