//! Links come and go.

use std::{sync::Arc, time::Duration};

use skyscan_transport::{LinkConfig, LinkId, LinkIncoming, TransportError, backend::LinkQueue};
use tokio::sync::oneshot;

use super::{common::Common, line::Line};
use crate::{
    link::LinkSettler,
    wire::{FRAME_TARGET_BYTES, LinkUp},
};

/// A link as the pump knows it.
pub(super) struct PumpLink {
    id: LinkId,
    pub(super) config: LinkConfig,
    pub(super) queue: Arc<LinkQueue>,
    draining: bool,
    /// Made for the first lease of a session.
    pub(super) settler: Option<Arc<LinkSettler>>,
}

impl Line {
    /// Takes a link in; returns its number.
    pub(super) fn open_link(
        &mut self,
        common: &mut Common,
        id: LinkId,
        config: LinkConfig,
        queue: Arc<LinkQueue>,
    ) -> u32 {
        for (&scan, hub) in &self.hubs {
            queue.push(match hub.protocol.major == config.protocol.major {
                true => Ok(LinkIncoming::HubUp {
                    scan,
                    welcome: hub.welcome.clone(),
                    priority: hub.priority,
                }),
                false => Err(TransportError::ProtocolMismatch {
                    hub: hub.protocol,
                    link: config.protocol,
                }),
            });
        }
        let number = self.free_numbers.pop().unwrap_or_else(|| {
            self.links.push(None);
            (self.links.len() - 1) as u32
        });
        let link = PumpLink {
            id,
            config,
            queue,
            draining: false,
            settler: None,
        };
        self.links[number as usize] = Some(link);
        match self.session.is_some() {
            true => self.announce(common, number),
            false => common.come_again_in(Duration::ZERO),
        }
        number
    }

    pub(super) fn announce(&mut self, common: &Common, number: u32) {
        let Some(session) = &mut self.session else {
            return;
        };
        let Some(Some(link)) = self.links.get(number as usize) else {
            return;
        };
        session.writer.link_up(&LinkUp {
            number,
            link: link.id,
            protocol: link.config.protocol,
            worker: link.config.worker,
            credit: link.config.credit,
            draining: link.draining,
            hello: link.config.hello.clone(),
        });
        if session.writer.len() >= FRAME_TARGET_BYTES {
            session.flush(&common.counts, common.now);
        }
    }

    pub(super) fn close_link(
        &mut self,
        number: u32,
        closed: bool,
        answer: Option<oneshot::Sender<()>>,
    ) {
        if let Some(link) = self.links[number as usize].take() {
            link.queue.end();
        }
        match &mut self.session {
            Some(session) => {
                session.writer.link_down(number, closed);
                // The number is free again, and the caller done, when the hub has understood.
                self.leaving.insert(number, answer);
                // There may be no hub that ever answers. Records arrive in order, so the number is free
                // all the same.
                if !session.greeted {
                    self.left(number);
                }
            }
            None => self.left_at_once(number, answer),
        }
    }

    pub(super) fn left(&mut self, number: u32) {
        if let Some(answer) = self.leaving.remove(&number) {
            self.left_at_once(number, answer);
        }
    }

    fn left_at_once(&mut self, number: u32, answer: Option<oneshot::Sender<()>>) {
        self.free_numbers.push(number);
        if let Some(answer) = answer {
            let _uninterested = answer.send(());
        }
    }

    pub(super) fn drain_link(&mut self, number: u32) {
        let Some(Some(link)) = self.links.get_mut(number as usize) else {
            return;
        };
        if !link.draining {
            link.draining = true;
            if let Some(session) = &mut self.session {
                session.writer.drain(number);
            }
        }
    }
}
