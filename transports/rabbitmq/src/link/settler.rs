//! Settles the leases of one session: what a process and a hub say to each other from a hello to
//! the loss of either.

use std::sync::Arc;

use async_trait::async_trait;
use skyscan_transport::{LeaseToken, Result, Settlement, Settler, TaskKey};
use tokio::time::Duration;

use super::sessions::Settlers;
use crate::{
    process::{Chore, Process},
    wire::Scan,
};

#[derive(Debug)]
struct RabbitmqSettler {
    process: Arc<Process>,
    scan: Scan,
    /// Leases of another session are lost, and so are those of this one in another.
    session: u32,
    lease_term: Duration,
}

impl Settlers for Arc<Process> {
    fn settler(&self, scan: Scan, session: u32, lease_term: Duration) -> Arc<dyn Settler> {
        Arc::new(RabbitmqSettler {
            process: Self::clone(self),
            scan,
            session,
            lease_term,
        })
    }
}

#[async_trait]
impl Settler for RabbitmqSettler {
    fn lease_term(&self, _key: TaskKey) -> Duration {
        self.lease_term
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let answer =
            self.process.with(
                |state, _| match state.sessions.serving(self.scan, self.session) {
                    Some((serving, outbox)) => Ok(serving.settle(settlements, self.scan, outbox)),
                    None => Err(settlements
                        .into_iter()
                        .map(|settlement| settlement.into_parts().1)
                        .collect()),
                },
            );
        match answer {
            Ok(call) => Ok(call.answer().await),
            Err(lost) => Ok(lost),
        }
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let answer =
            self.process.with(
                |state, _| match state.sessions.serving(self.scan, self.session) {
                    Some((serving, outbox)) => Ok(serving.renew(leases, self.scan, outbox)),
                    None => Err(leases.into_iter().map(|(_, key)| key).collect()),
                },
            );
        match answer {
            Ok(call) => Ok(call.answer().await),
            Err(lost) => Ok(lost),
        }
    }

    fn abandon(&self, token: LeaseToken) {
        self.process.chore(Chore::Release {
            scan: self.scan,
            session: self.session,
            token,
        });
    }
}
