//! What a relay learns: from above, from its zone, and from what it has under way.

use std::sync::Arc;

use futures::{
    Stream, StreamExt,
    future::BoxFuture,
    stream::{self, AbortHandle, BoxStream},
};
use skyscan_transport::{
    Hub, HubInbox, HubIncoming, LinkInbox, LinkIncoming, Result, ScanId, SettledBatch, TaskId,
    TaskKey,
};

use crate::uplinks::UplinkId;

/// One thing that came.
pub(crate) enum Event {
    /// At the relay's own link; `None` at its end.
    Own(Option<Result<LinkIncoming>>),
    /// At the link above that stands for one of the zone's.
    Above(UplinkId, Result<LinkIncoming>),
    /// At a hub of the zone; `None` at its end.
    Below(ZoneHub, Option<Result<HubIncoming>>),
}

/// A hub of the zone: a scan, and which of its hubs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ZoneHub {
    pub(crate) scan: ScanId,
    pub(crate) epoch: u64,
}

/// Something that was under way and is done.
pub(crate) enum Done {
    Nothing,
    Opened(ZoneHub, Result<(Arc<dyn Hub>, HubInbox)>),
    Closed(ZoneHub),
    /// Outcomes were told to the hubs above.
    HandedUp {
        batch: SettledBatch,
        n_taken: usize,
        n_lost: usize,
        uplinks: Vec<UplinkId>,
    },
    Renewed {
        uplink: UplinkId,
        lost: Vec<TaskKey>,
    },
    /// Tasks were taken back from a hub of the zone.
    Taken(TakenBack),
}

/// What a hub of the zone has lost since it was asked to, and that no Worker had begun.
#[derive(Debug)]
pub(crate) struct TakenBack {
    pub(crate) at: ZoneHub,
    pub(crate) unbegun: Vec<TaskId>,
}

/// What is under way.
pub(crate) type Doing = BoxFuture<'static, Done>;

pub(crate) fn own(inbox: LinkInbox) -> BoxStream<'static, Event> {
    with_end(inbox).map(Event::Own).boxed()
}

/// The events of a link above, until they are aborted.
pub(crate) fn above(id: UplinkId, inbox: LinkInbox) -> (BoxStream<'static, Event>, AbortHandle) {
    let (events, abort) = stream::abortable(inbox);
    let events = events.map(move |incoming| Event::Above(id, incoming));
    (events.boxed(), abort)
}

pub(crate) fn below(hub: ZoneHub, inbox: HubInbox) -> BoxStream<'static, Event> {
    with_end(inbox)
        .map(move |incoming| Event::Below(hub, incoming))
        .boxed()
}

fn with_end<T>(inbox: impl Stream<Item = T>) -> impl Stream<Item = Option<T>> {
    inbox.map(Some).chain(stream::iter([None]))
}
