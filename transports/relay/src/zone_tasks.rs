//! What the zone is to do: every task, with the leases from above that pay for it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    ops::RangeInclusive,
};

use bytes::Bytes;
use skyscan_transport::{
    Conclusion, DownCause, Lease, ScanId, Settlement, TaskFrame, TaskId, TaskKey, WorkerId,
};

use crate::uplinks::UplinkId;

/// Every task that the zone is to do, with the leases that pay for it.
#[derive(Debug, Default)]
pub(crate) struct ZoneTasks {
    tasks: BTreeMap<TaskKey, Task>,
    n_by_uplink: HashMap<UplinkId, usize>,
    /// Tasks that are not in the zone, by scan.
    missing: BTreeMap<ScanId, Vec<TaskId>>,
}

#[derive(Debug)]
struct Task {
    body: Bytes,
    avoid: Vec<WorkerId>,
    /// Several, if it was leased above again meanwhile; none, if it was lost there and the zone
    /// does not know.
    loans: Vec<Loan>,
    /// Submitted to the zone's hub.
    in_zone: bool,
}

impl Task {
    /// Neither is it wanted above, nor does the zone know of it.
    fn is_idle(&self) -> bool {
        self.loans.is_empty() && !self.in_zone
    }
}

#[derive(Debug)]
struct Loan {
    uplink: UplinkId,
    lease: Lease,
}

impl ZoneTasks {
    /// Enters a lease.
    pub(crate) fn enter(&mut self, uplink: UplinkId, lease: Lease) {
        *self.n_by_uplink.entry(uplink).or_default() += 1;
        let key = lease.key();
        let task = self.tasks.entry(key).or_insert_with(|| {
            self.missing.entry(key.scan).or_default().push(key.task);
            Task {
                body: lease.body().clone(),
                avoid: lease.avoid().to_vec(),
                loans: Vec::new(),
                in_zone: false,
            }
        });
        task.loans.push(Loan { uplink, lease });
    }

    /// The tasks of a scan that its hub in the zone does not have, and is to be given now.
    pub(crate) fn take_missing(&mut self, scan: ScanId) -> Vec<TaskFrame> {
        let missing = self.missing.remove(&scan).unwrap_or_default();
        let frame = |task| {
            let entry = self.tasks.get_mut(&TaskKey { scan, task });
            let entry = entry.filter(|entry| !entry.in_zone)?;
            let attempt = entry.loans.iter().map(|loan| loan.lease.attempt()).max()?;
            entry.in_zone = true;
            Some(TaskFrame {
                task,
                body: entry.body.clone(),
                lost_above: attempt.saturating_sub(1),
                avoid: entry.avoid.clone(),
            })
        };
        missing.into_iter().filter_map(frame).collect()
    }

    /// A task came to its end in the zone: every lease of it is settled alike. What was leased
    /// under the same name with another body is another task, and next.
    pub(crate) fn conclude(
        &mut self,
        key: TaskKey,
        worker: WorkerId,
        conclusion: &Conclusion,
    ) -> Vec<(UplinkId, Settlement)> {
        let Some(Task { body, loans, .. }) = self.tasks.remove(&key) else {
            return Vec::new();
        };
        let mut settlements = Vec::new();
        for Loan { uplink, lease } in loans {
            self.count_off(uplink);
            if lease.body() != &body {
                self.enter(uplink, lease);
                continue;
            }
            let settlement = match conclusion {
                Conclusion::Completed(result) => lease.completed(result.clone()),
                Conclusion::Rejected(reason) => lease.rejected(reason.clone()),
            };
            settlements.push((uplink, settlement.by(worker)));
        }
        settlements
    }

    /// These leases of a link above are lost. The zone works on; if a task is leased here again,
    /// its outcome counts.
    pub(crate) fn lose(&mut self, uplink: UplinkId, keys: &[TaskKey]) {
        for key in keys {
            let Some(task) = self.tasks.get_mut(key) else {
                continue;
            };
            let n_before = task.loans.len();
            task.loans.retain(|loan| loan.uplink != uplink);
            let n_after = task.loans.len();
            if task.is_idle() {
                self.tasks.remove(key);
            }
            (n_after..n_before).for_each(|_| self.count_off(uplink));
        }
    }

    /// A link above goes, and with it all of its leases: they are given back if it says goodbye, and lost
    /// if it does not.
    pub(crate) fn part_with(&mut self, uplink: UplinkId, cause: DownCause) {
        for task in self.tasks.values_mut() {
            for Loan { lease, .. } in task.loans.extract_if(.., |loan| loan.uplink == uplink) {
                match cause {
                    DownCause::Closed => drop(lease),
                    DownCause::Lost => lease.lost(),
                }
            }
        }
        self.tasks.retain(|_, task| !task.is_idle());
        self.n_by_uplink.remove(&uplink);
    }

    /// Gives back every lease of a scan.
    pub(crate) fn drop_scan(&mut self, scan: ScanId) {
        self.missing.remove(&scan);
        let keys: Vec<TaskKey> = self
            .tasks
            .range(keys_of(scan))
            .map(|(&key, _)| key)
            .collect();
        for key in keys {
            for loan in self
                .tasks
                .remove(&key)
                .into_iter()
                .flat_map(|task| task.loans)
            {
                self.count_off(loan.uplink);
            }
        }
    }

    /// Gives back every lease.
    pub(crate) fn drop_all(&mut self) {
        self.tasks.clear();
        self.missing.clear();
        self.n_by_uplink.clear();
    }

    /// A hub of the zone is gone: whatever it had is to be submitted anew.
    pub(crate) fn not_in_zone(&mut self, scan: ScanId) {
        let missing = self.missing.entry(scan).or_default();
        for (key, task) in self.tasks.range_mut(keys_of(scan)) {
            if mem::take(&mut task.in_zone) {
                missing.push(key.task);
            }
        }
        self.tasks.retain(|_, task| !task.is_idle());
    }

    /// The tasks of a scan that the zone's hub was given.
    pub(crate) fn in_zone(&self, scan: ScanId) -> Vec<TaskId> {
        let tasks = self.tasks.range(keys_of(scan));
        let in_zone = tasks.filter(|(_, task)| task.in_zone);
        in_zone.map(|(key, _)| key.task).collect()
    }

    /// How many leases each link above holds of these scans.
    pub(crate) fn n_by_uplink_of(&self, scans: &BTreeSet<ScanId>) -> HashMap<UplinkId, usize> {
        let mut n_by_uplink = HashMap::new();
        for &scan in scans {
            let tasks = self.tasks.range(keys_of(scan));
            for loan in tasks.flat_map(|(_, task)| &task.loans) {
                *n_by_uplink.entry(loan.uplink).or_default() += 1;
            }
        }
        n_by_uplink
    }

    /// The zone's hub has lost a task that nobody had begun: it is given back above if one of its links
    /// there says so, and submitted anew if none does.
    pub(crate) fn take_back(&mut self, key: TaskKey, mut is_to_go: impl FnMut(UplinkId) -> bool) {
        let Some(task) = self.tasks.get_mut(&key).filter(|task| task.in_zone) else {
            return;
        };
        task.in_zone = false;
        if !task.loans.iter().any(|loan| is_to_go(loan.uplink)) {
            self.missing.entry(key.scan).or_default().push(key.task);
            return;
        }
        let gone = self.tasks.remove(&key);
        for loan in gone.into_iter().flat_map(|task| task.loans) {
            self.count_off(loan.uplink);
        }
    }

    /// How many leases of a link above are held.
    pub(crate) fn n_of(&self, uplink: UplinkId) -> usize {
        self.n_by_uplink.get(&uplink).copied().unwrap_or(0)
    }

    /// How many tasks are held.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// All leases, by link above.
    pub(crate) fn by_uplink(&self) -> BTreeMap<UplinkId, Vec<&Lease>> {
        let mut by_uplink: BTreeMap<UplinkId, Vec<&Lease>> = BTreeMap::new();
        for loan in self.tasks.values().flat_map(|task| &task.loans) {
            by_uplink.entry(loan.uplink).or_default().push(&loan.lease);
        }
        by_uplink
    }

    fn count_off(&mut self, uplink: UplinkId) {
        if let Some(n) = self.n_by_uplink.get_mut(&uplink) {
            *n -= 1;
            if *n == 0 {
                self.n_by_uplink.remove(&uplink);
            }
        }
    }
}

fn keys_of(scan: ScanId) -> RangeInclusive<TaskKey> {
    let key = |task| TaskKey { scan, task };
    key(TaskId(0))..=key(TaskId(u64::MAX))
}
