//! What is kept back: until a moment, or until something else has passed.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// How long a reordered frame waits for the next one.
const REORDER_PATIENCE: Duration = Duration::from_millis(20);

/// Things that pass now, and things that pass later.
#[derive(Debug)]
pub(crate) struct Delays<T> {
    ready: VecDeque<T>,
    later: Vec<(Instant, T)>,
    /// Passes after the next one.
    overtaken: Option<T>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<T> Delays<T> {
    pub(crate) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            later: Vec::new(),
            overtaken: None,
            timer: None,
        }
    }

    /// Lets it pass, and what it overtook behind it.
    pub(crate) fn pass(&mut self, thing: T) {
        self.ready.push_back(thing);
        self.ready.extend(self.overtaken.take());
    }

    /// Lets it pass later.
    pub(crate) fn delay(&mut self, thing: T, by: Duration) {
        self.later.push((Instant::now() + by, thing));
        self.timer = None;
    }

    /// Lets the next one pass before it.
    pub(crate) fn reorder(&mut self, thing: T) {
        if let Some(other) = self.overtaken.replace(thing) {
            self.ready.push_back(other);
        }
        self.timer = None;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.later.is_empty() && self.overtaken.is_none()
    }

    /// Yields what may pass, earliest first.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            if let Some(thing) = self.ready.pop_front() {
                return Poll::Ready(thing);
            }
            let now = Instant::now();
            let earliest = self.later.iter().enumerate().min_by_key(|(_, (at, _))| *at);
            let earliest = earliest.map(|(index, (at, _))| (index, *at));
            match earliest {
                Some((index, at)) if at <= now => {
                    let (_, thing) = self.later.remove(index);
                    self.ready.push_back(thing);
                    continue;
                }
                Some(_) | None => {}
            }
            let until = match (earliest, &self.overtaken) {
                (Some((_, at)), None) => at,
                (Some((_, at)), Some(_)) => at.min(now + REORDER_PATIENCE),
                (None, Some(_)) => now + REORDER_PATIENCE,
                (None, None) => return Poll::Pending,
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
            if earliest.is_none_or(|(_, at)| at > Instant::now()) {
                self.ready.extend(self.overtaken.take());
            }
        }
    }
}
