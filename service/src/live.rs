//! A scan that is queued or running, as those who watch it see it.
//!
//! Each thing that can be watched is written down once for all, and only the latest is kept:
//! whoever reads slowly sees less, and holds nothing up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::digest::hex;
use crate::engine::Running;
use crate::scan::{Contour, Map, Progress, Scan};

/// How old a map may be that is shown, so that a thousand readers cost one.
const MAP_IS_NEW_FOR: Duration = Duration::from_millis(500);

/// Bytes of a tag, of the 32 of its hash.
const TAG_BYTES: usize = 16;

/// Something that changes, with its words for all who watch.
#[derive(Debug)]
pub(crate) struct Told<T> {
    /// What it is.
    pub(crate) value: T,
    /// As an event of a stream (text/event-stream).
    pub(crate) frame: Bytes,
}

impl<T: Serialize> Told<T> {
    /// Writes it down as an event of this name.
    pub(crate) fn new(name: &str, value: T) -> Arc<Self> {
        let frame = frame(name, &value);
        Arc::new(Self { value, frame })
    }
}

/// An event of a stream.
pub(crate) fn frame(name: &str, value: &impl Serialize) -> Bytes {
    // Types of ours are always JSON, and JSON has no line breaks of its own.
    let words = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    Bytes::from(format!("event: {name}\ndata: {words}\n\n"))
}

type Latest<T> = watch::Sender<Option<Arc<Told<T>>>>;

/// A scan that is queued or running, or has just ended.
#[derive(Debug)]
pub(crate) struct Live {
    scan: watch::Sender<Arc<Told<Scan>>>,
    progress: Latest<Progress>,
    contour: Latest<Contour>,
    running: Mutex<Option<Box<dyn Running>>>,
    map: Mutex<Option<(Instant, Tagged)>>,
}

impl Live {
    /// One that nothing was seen of yet.
    pub(crate) fn new(scan: Scan) -> Arc<Self> {
        Arc::new(Self {
            scan: watch::Sender::new(Told::new("state", scan)),
            progress: watch::Sender::new(None),
            contour: watch::Sender::new(None),
            running: Mutex::new(None),
            map: Mutex::new(None),
        })
    }

    /// The scan as it stands.
    pub(crate) fn scan(&self) -> Scan {
        self.scan.borrow().value.clone()
    }

    /// The last progress.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let latest = self.progress.borrow();
        latest.as_ref().map(|told| told.value.clone())
    }

    /// The last contour.
    pub(crate) fn contour(&self) -> Option<Contour> {
        let latest = self.contour.borrow();
        latest.as_ref().map(|told| told.value.clone())
    }

    /// Changes the scan, and returns it written down.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Scan)) -> Arc<Told<Scan>> {
        self.scan.send_modify(|told| {
            let mut scan = told.value.clone();
            change(&mut scan);
            *told = Told::new("state", scan);
        });
        Arc::clone(&self.scan.borrow())
    }

    /// Keeps the latest progress.
    pub(crate) fn set_progress(&self, progress: Progress) {
        self.progress
            .send_replace(Some(Told::new("progress", progress)));
    }

    /// Keeps the latest contour.
    pub(crate) fn set_contour(&self, contour: Contour) {
        self.contour
            .send_replace(Some(Told::new("contour", contour)));
    }

    /// What a reader waits at, to whom everything is new.
    pub(crate) fn watch(&self) -> Watch {
        Watch {
            scan: self.scan.subscribe(),
            progress: self.progress.subscribe(),
            contour: self.contour.subscribe(),
            seen_scan: None,
            seen_progress: None,
            seen_contour: None,
        }
    }

    /// Has what is being made.
    pub(crate) fn set_running(&self, running: Box<dyn Running>) {
        *lock(&self.running) = Some(running);
    }

    /// Asks what is being made to end.
    pub(crate) fn stop(&self) {
        if let Some(running) = lock(&self.running).as_ref() {
            running.stop();
        }
    }

    /// The map of what is being made.
    pub(crate) fn map(&self) -> Option<Map> {
        lock(&self.running).as_ref().map(|running| running.map())
    }

    /// The same as JSON, which may be a moment old.
    pub(crate) fn map_json(&self) -> Option<Tagged> {
        let mut kept = lock(&self.map);
        if let Some((at, tagged)) = kept.as_ref()
            && at.elapsed() < MAP_IS_NEW_FOR
        {
            return Some(tagged.clone());
        }
        let tagged = Tagged::new(serde_json::to_vec(&self.map()?).unwrap_or_default());
        *kept = Some((Instant::now(), tagged.clone()));
        Some(tagged)
    }
}

/// Bytes, and a tag that others do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub(crate) bytes: Bytes,
    /// As `ETag` has it, in quotes.
    pub(crate) tag: String,
}

impl Tagged {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let tag = format!("\"{}\"", hex(&Sha256::digest(&bytes)[..TAG_BYTES]));
        let bytes = Bytes::from(bytes);
        Self { bytes, tag }
    }
}

/// What a reader of one scan has seen of it.
#[derive(Debug)]
pub(crate) struct Watch {
    scan: watch::Receiver<Arc<Told<Scan>>>,
    progress: watch::Receiver<Option<Arc<Told<Progress>>>>,
    contour: watch::Receiver<Option<Arc<Told<Contour>>>>,
    seen_scan: Option<Arc<Told<Scan>>>,
    seen_progress: Option<Arc<Told<Progress>>>,
    seen_contour: Option<Arc<Told<Contour>>>,
}

impl Watch {
    /// What is new, in the order in which it is to be read. The state is last, so that a stream can
    /// end with it.
    pub(crate) fn news(&mut self) -> Vec<Bytes> {
        // Looked at first: what it is the end of is there then.
        let scan = Some(Arc::clone(&self.scan.borrow_and_update()));
        let progress = self.progress.borrow_and_update().clone();
        let contour = self.contour.borrow_and_update().clone();
        let frames = [
            unseen(&mut self.seen_progress, progress),
            unseen(&mut self.seen_contour, contour),
            unseen(&mut self.seen_scan, scan),
        ];
        frames.into_iter().flatten().collect()
    }

    /// Whether the end of the scan was seen.
    pub(crate) fn is_over(&self) -> bool {
        let seen = self.seen_scan.as_ref();
        seen.is_some_and(|told| told.value.state.is_end())
    }

    /// Waits until there is something new; false if nothing will be.
    pub(crate) async fn changed(&mut self) -> bool {
        let is_there = tokio::select! {
            changed = self.scan.changed() => return changed.is_ok(),
            changed = self.progress.changed() => changed.is_ok(),
            changed = self.contour.changed() => changed.is_ok(),
        };
        // All end together, maybe after the scan was looked at: what was said last of it is heard before that.
        is_there || self.scan.changed().await.is_ok()
    }

    /// Waits until the scan has ended, or nothing more will be heard of it.
    pub(crate) async fn over(&mut self) {
        let _gone = self.scan.wait_for(|told| told.value.state.is_end()).await;
    }
}

fn unseen<T>(seen: &mut Option<Arc<Told<T>>>, now: Option<Arc<Told<T>>>) -> Option<Bytes> {
    let now = now?;
    let is_new = seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &now));
    let frame = is_new.then(|| now.frame.clone());
    *seen = Some(now);
    frame
}

/// A lock that does not mind that somebody panicked: what is behind it is replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;

    use super::*;
    use crate::doors::tests::scan;
    use crate::scan::State;

    fn words(frames: &[Bytes]) -> Vec<&str> {
        let words = frames.iter().map(|frame| str::from_utf8(frame).unwrap());
        words
            .map(|frame| frame.split('\n').next().unwrap())
            .collect()
    }

    #[test]
    fn a_reader_sees_the_latest_once() {
        let live = Live::new(scan("a"));
        let mut watch = live.watch();
        assert_eq!(words(&watch.news()), ["event: state"]);
        assert_eq!(watch.news(), [""; 0]);
        for n_out in 0..5 {
            live.set_progress(Progress {
                n_out,
                ..Progress::default()
            });
        }
        assert!(block_on(watch.changed()));
        let news = watch.news();
        assert_eq!(words(&news), ["event: progress"]);
        assert!(str::from_utf8(&news[0]).unwrap().contains("\"n_out\":4"));
    }

    #[test]
    fn an_end_that_comes_between_two_looks_is_heard() {
        let (scan_told, scan_heard) = watch::channel(Told::new("state", scan("a")));
        let (_, progress) = watch::channel(None);
        let (_, contour) = watch::channel(None);
        let mut watch = Watch {
            scan: scan_heard,
            progress,
            contour,
            seen_scan: None,
            seen_progress: None,
            seen_contour: None,
        };
        watch.news();
        // Of the three only the scan is there, as one sees who has looked at it before it ended.
        let mut changed = Box::pin(watch.changed());
        assert!((&mut changed).now_or_never().is_none());
        let mut done = scan("a");
        done.state = State::Done;
        scan_told.send_replace(Told::new("state", done));
        drop(scan_told);
        assert!(block_on(changed));
        assert_eq!(words(&watch.news()), ["event: state"]);
        assert!(watch.is_over());
    }

    #[test]
    fn the_end_is_heard_though_nothing_is_there_any_more() {
        // Whichever of the three is looked at first.
        for _chance in 0..50 {
            let live = Live::new(scan("a"));
            let mut watch = live.watch();
            watch.news();
            live.set_progress(Progress::default());
            live.change(|scan| scan.state = State::Done);
            drop(live);
            assert!(block_on(watch.changed()));
            assert_eq!(words(&watch.news()), ["event: progress", "event: state"]);
            assert!(watch.is_over());
            assert!(!block_on(watch.changed()));
        }
    }
}
