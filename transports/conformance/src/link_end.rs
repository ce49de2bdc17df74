//! A link and its inbox, sorted by kind, as the cases hold it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    Lease, Link, LinkConfig, LinkInbox, LinkIncoming, Priority, ScanId, Settled, TaskId, Transport,
    TransportError, WorkerId,
};
use tokio::time::timeout;

use crate::{Site, hub_end::PROTOCOL};

/// A Worker's part in a case.
pub(crate) struct LinkEnd {
    /// The link.
    pub(crate) link: Arc<dyn Link>,
    inbox: LinkInbox,
    leases: VecDeque<Lease>,
    notices: VecDeque<(ScanId, Bytes)>,
    ups: VecDeque<(ScanId, Bytes)>,
    downs: VecDeque<ScanId>,
    /// How urgent each hub said that it is.
    pub(crate) priorities: BTreeMap<ScanId, Priority>,
    ended: bool,
}

impl LinkEnd {
    /// Opens a link in a process of its own.
    pub(crate) async fn open(site: &dyn Site, credit: u16) -> Result<Self> {
        Self::open_at(site.link_process().await?, credit).await
    }

    /// Opens a link in a process that is there already.
    pub(crate) async fn open_at(process: Arc<dyn Transport>, credit: u16) -> Result<Self> {
        Self::open_with(process, credit, |_| {}).await
    }

    /// Opens a link with another configuration.
    pub(crate) async fn open_with(
        process: Arc<dyn Transport>,
        credit: u16,
        change: impl FnOnce(&mut LinkConfig),
    ) -> Result<Self> {
        let mut config = LinkConfig {
            protocol: PROTOCOL,
            worker: WorkerId::random(),
            credit,
            hello: Bytes::from_static(b"hello"),
        };
        change(&mut config);
        let (link, inbox) = process
            .open_link(config)
            .await
            .context("failed to open a link")?;
        Ok(Self {
            link,
            inbox,
            leases: VecDeque::new(),
            notices: VecDeque::new(),
            ups: VecDeque::new(),
            downs: VecDeque::new(),
            priorities: BTreeMap::new(),
            ended: false,
        })
    }

    /// Waits for the next lease.
    pub(crate) async fn lease(&mut self) -> Result<Lease> {
        while self.leases.is_empty() {
            self.step().await?;
        }
        self.leases.pop_front().context("there is one")
    }

    /// Waits for this many leases.
    pub(crate) async fn leases(&mut self, n: usize) -> Result<Vec<Lease>> {
        while self.leases.len() < n {
            self.step().await?;
        }
        Ok(self.leases.drain(..n).collect())
    }

    /// Reads for a while and returns the leases that are there.
    pub(crate) async fn leases_within(&mut self, time: Duration) -> Result<Vec<Lease>> {
        self.read_for(time).await?;
        Ok(self.leases.drain(..).collect())
    }

    /// Waits for the next notice.
    pub(crate) async fn notice(&mut self) -> Result<(ScanId, Bytes)> {
        while self.notices.is_empty() {
            self.step().await?;
        }
        self.notices.pop_front().context("there is one")
    }

    /// Waits until a hub is up.
    pub(crate) async fn hub_up(&mut self) -> Result<(ScanId, Bytes)> {
        while self.ups.is_empty() {
            self.step().await?;
        }
        self.ups.pop_front().context("there is one")
    }

    /// Waits until a hub is down.
    pub(crate) async fn hub_down(&mut self) -> Result<ScanId> {
        while self.downs.is_empty() {
            self.step().await?;
        }
        self.downs.pop_front().context("there is one")
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

    /// Waits for an error in the inbox.
    pub(crate) async fn error(&mut self) -> Result<TransportError> {
        loop {
            match self.inbox.next().await {
                Some(Err(error)) => return Ok(error),
                Some(Ok(incoming)) => self.sort(incoming),
                None => bail!("the link's inbox ended"),
            }
        }
    }

    /// Completes what comes, each with its own body, until a hub is down or the inbox ends.
    /// Returns how many were taken.
    pub(crate) async fn serve(&mut self) -> Result<usize> {
        let mut n_taken = 0;
        loop {
            let leases: Vec<Lease> = self.leases.drain(..).collect();
            if !leases.is_empty() {
                let n_leases = leases.len();
                let settlements = leases.into_iter().map(|lease| {
                    let body = lease.body().clone();
                    lease.completed(body)
                });
                let settled: Settled = self.link.settle(settlements.collect()).await?;
                n_taken += n_leases - settled.lost.len();
            } else if self.ended || self.downs.pop_front().is_some() {
                return Ok(n_taken);
            } else {
                self.step()
                    .await
                    .or_else(|error| if self.ended { Ok(()) } else { Err(error) })?;
            }
        }
    }

    /// Parts with the inbox, and with what was read from it.
    pub(crate) fn split(self) -> (Arc<dyn Link>, LinkInbox) {
        (self.link, self.inbox)
    }

    /// Reads for a while.
    pub(crate) async fn read_for(&mut self, time: Duration) -> Result<()> {
        let read = timeout(time, async {
            loop {
                self.step().await?;
            }
        });
        read.await.unwrap_or(Ok(()))
    }

    async fn step(&mut self) -> Result<()> {
        match self.inbox.next().await {
            Some(incoming) => self.sort(incoming.context("the link's inbox failed")?),
            None => {
                self.ended = true;
                bail!("the link's inbox ended");
            }
        }
        Ok(())
    }

    fn sort(&mut self, incoming: LinkIncoming) {
        match incoming {
            LinkIncoming::HubUp {
                scan,
                welcome,
                priority,
            } => {
                self.priorities.insert(scan, priority);
                self.ups.push_back((scan, welcome));
            }
            LinkIncoming::HubDown { scan } => self.downs.push_back(scan),
            LinkIncoming::Leased(leases) => self.leases.extend(leases),
            LinkIncoming::Notice { scan, body } => self.notices.push_back((scan, body)),
        }
    }
}

/// Fails unless the lease is of this task and attempt.
pub(crate) fn expect_lease(lease: &Lease, task: u64, attempt: u32) -> Result<()> {
    let key = lease.key().task;
    ensure!(
        key == TaskId(task) && lease.attempt() == attempt,
        "expected attempt {attempt} of task {task}, got {lease:?}"
    );
    Ok(())
}
