//! Links that come and go, as they wait for the hub's owner.
//!
//! The owner may be busy for minutes while workers crash and come back by the thousand. From some
//! point on, a link that came and went again before the owner looked is not told at all, so that no
//! more wait than there are links.

use std::collections::{HashMap, VecDeque};

use crate::{HubIncoming, LinkId, Result};

/// Events up to here are all told.
const MAX_TOLD: usize = 1024;

/// Everything but outcomes, in order.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// `None` stands for one that was taken back.
    waiting: VecDeque<Option<Result<HubIncoming>>>,
    n_waiting: usize,
    /// Number of the first one, counted from the beginning.
    first: u64,
    /// Numbers of the links that came up and wait.
    ups: HashMap<LinkId, u64>,
}

impl Events {
    pub(super) fn push(&mut self, event: Result<HubIncoming>) {
        let is_full = self.n_waiting >= MAX_TOLD;
        match &event {
            Ok(HubIncoming::LinkDown { link, .. }) if is_full => {
                if let Some(up) = self.ups.remove(link) {
                    return self.take_back(up);
                }
            }
            Ok(HubIncoming::LinkDown { link, .. }) => {
                self.ups.remove(link);
            }
            Ok(HubIncoming::LinkUp { link, .. }) => {
                let number = self.first + self.waiting.len() as u64;
                self.ups.insert(*link, number);
            }
            // One more of the same tells nobody anything.
            Err(_) if is_full => return,
            Ok(HubIncoming::Settled(_)) | Err(_) => {}
        }
        self.waiting.push_back(Some(event));
        self.n_waiting += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Result<HubIncoming>> {
        let event = loop {
            let event = self.waiting.pop_front()?;
            self.first += 1;
            if let Some(event) = event {
                break event;
            }
        };
        self.n_waiting -= 1;
        if let Ok(HubIncoming::LinkUp { link, .. }) = &event
            && self.ups.get(link).is_some_and(|&up| up < self.first)
        {
            self.ups.remove(link);
        }
        Some(event)
    }

    fn take_back(&mut self, number: u64) {
        let at = (number - self.first) as usize;
        self.n_waiting -= usize::from(self.waiting[at].take().is_some());
        if self.waiting.len() > 2 * self.n_waiting.max(MAX_TOLD) {
            self.close_gaps();
        }
    }

    /// Forgets what was taken back. Runs once for as many as were.
    fn close_gaps(&mut self) {
        self.waiting.retain(Option::is_some);
        self.ups.clear();
        for (at, event) in self.waiting.iter().enumerate() {
            let number = self.first + at as u64;
            match event {
                Some(Ok(HubIncoming::LinkUp { link, .. })) => {
                    self.ups.insert(*link, number);
                }
                Some(Ok(HubIncoming::LinkDown { link, .. })) => {
                    self.ups.remove(link);
                }
                Some(Ok(HubIncoming::Settled(_)) | Err(_)) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Events, MAX_TOLD};
    use crate::{DownCause, HubIncoming, LinkId, TransportError, WorkerId};

    fn up(link: u64) -> HubIncoming {
        HubIncoming::LinkUp {
            link: LinkId(link),
            worker: WorkerId([0; 16]),
            credit: 1,
            hello: Bytes::new(),
        }
    }

    fn down(link: u64) -> HubIncoming {
        HubIncoming::LinkDown {
            link: LinkId(link),
            cause: DownCause::Lost,
        }
    }

    /// Which links are up after all that waits, and how many events that took.
    fn read(events: &mut Events) -> (Vec<u64>, usize) {
        let (mut links, mut n_events) = (Vec::new(), 0);
        while let Some(event) = events.pop() {
            n_events += 1;
            match event {
                Ok(HubIncoming::LinkUp { link, .. }) => links.push(link.0),
                Ok(HubIncoming::LinkDown { link, .. }) => links.retain(|&up| up != link.0),
                Ok(HubIncoming::Settled(_)) | Err(_) => {}
            }
        }
        (links, n_events)
    }

    #[test]
    fn a_link_that_comes_and_goes_for_ever_fills_no_memory() {
        let mut events = Events::default();
        events.push(Ok(up(1)));
        for _ in 0..1_000_000 {
            events.push(Ok(up(2)));
            events.push(Ok(down(2)));
        }
        events.push(Ok(up(3)));
        assert!(events.waiting.len() <= 2 * MAX_TOLD + 1);
        let (links, n_events) = read(&mut events);
        assert_eq!(links, [1, 3]);
        assert!(n_events <= MAX_TOLD + 2, "{n_events}");
    }

    #[test]
    fn a_link_that_the_owner_knows_of_is_told_to_be_down() {
        let mut events = Events::default();
        events.push(Ok(up(1)));
        assert!(events.pop().is_some());
        for link in 2..5000 {
            events.push(Ok(up(link)));
        }
        events.push(Ok(down(1)));
        events.push(Ok(down(7)));
        let mut told = Vec::new();
        while let Some(Ok(HubIncoming::LinkUp { link, .. } | HubIncoming::LinkDown { link, .. })) =
            events.pop()
        {
            told.push(link.0);
        }
        assert!(told.contains(&1) && !told.contains(&7));
        assert_eq!(told.len(), 4998);
    }

    #[test]
    fn errors_do_not_pile_up() {
        let mut events = Events::default();
        for _ in 0..3 * MAX_TOLD {
            events.push(Err(TransportError::Closed));
        }
        assert_eq!(read(&mut events).1, MAX_TOLD);
    }
}
