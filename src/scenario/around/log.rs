//! What became of each task and when: written down by a decorator around the hub.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use skyscan_transport::backend::HubBefore;
use skyscan_transport::{Conclusion, Hub, HubInbox, HubIncoming, Result, TaskFrame, TaskId};
use tokio::time::Instant;

use crate::event::DetectorDirection;
use crate::protocol::{Report, ResultBody, TaskBody};
use crate::scenario::workload::simulated;
use crate::sky::map::PixelOutcome;

/// What became of one task. Times are in seconds since the log began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::scenario) struct TaskEntry {
    /// When the Scanner gave it to its hub.
    pub(in crate::scenario) submitted_s: f64,
    /// Every pixel in it was in a task before.
    pub(in crate::scenario) is_copy: bool,
    /// Its result, if that was the first one for a pixel.
    pub(in crate::scenario) first_result: Option<FirstResult>,
}

/// The result of a task that was the first one for some of its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scenario) struct FirstResult {
    /// When it came.
    pub(in crate::scenario) at_s: f64,
    /// How long the work was, as the worker measured it.
    pub(in crate::scenario) busy_s: f64,
    /// How long it should have been, as it was drawn.
    pub(in crate::scenario) drawn_s: f64,
    /// Share of its pixels for which it was the first result.
    pub(in crate::scenario) share_first: f64,
}

impl FirstResult {
    /// Work of which something came.
    pub(in crate::scenario) fn used_s(&self) -> f64 {
        self.busy_s * self.share_first
    }
}

/// A direction, by its bits.
type Bits = [u64; 2];

fn bits(direction: DetectorDirection) -> Bits {
    let DetectorDirection {
        zenith_rad,
        azimuth_rad,
    } = direction;
    [zenith_rad.to_bits(), azimuth_rad.to_bits()]
}

/// What happened at one hub.
#[derive(Debug)]
pub(in crate::scenario) struct Log {
    begun: Instant,
    entries: Mutex<Entries>,
}

/// The entries of a log.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Entries {
    /// By the number of the task.
    pub(in crate::scenario) tasks: Vec<TaskEntry>,
    /// When each pixel had its first result, in the order of coming.
    pub(in crate::scenario) ends_s: Vec<f64>,
    /// What is asked for, where more than that may be handed out: results of other pixels are none.
    asked: Option<HashSet<Bits>>,
    /// Whether a pixel that was in a task has a result; by the bits of its direction.
    is_done: HashMap<Bits, bool>,
    /// Directions of the tasks that are out.
    out: HashMap<u64, Vec<Bits>>,
}

impl Log {
    /// An empty log that begins now, of a scan that asks for these directions; if nothing is said, for all that are
    /// handed out.
    pub(in crate::scenario) fn new(asked: Option<&[DetectorDirection]>) -> Arc<Self> {
        let asked = asked.map(|asked| asked.iter().copied().map(bits).collect());
        Arc::new(Self {
            begun: Instant::now(),
            entries: Mutex::new(Entries {
                asked,
                ..Entries::default()
            }),
        })
    }

    /// Seconds since the log began.
    pub(in crate::scenario) fn now_s(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// What is in it.
    pub(in crate::scenario) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a hub and its inbox under the log's eyes.
    pub(in crate::scenario) fn watch(
        self: &Arc<Self>,
        hub: Arc<dyn Hub>,
        inbox: HubInbox,
    ) -> (Arc<dyn Hub>, HubInbox) {
        let watched = WatchedHub {
            inner: hub,
            log: Arc::clone(self),
        };
        let log = Arc::clone(self);
        let inbox = inbox.inspect(move |incoming| {
            if let Ok(HubIncoming::Settled(batch)) = incoming {
                let now_s = log.now_s();
                let mut entries = log.entries();
                for outcome in batch.outcomes() {
                    if let Conclusion::Completed(result) = &outcome.conclusion {
                        entries.settle(outcome.task, now_s, result);
                    }
                }
            }
        });
        (Arc::new(watched), inbox.boxed())
    }
}

impl Entries {
    /// When the Scanner gave its first task to the hub, in seconds since the log began.
    pub(in crate::scenario) fn begun_s(&self) -> f64 {
        let submitted_s = self.tasks.iter().map(|task| task.submitted_s);
        submitted_s.fold(f64::INFINITY, f64::min)
    }

    /// Tasks whose result was the first one for a pixel.
    pub(in crate::scenario) fn first_results(
        &self,
    ) -> impl Iterator<Item = (&TaskEntry, FirstResult)> {
        let tasks = self.tasks.iter();
        tasks.filter_map(|task| Some((task, task.first_result?)))
    }

    fn submit(&mut self, task: &TaskFrame, now_s: f64) {
        let TaskId(id) = task.task;
        let at = id as usize;
        if self.tasks.len() <= at {
            self.tasks.resize(at + 1, TaskEntry::default());
        }
        // The Scanner's own tasks can be read.
        let requests =
            TaskBody::decode(&task.body).map_or_else(|_| Vec::new(), |body| body.requests);
        let directions = requests.iter().map(|request| bits(request.direction));
        let directions: Vec<Bits> = directions.collect();
        let is_copy = (directions.iter()).all(|direction| self.is_done.contains_key(direction));
        for direction in &directions {
            self.is_done.entry(*direction).or_insert(false);
        }
        self.out.insert(id, directions);
        self.tasks[at] = TaskEntry {
            submitted_s: now_s,
            is_copy,
            first_result: None,
        };
    }

    fn settle(&mut self, TaskId(id): TaskId, now_s: f64, result: &[u8]) {
        let Ok(result) = ResultBody::decode(result) else {
            return;
        };
        let Some(directions) = self.out.remove(&id) else {
            return;
        };
        // What failed, or was not begun, goes out again as another task.
        let Report::Outcomes(outcomes) = result.report else {
            return;
        };
        let mut n_first = 0;
        let asked = self.asked.as_ref();
        let is_asked = |direction: &&Bits| asked.is_none_or(|asked| asked.contains(*direction));
        for direction in directions.iter().filter(is_asked) {
            if let Some(is_done) = self.is_done.get_mut(direction)
                && !std::mem::replace(is_done, true)
            {
                n_first += 1;
                self.ends_s.push(now_s);
            }
        }
        if let Some(task) = self.tasks.get_mut(id as usize)
            && n_first > 0
        {
            let drawn_s = outcomes.iter().map(|outcome| match outcome {
                PixelOutcome::Fitted(fit) => simulated::drawn_s(fit),
                PixelOutcome::Failed(_) => 0.0,
            });
            task.first_result = Some(FirstResult {
                at_s: now_s,
                busy_s: result.seconds,
                drawn_s: drawn_s.sum(),
                share_first: f64::from(n_first) / directions.len() as f64,
            });
        }
    }
}

#[derive(Debug)]
struct WatchedHub {
    inner: Arc<dyn Hub>,
    log: Arc<Log>,
}

#[async_trait]
impl HubBefore for WatchedHub {
    fn inner(&self) -> &dyn Hub {
        self.inner.as_ref()
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        let now_s = self.log.now_s();
        {
            let mut entries = self.log.entries();
            for task in &tasks {
                entries.submit(task, now_s);
            }
        }
        self.inner.submit(tasks).await
    }
}
