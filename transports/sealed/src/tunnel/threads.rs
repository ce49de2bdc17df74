//! The threads that seal.

use std::convert::Infallible;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

/// How many threads seal and open.
const THREADS: usize = 2;
/// What was said last, the goodbye, may take so long to leave.
const PARTING: Duration = Duration::from_secs(1);

/// Held by whoever has something to carry out.
#[derive(Debug)]
pub(crate) struct UnderWay {
    _ends: Arc<Sender<Infallible>>,
}

/// Where those who carry come from.
#[derive(Clone, Debug)]
pub(crate) struct Departures(Weak<Sender<Infallible>>);

impl Departures {
    /// One that will carry; none any more once the tunnel ends.
    pub(crate) fn begin(&self) -> Option<UnderWay> {
        let ends = self.0.upgrade()?;
        Some(UnderWay { _ends: ends })
    }
}

/// The threads, for as long as anything goes through the tunnel. Whoever drops them has ended what speaks through
/// it, and waits until that has left, for a moment.
pub(crate) struct Threads {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    /// Of nothing but its end: it goes with the last who carries.
    under_way: Option<Arc<Sender<Infallible>>>,
    all_left: Mutex<Receiver<Infallible>>,
}

impl Threads {
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("skyscan-sealed")
            .enable_all()
            .build()?;
        let (under_way, all_left) = channel();
        Ok(Self {
            runtime: Some(runtime),
            under_way: Some(Arc::new(under_way)),
            all_left: Mutex::new(all_left),
        })
    }

    /// Who carries anything begins here.
    pub(crate) fn departures(&self) -> Departures {
        let under_way = self.under_way.as_ref();
        Departures(under_way.map(Arc::downgrade).unwrap_or_default())
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.under_way = None;
        // Nothing is ever sent: the last one has left, or it takes too long.
        let _left = self.all_left.lock().recv_timeout(PARTING);
        // Not waited for: this may be an asynchronous context, where a runtime must not be dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
