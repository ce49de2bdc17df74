//! The border of a simulated process: everything that goes in or out is a step, and with some step the
//! process dies.
//!
//! What an actor does between two steps nobody else can see, so to die at a step is to die anywhere
//! before it. What is left of a dead process, the actors in it, goes on thinking for a moment and can
//! neither say nor hear anything.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::history::History;

/// What a process has open, until it dies.
#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<Option<T>>);

impl<T: Clone> Slot<T> {
    /// What is in there, while the process lives.
    pub(crate) fn get(&self) -> Option<T> {
        self.0.lock().clone()
    }
}

impl<T> Slot<T> {
    /// Does something with what is in there, while the process lives.
    pub(crate) fn with<A>(&self, act: impl FnOnce(&mut T) -> A) -> Option<A> {
        self.0.lock().as_mut().map(act)
    }

    /// Empties it: the owner has no use for it any more.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

/// How a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    /// With so many steps.
    pub(crate) after_steps: u64,
    /// Nobody is told: as when a machine vanishes, not only a process on it.
    pub(crate) in_silence: bool,
}

/// Whether a process lives.
pub(crate) struct Fate {
    pub(crate) name: String,
    pub(crate) history: Arc<History>,
    /// After this nobody dies any more.
    calm: Instant,
    /// How long the others do not miss whoever vanished in silence.
    unmissed: Duration,
    state: Mutex<State>,
    died: Notify,
}

type Grave = Box<dyn FnOnce() -> Option<Box<dyn Any + Send>> + Send>;

#[derive(Default)]
struct State {
    n_steps: u64,
    death: Option<Death>,
    is_dead: bool,
    open: Vec<Grave>,
}

impl Fate {
    /// Somebody who lives, and perhaps dies before it is calm.
    pub(crate) fn new(
        name: String,
        history: Arc<History>,
        calm: Instant,
        unmissed: Duration,
        death: Option<Death>,
    ) -> Arc<Self> {
        let state = State {
            death,
            ..State::default()
        };
        Arc::new(Self {
            name,
            history,
            calm,
            unmissed,
            state: Mutex::new(state),
            died: Notify::new(),
        })
    }

    /// Puts something into a slot that is emptied by death.
    pub(crate) fn own<T: Send + 'static>(&self, thing: T) -> Arc<Slot<T>> {
        let slot = Arc::new(Slot(Mutex::new(Some(thing))));
        let grave = Arc::clone(&slot);
        let bury = move || {
            grave
                .take()
                .map(|thing| Box::new(thing) as Box<dyn Any + Send>)
        };
        self.state.lock().open.push(Box::new(bury));
        slot
    }

    /// Something goes in or out: whether it does.
    pub(crate) fn step(&self) -> bool {
        self.history.crossed(&self.name);
        let is_last = {
            let mut state = self.state.lock();
            state.n_steps += 1;
            let n_steps = state.n_steps;
            let is_over = |death: Death| n_steps >= death.after_steps;
            !state.is_dead && state.death.is_some_and(is_over) && Instant::now() < self.calm
        };
        if is_last {
            self.die();
        }
        self.lives()
    }

    /// Waits for nothing any more if it is dead.
    pub(crate) async fn step_or_hang(&self) {
        if !self.step() {
            std::future::pending::<()>().await;
        }
    }

    /// What a slot holds: a step; waits for nothing any more if it is dead.
    pub(crate) async fn reach<T: Clone>(&self, slot: &Slot<T>) -> T {
        self.step_or_hang().await;
        match slot.get() {
            Some(thing) => thing,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn lives(&self) -> bool {
        !self.state.lock().is_dead
    }

    /// Dies now.
    pub(crate) fn die(&self) {
        let (open, in_silence) = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_dead, true) {
                return;
            }
            let in_silence = state.death.is_some_and(|death| death.in_silence);
            (std::mem::take(&mut state.open), in_silence)
        };
        let silently = if in_silence { "yes" } else { "no" };
        self.history
            .note(&self.name, format_args!("dies silently={silently}"));
        let buried: Vec<_> = open.into_iter().filter_map(|bury| bury()).collect();
        if in_silence {
            let unmissed = self.unmissed;
            tokio::spawn(async move {
                sleep(unmissed).await;
                drop(buried);
            });
        }
        self.died.notify_waiters();
    }

    /// Resolves when it is dead.
    pub(crate) async fn died(&self) {
        let mut died = std::pin::pin!(self.died.notified());
        died.as_mut().enable();
        if self.lives() {
            died.await;
        }
    }
}

impl std::fmt::Debug for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fate").field(&self.name).finish()
    }
}
