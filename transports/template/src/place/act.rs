//! What a place does with what it is asked.

use skyscan_transport::{
    Answer, Conclusion, DownCause, LinkId, LinkIncoming, Outcome, Settlement, TaskKey,
    backend::{LinkSlot, Payloads, Sought},
};
use tokio::time::Instant;

use super::{Command, CutWire, HubName, OpenHub, OpenLink, Place};

impl Place {
    /// Does what is asked, unless it comes over a wire that is cut.
    pub(super) fn hear(&mut self, process: u64, command: Command) {
        if let Some(link) = command.travels_for()
            && let Some(link) = self.links.get(&link)
            && link.slot.is_some()
            && let Some(cut) = self.cut.get_mut(&process)
        {
            return cut.said.push(command);
        }
        self.act(process, command);
    }

    /// Answers are dropped where whoever asked is not known (any more); nobody may wait for one.
    pub(super) fn act(&mut self, process: u64, command: Command) {
        let is_cut = self.cut.contains_key(&process);
        match command {
            Command::OpenHub {
                name,
                config,
                queue,
                answer,
            } => {
                let hub = OpenHub {
                    name,
                    payloads: Payloads::new(config.payloads.clone()),
                    config,
                    queue,
                    submitting: Default::default(),
                };
                let _gone = answer.send(self.open_hub(hub));
            }
            Command::Submit {
                name,
                tasks,
                answer,
            } => {
                if let Some(hub) = self.hub(name) {
                    hub.submitting.push_back((tasks, answer));
                }
            }
            Command::Publish {
                name,
                id,
                payload,
                answer,
            } => {
                if let Some(hub) = self.hub(name) {
                    hub.payloads.publish(id, payload);
                    let _gone = answer.send(());
                }
            }
            Command::Broadcast {
                name,
                notice,
                answer,
            } => {
                if self.hub(name).is_some() {
                    for id in self.links_up() {
                        let (scan, body) = (name.scan, notice.clone());
                        self.tell(id, LinkIncoming::Notice { scan, body });
                    }
                    let _gone = answer.send(());
                }
            }
            Command::Purge { name, answer } => {
                if self.hub(name).is_some() {
                    let _gone = answer.send(self.table.purge(name.scan));
                }
            }
            Command::Holders {
                name,
                tasks,
                answer,
            } => {
                if self.hub(name).is_some() {
                    let link = |slot| self.by_slot.get(&slot).copied();
                    let holders = self.table.holders(name.scan, &tasks, self.now(), link);
                    let _gone = answer.send(holders);
                }
            }
            Command::HasRoom { name } => {
                if self.hub(name).is_some() {
                    self.table.hold(name.scan, false);
                }
            }
            Command::CloseHub { name, answer } => {
                if self.hub(name).is_some() {
                    self.close_hub(name.scan);
                }
                answer.map(|answer| answer.send(()));
            }
            Command::OpenLink { id, config, queue } => {
                let link = OpenLink {
                    process,
                    config,
                    queue,
                    is_draining: false,
                    slot: None,
                    settlers: Default::default(),
                    on_the_way: Vec::new(),
                };
                self.links.insert(id, link);
                self.bring_up(id);
            }
            // A link that is cut off, and was lost for it, reaches no hub.
            Command::Fetch { .. } if is_cut => {}
            Command::Fetch {
                scan,
                payload,
                answer,
                ..
            } => {
                let Some(hub) = self.hubs.get_mut(&scan) else {
                    return;
                };
                match hub.payloads.seek(payload, answer) {
                    Sought::Answer(answer) => {
                        let _gone = answer.send(hub.payloads.get(payload).cloned());
                    }
                    Sought::Waits => {}
                    Sought::Ask(source) => {
                        let door = self.door.clone();
                        tokio::spawn(async move {
                            let found = source.find(payload).await.ok();
                            door.send(Command::Found {
                                scan,
                                id: payload,
                                payload: found,
                            });
                        });
                    }
                }
            }
            Command::Found { scan, id, payload } => {
                if let Some(hub) = self.hubs.get_mut(&scan) {
                    for answer in hub.payloads.found(id, payload.clone()) {
                        let _gone = answer.send(payload.clone());
                    }
                }
            }
            Command::Settle {
                link,
                slot,
                settlements,
                answer,
            } => {
                let _gone = answer.send(self.settle(link, slot, settlements));
            }
            Command::Renew {
                slot,
                leases,
                answer,
                ..
            } => {
                let now = self.now();
                let mut lost = leases;
                lost.retain(|&(token, _)| !self.table.renew(slot, token, now));
                let _gone = answer.send(lost.into_iter().map(|(_, key)| key).collect());
            }
            Command::Abandon { slot, token, .. } => {
                self.table.release(slot, token);
            }
            Command::Drain { link, answer } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.is_draining = true;
                    if let Some(slot) = link.slot {
                        self.table.drain_link(slot);
                    }
                    answer.map(|answer| answer.send(()));
                }
            }
            Command::CloseLink {
                link,
                cause,
                answer,
            } => {
                // A goodbye does not get through a wire that is cut.
                self.take_down(link, if is_cut { DownCause::Lost } else { cause });
                if let Some(link) = self.links.remove(&link) {
                    link.queue.end();
                }
                answer.map(|answer| answer.send(()));
            }
            Command::Cut => {
                let liveness = self.hubs.values().map(|hub| hub.config.liveness).min();
                let cut = CutWire {
                    lost_at: Some(Instant::now() + liveness.unwrap_or_default()),
                    said: Vec::new(),
                };
                self.cut.insert(process, cut);
            }
            Command::Mend => self.mend(process),
        }
    }

    fn hub(&mut self, name: HubName) -> Option<&mut OpenHub> {
        let hub = self.hubs.get_mut(&name.scan);
        hub.filter(|hub| hub.name == name)
    }

    /// Ends leases; returns those that this link does not hold (C4). Outcomes are in the hub's inbox
    /// before the link hears that they are taken (C6).
    fn settle(
        &mut self,
        link: LinkId,
        slot: LinkSlot,
        settlements: Vec<Settlement>,
    ) -> Vec<TaskKey> {
        let own = self.links.get(&link).map(|link| link.config.worker);
        let mut lost = Vec::new();
        for settlement in settlements {
            let by = settlement.worker().or(own);
            let (token, key, answer) = settlement.into_parts();
            let conclusion = match answer {
                Answer::Completed(result) => Conclusion::Completed(result),
                Answer::Rejected(reason) => Conclusion::Rejected(reason),
                Answer::Released => {
                    if !self.table.release(slot, token) {
                        lost.push(key);
                    }
                    continue;
                }
            };
            let settled = self.table.settle(slot, token);
            let hub = self.hubs.get(&key.scan);
            let (Some(settling), Some(worker), Some(hub)) = (settled, by, hub) else {
                lost.push(key);
                continue;
            };
            let outcome = Outcome {
                task: settling.key.task,
                attempt: settling.attempt,
                link,
                worker,
                conclusion,
            };
            // Grant nothing more while the owner does not take outcomes (C5).
            if hub.queue.push_outcomes(&mut vec![outcome]) {
                self.table.hold(key.scan, true);
            }
        }
        lost
    }
}

impl Command {
    /// The link that says this over its wire, if it waits there while the wire is cut.
    fn travels_for(&self) -> Option<LinkId> {
        match self {
            Self::Fetch { link, .. }
            | Self::Settle { link, .. }
            | Self::Renew { link, .. }
            | Self::Abandon { link, .. } => Some(*link),
            _ => None,
        }
    }
}
