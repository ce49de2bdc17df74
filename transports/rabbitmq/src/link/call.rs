//! Calls that wait until a hub has acted on what they sent.

use std::collections::HashMap;

use skyscan_transport::TaskKey;
use tokio::sync::oneshot;

/// What the caller waits for.
#[derive(Debug)]
pub(crate) struct PendingCall(oneshot::Receiver<Vec<TaskKey>>);

impl PendingCall {
    /// Waits for the answer: the tasks whose leases were lost.
    pub(crate) async fn answer(self) -> Vec<TaskKey> {
        // Calls are always answered before they are forgotten.
        self.0.await.unwrap_or_default()
    }
}

/// The calls of one session.
#[derive(Debug, Default)]
pub(super) struct Calls {
    next: u64,
    open: HashMap<u64, Call>,
}

#[derive(Debug)]
struct Call {
    n_waiting: usize,
    lost: Vec<TaskKey>,
    caller: oneshot::Sender<Vec<TaskKey>>,
}

impl Calls {
    /// Opens a call that waits for `n_waiting` entries; `lost` is known already.
    pub(super) fn open(&mut self, n_waiting: usize, lost: Vec<TaskKey>) -> (u64, PendingCall) {
        let (caller, pending) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        if n_waiting == 0 {
            // A caller that has gone needs no answer.
            let _gone = caller.send(lost);
        } else {
            self.open.insert(
                number,
                Call {
                    n_waiting,
                    lost,
                    caller,
                },
            );
        }
        (number, PendingCall(pending))
    }

    pub(super) fn lost(&mut self, number: u64, key: TaskKey) {
        if let Some(call) = self.open.get_mut(&number) {
            call.lost.push(key);
        }
    }

    /// The hub has acted on some entries of a call.
    pub(super) fn taken(&mut self, number: u64, n_taken: usize) {
        let Some(call) = self.open.get_mut(&number) else {
            return;
        };
        call.n_waiting = call.n_waiting.saturating_sub(n_taken);
        if call.n_waiting == 0
            && let Some(call) = self.open.remove(&number)
        {
            let _gone = call.caller.send(call.lost);
        }
    }

    /// The session is over: answers every call with what is known.
    pub(super) fn end(&mut self) {
        for (_, call) in self.open.drain() {
            let _gone = call.caller.send(call.lost);
        }
    }
}
