//! What a link says of its leases, judged.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    Lease, LeaseToken, Result, Settlement, Settler, TaskKey, backend::SettlerBefore,
};
use tokio::time::sleep;

use super::Shared;
use crate::rules::{FrameKind, Verdict};

/// Stands before the settler of the inner link.
#[derive(Debug)]
pub(super) struct JudgedSettler {
    pub(super) inner: Arc<dyn Settler>,
    pub(super) shared: Arc<Shared>,
}

impl JudgedSettler {
    /// The same once more, under the name of the same lease.
    fn again(&self, settlement: &Settlement) -> Settlement {
        let inner = Arc::clone(&self.inner);
        let lease = Lease::new(settlement.key(), Bytes::new(), 0, settlement.token(), inner);
        let again = lease.answered(settlement.answer().clone());
        match settlement.worker() {
            Some(worker) => again.by(worker),
            None => again,
        }
    }

    /// Whether the hub's answer to this is lost.
    fn loses_answer(&self, link: skyscan_transport::LinkId, key: TaskKey) -> bool {
        self.shared
            .rules
            .judge(FrameKind::Answer, Some(link), Some(key))
            == Verdict::Lose
    }
}

#[async_trait]
impl SettlerBefore for JudgedSettler {
    fn inner(&self) -> &Arc<dyn Settler> {
        &self.inner
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let link = self.shared.id();
        let (mut passing, mut twice, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let (mut late, mut unheard) = (Duration::ZERO, Vec::new());
        for settlement in settlements {
            let key = settlement.key();
            if self.loses_answer(link, key) {
                unheard.push(key);
            }
            match self
                .shared
                .rules
                .judge(FrameKind::Settlement, Some(link), Some(key))
            {
                Verdict::Pass | Verdict::Reorder => {}
                Verdict::Lose => {
                    // Neither told nor given back: its lease runs out.
                    let _never_told = settlement.into_parts();
                    lost.push(key);
                    continue;
                }
                Verdict::Repeat => {
                    twice.push(self.again(&settlement));
                }
                Verdict::Delay(by) => late = late.max(by),
                Verdict::Sever(absence) => self.shared.sever(absence),
            }
            passing.push(settlement.handed_to(Arc::clone(&self.inner)));
        }
        if late > Duration::ZERO {
            sleep(late).await;
        }
        lost.extend(self.inner.settle(passing).await?);
        if !twice.is_empty() {
            // Fenced (C4): the second of each finds no lease.
            let _fenced = self.inner.settle(twice).await?;
        }
        unheard.retain(|key| !lost.contains(key));
        lost.append(&mut unheard);
        Ok(lost)
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let link = self.shared.id();
        let (mut passing, mut late) = (Vec::new(), Duration::ZERO);
        for (token, key) in leases {
            match self
                .shared
                .rules
                .judge(FrameKind::Renewal, Some(link), Some(key))
            {
                // Its holder hears nothing of that, and works on.
                Verdict::Lose => continue,
                Verdict::Delay(by) => late = late.max(by),
                Verdict::Sever(absence) => self.shared.sever(absence),
                // The second of two changes nothing, nor does their order.
                Verdict::Pass | Verdict::Repeat | Verdict::Reorder => {}
            }
            passing.push((token, key));
        }
        if late > Duration::ZERO {
            sleep(late).await;
        }
        self.inner.renew(passing).await
    }
}
