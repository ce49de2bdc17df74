//! Leases: tasks on loan, settled by value, one at a time or many at once.

use std::{fmt, mem, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{LeaseToken, MAX_BODY_BYTES, Result, TaskKey, TransportError, WorkerId};

/// A task on loan. Settled by value, so it cannot be settled twice; dropped unsettled, it is
/// released, so a panic in the kernel gives the task back.
#[must_use = "dropping a lease releases its task"]
pub struct Lease {
    key: TaskKey,
    token: LeaseToken,
    body: Bytes,
    attempt: u32,
    avoid: Vec<WorkerId>,
    settler: Option<Arc<dyn Settler>>,
}

impl Lease {
    /// Makes a lease; for backends.
    pub fn new(
        key: TaskKey,
        body: Bytes,
        attempt: u32,
        token: LeaseToken,
        settler: Arc<dyn Settler>,
    ) -> Self {
        Self {
            key,
            token,
            body,
            attempt,
            avoid: Vec::new(),
            settler: Some(settler),
        }
    }

    /// Notes the workers that the task avoids; for backends.
    pub fn avoiding(mut self, avoid: Vec<WorkerId>) -> Self {
        self.avoid = avoid;
        self
    }

    /// The task, and the scan that it belongs to.
    pub fn key(&self) -> TaskKey {
        self.key
    }

    /// What the Scanner wrote into the task.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// One more than how often this task was lost before (C3). An upper bound where a broker counts.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The workers that are not to get this task while another one could (C14), for whoever hands it
    /// on, such as a relay.
    pub fn avoid(&self) -> &[WorkerId] {
        &self.avoid
    }

    /// Name of this lease at its settler.
    pub fn token(&self) -> LeaseToken {
        self.token
    }

    /// How long the lease lives unless renewed.
    pub fn term(&self) -> Duration {
        self.settler
            .as_ref()
            .map_or(Duration::ZERO, |settler| settler.lease_term(self.key))
    }

    /// Pairs the lease with its result, to be settled with others.
    pub fn completed(self, result: Bytes) -> Settlement {
        self.answered(Answer::Completed(result))
    }

    /// Marks the lease as given back, to be settled with others.
    pub fn released(self) -> Settlement {
        self.answered(Answer::Released)
    }

    /// Declares that no retry can help, to be settled with others.
    pub fn rejected(self, reason: String) -> Settlement {
        self.answered(Answer::Rejected(reason))
    }

    /// Pairs the lease with what became of it, to be settled with others.
    pub fn answered(self, answer: Answer) -> Settlement {
        Settlement {
            lease: self,
            answer,
            worker: None,
        }
    }

    /// Publishes the result, then acknowledges the task.
    ///
    /// # Errors
    /// [`TransportError::LeaseLost`] when the hub is not known to have taken the result,
    /// [`TransportError::FrameTooLarge`] (the task is rejected then).
    pub async fn complete(self, result: Bytes) -> Result<()> {
        let size = result.len();
        let settled = settle(vec![self.completed(result)]).await?;
        if !settled.oversized.is_empty() {
            return Err(TransportError::FrameTooLarge {
                size,
                limit: MAX_BODY_BYTES,
            });
        }
        settled.none_lost()
    }

    /// Gives the task back for another link.
    pub async fn release(self) -> Result<()> {
        settle(vec![self.released()]).await?.none_lost()
    }

    /// Declares that no retry can help.
    pub async fn reject(self, reason: String) -> Result<()> {
        settle(vec![self.rejected(reason)]).await?.none_lost()
    }

    /// Starts the lease term anew.
    ///
    /// # Errors
    /// [`TransportError::LeaseLost`].
    pub async fn renew(&self) -> Result<()> {
        match renew(vec![self]).await?.is_empty() {
            true => Ok(()),
            false => Err(TransportError::LeaseLost),
        }
    }

    /// Ends it without a word, for those who hold leases for others, such as a relay, when whoever had
    /// the task is lost. The link is to go without a goodbye, too: then the hub misses both (C3).
    pub fn lost(mut self) {
        self.settler = None;
    }

    /// Puts another settler before the one of the lease; for decorators.
    pub fn map_settler(mut self, wrap: impl FnOnce(Arc<dyn Settler>) -> Arc<dyn Settler>) -> Self {
        self.settler = self.settler.take().map(wrap);
        self
    }

    /// Puts another body into the lease; for decorators.
    pub fn map_body(mut self, change: impl FnOnce(Bytes) -> Bytes) -> Self {
        self.body = change(mem::take(&mut self.body));
        self
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(settler) = self.settler.take() {
            settler.abandon(self.token);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Pairs a lease with what became of it, until the hub hears of it. Dropped before that, it gives the
/// task back.
#[derive(Debug)]
#[must_use = "dropping a settlement releases its task"]
pub struct Settlement {
    lease: Lease,
    answer: Answer,
    worker: Option<WorkerId>,
}

impl Settlement {
    /// The task, and the scan that it belongs to.
    pub fn key(&self) -> TaskKey {
        self.lease.key
    }

    /// Name of its lease at the settler.
    pub fn token(&self) -> LeaseToken {
        self.lease.token
    }

    /// The attempt at the task, for backends that tell it with the answer.
    pub fn attempt(&self) -> u32 {
        self.lease.attempt
    }

    /// What became of it.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Names the worker that brought it about, where that is not the one of the link, such as behind a
    /// relay.
    pub fn by(mut self, worker: WorkerId) -> Self {
        self.worker = Some(worker);
        self
    }

    /// The worker that brought it about, if it is not the one of the link.
    pub fn worker(&self) -> Option<WorkerId> {
        self.worker
    }

    /// Hands the settlement to another settler, which the one of its lease stands before; for
    /// decorators.
    pub fn handed_to(mut self, settler: Arc<dyn Settler>) -> Self {
        self.lease.settler = Some(settler);
        self
    }

    /// Puts another result into a completed settlement; for decorators.
    pub fn map_result(mut self, change: impl FnOnce(Bytes) -> Bytes) -> Self {
        if let Answer::Completed(result) = &mut self.answer {
            *result = change(mem::take(result));
        }
        self
    }

    /// Takes it apart, to be told to the hub: name of the lease, its task, and what became of it. From
    /// here on the backend answers for it; nothing is given back when the parts are dropped. For
    /// backends.
    pub fn into_parts(mut self) -> (LeaseToken, TaskKey, Answer) {
        self.lease.settler = None;
        (
            self.lease.token,
            self.lease.key,
            mem::replace(&mut self.answer, Answer::Released),
        )
    }
}

/// What became of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The task has a result.
    Completed(Bytes),
    /// The task goes to another link.
    Released,
    /// No retry can help.
    Rejected(String),
}

/// What became of a batch of settlements. Everything not listed was taken by its hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Leases that were lost before their hub is known to have taken the answer.
    pub lost: Vec<TaskKey>,
    /// Completed with a result over [`MAX_BODY_BYTES`]; told to the hub as rejected.
    pub oversized: Vec<TaskKey>,
}

impl Settled {
    fn none_lost(self) -> Result<()> {
        match self.lost.is_empty() {
            true => Ok(()),
            false => Err(TransportError::LeaseLost),
        }
    }
}

/// What a backend implements behind its leases: one value per link (and connection), shared.
#[async_trait]
pub trait Settler: fmt::Debug + Send + Sync + 'static {
    /// How long a lease of this task lives unless renewed.
    fn lease_term(&self, key: TaskKey) -> Duration;

    /// Tells the hub what became of these leases, all of this settler, and returns those that
    /// were lost. No answer is over [`MAX_BODY_BYTES`].
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>>;

    /// Starts the terms of these leases anew, and returns those that were lost.
    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>>;

    /// Runs inside `Drop`: enqueue a release for the backend's loop, never dispatch from here.
    fn abandon(&self, token: LeaseToken);
}

/// Settles many leases in one go, whichever links they came from, and returns once their hubs
/// have taken them. One call costs one message and one answer, however many leases it carries.
pub async fn settle(mut settlements: Vec<Settlement>) -> Result<Settled> {
    let mut settled = Settled::default();
    for settlement in &mut settlements {
        let (key, answer) = (settlement.lease.key, &mut settlement.answer);
        match answer {
            Answer::Completed(result) if result.len() > MAX_BODY_BYTES => {
                let reason = format!(
                    "result of {} bytes is over the limit of {MAX_BODY_BYTES}",
                    result.len()
                );
                *answer = Answer::Rejected(reason);
                settled.oversized.push(key);
            }
            Answer::Rejected(reason) => {
                cut_reason(reason);
            }
            Answer::Completed(_) | Answer::Released => {}
        }
    }
    while let Some(last) = settlements.last() {
        let Some(settler) = last.lease.settler.clone() else {
            settlements.pop();
            continue;
        };
        // Nearly always the whole batch; a batch over several links is cut into runs.
        let others = settlements.iter().rposition(|settlement| {
            !settlement
                .lease
                .settler
                .as_ref()
                .is_some_and(|other| Arc::ptr_eq(other, &settler))
        });
        let run = match others {
            None => mem::take(&mut settlements),
            Some(at) => settlements.split_off(at + 1),
        };
        settled.lost.append(&mut settler.settle(run).await?);
    }
    Ok(settled)
}

/// Longest reason of a rejection, in bytes, the mark included that longer ones are cut with.
pub const MAX_REASON_BYTES: usize = 1 << 10;

/// Ends a reason that was cut.
const CUT_MARK: &str = " [...]";

/// Cuts the reason of a rejection to [`MAX_REASON_BYTES`], and marks that it was; returns whether it
/// was longer. For backends: a peer may not have cut its own.
pub fn cut_reason(reason: &mut String) -> bool {
    if reason.len() <= MAX_REASON_BYTES {
        return false;
    }
    let mut cut = MAX_REASON_BYTES - CUT_MARK.len();
    while !reason.is_char_boundary(cut) {
        cut -= 1;
    }
    // A copy: the long one would keep its memory.
    *reason = format!("{}{CUT_MARK}", &reason[..cut]);
    true
}

/// Starts the lease terms anew; returns the tasks whose leases are lost. The future does not
/// borrow the leases: their holder may settle them meanwhile.
pub fn renew(leases: Vec<&Lease>) -> impl Future<Output = Result<Vec<TaskKey>>> + Send + use<> {
    let mut lost = Vec::new();
    type Run = (Arc<dyn Settler>, Vec<(LeaseToken, TaskKey)>);
    let mut runs: Vec<Run> = Vec::new();
    for lease in leases {
        let Some(settler) = lease.settler.as_ref() else {
            lost.push(lease.key);
            continue;
        };
        match runs.last_mut() {
            Some((last, run)) if Arc::ptr_eq(last, settler) => run.push((lease.token, lease.key)),
            _ => runs.push((Arc::clone(settler), vec![(lease.token, lease.key)])),
        }
    }
    async move {
        for (settler, run) in runs {
            lost.append(&mut settler.renew(run).await?);
        }
        Ok(lost)
    }
}
