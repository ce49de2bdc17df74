//! Copies go to other workers than those that hold what they are copies of: who hangs, or takes all that
//! it can get and does nothing, would keep them, too.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use skyscan_transport::{Holder, TaskId, WorkerId};

use super::{Phase, Scanner};
use crate::scan::Task;

impl Scanner {
    /// Sends copies, as soon as the hub has told who holds what nothing has come of.
    pub(super) fn place(&mut self, copies: Vec<Task>, context: &mut Context<Self>) {
        let (in_vain, others): (Vec<Task>, Vec<Task>) =
            (copies.into_iter()).partition(|copy| !copy.in_vain.is_empty());
        others.into_iter().for_each(|copy| self.send(copy));
        if in_vain.is_empty() {
            return;
        }
        let ids: BTreeSet<u64> = in_vain.iter().map(|copy| copy.id).collect();
        let tasks = in_vain.iter().flat_map(|copy| &copy.in_vain);
        let tasks: BTreeSet<TaskId> = tasks.copied().map(TaskId).collect();
        self.unplaced.extend(in_vain);
        let hub = Arc::clone(&self.hub);
        let asking = async move { hub.holders(tasks.into_iter().collect()).await };
        context.spawn(asking.into_actor(self).map(move |held, actor, context| {
            if actor.phase == Phase::Concluding {
                return;
            }
            match held {
                Ok(held) => actor.send_elsewhere(&ids, &held),
                Err(error) => return actor.end(Err(error), context),
            }
            actor.submit(context);
        }));
    }

    /// Sends those of these copies whose wave is not over meanwhile.
    fn send_elsewhere(&mut self, ids: &BTreeSet<u64>, held: &[Holder]) {
        let by_task = self.who_holds(held);
        let is_asked = |copy: &mut Task| ids.contains(&copy.id);
        let copies: Vec<Task> = self.unplaced.extract_if(.., is_asked).collect();
        for mut copy in copies {
            let tasks = std::mem::take(&mut copy.in_vain);
            let holders = tasks.iter().filter_map(|task| by_task.get(task)).flatten();
            copy.avoid.extend(holders.copied());
            self.send(copy);
        }
    }

    /// The workers at whose links tasks are; notes and tells who has no slot left.
    fn who_holds(&mut self, held: &[Holder]) -> HashMap<u64, BTreeSet<WorkerId>> {
        let mut by_task: HashMap<u64, BTreeSet<WorkerId>> = HashMap::new();
        for holder in held {
            let TaskId(task) = holder.task;
            let Some(share) = self.links.share(holder.link) else {
                continue;
            };
            by_task.entry(task).or_default().insert(share.worker);
            // Before anything has come back tasks may be as long as that: nobody hangs for it.
            if self.ledger.knows_times() {
                self.hung.holds(share.worker, task, share.slots);
            }
        }
        self.tell_of_hung();
        self.recount();
        by_task
    }

    /// Tells of workers of which all slots hang, together in one line.
    pub(super) fn tell_of_hung(&mut self) {
        let hung = self.hung.news(self.begun.elapsed());
        if let Some(worker) = hung.first() {
            tracing::warn!(
                %worker,
                others_alike = hung.len() - 1,
                "a worker holds as many overdue tasks as it has slots: others get copies of them, and it gets no more \
                 until it answers; look at what it does, if it is not other scans"
            );
        }
    }
}
