//! The relay's loop: one reader of everything that comes, and a list of what is under way.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::{
    StreamExt,
    future::join_all,
    stream::{BoxStream, FuturesUnordered, SelectAll},
};
use skyscan_transport::{DownCause, Link, LinkConfig, Result, Transport, WorkerId};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    RelayConfig, Relayed,
    event::{self, Doing, Done, Event, TakenBack},
    making_room::MakingRoom,
    meters::Meters,
    uplinks::{Uplink, UplinkId, Uplinks},
    zone::Zone,
    zone_tasks::ZoneTasks,
};

/// Leases are renewed when this fraction of their term is over.
pub(crate) const RENEWALS: u32 = 3;

/// A relay at work.
pub(crate) struct Relay {
    pub(crate) above: Arc<dyn Transport>,
    pub(crate) below: Arc<dyn Transport>,
    pub(crate) config: RelayConfig,
    /// The relay's own link above: it only listens.
    pub(crate) own: Arc<dyn Link>,
    pub(crate) events: SelectAll<BoxStream<'static, Event>>,
    pub(crate) doing: FuturesUnordered<Doing>,
    pub(crate) uplinks: Uplinks,
    pub(crate) zone: Zone,
    pub(crate) tasks: ZoneTasks,
    /// Its own name as a worker, for what is held ready for anyone of the zone.
    pub(crate) worker: WorkerId,
    pub(crate) next_renewal: Option<Instant>,
    pub(crate) making_room: MakingRoom,
    /// What was taken back from the zone's hubs, and is not looked at yet.
    pub(crate) taken_back: Vec<TakenBack>,
    /// Hubs of the zone are opened one at a time: the first one binds the address.
    pub(crate) opening: Arc<Mutex<()>>,
    pub(crate) is_stopping: bool,
    pub(crate) meters: Meters,
    pub(crate) relayed: Relayed,
}

impl Relay {
    /// Opens the relay's own link above. Nothing is opened below before a hub is up above.
    pub(crate) async fn open(
        above: Arc<dyn Transport>,
        below: Arc<dyn Transport>,
        config: RelayConfig,
    ) -> Result<Self> {
        let worker = WorkerId::random();
        let link_config = LinkConfig {
            protocol: config.protocol,
            worker,
            credit: 0,
            hello: config.hello.clone(),
        };
        let (own, inbox) = above.open_link(link_config).await?;
        let mut events = SelectAll::new();
        events.push(event::own(inbox));
        Ok(Self {
            above,
            below,
            worker,
            own,
            events,
            doing: FuturesUnordered::new(),
            uplinks: Uplinks::default(),
            zone: Zone::default(),
            tasks: ZoneTasks::default(),
            next_renewal: None,
            making_room: MakingRoom::default(),
            taken_back: Vec::new(),
            opening: Arc::default(),
            is_stopping: false,
            meters: Meters::new(&config.zone),
            relayed: Relayed::default(),
            config,
        })
    }

    /// Relays until it is asked to stop.
    pub(crate) async fn serve(&mut self, stop: impl Future<Output = ()>) -> Result<()> {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                stepped = self.step() => stepped?,
            }
        }
    }

    /// Takes what comes next. Links above leave only when nothing else is to be read: what their
    /// Workers said before they went comes first.
    async fn step(&mut self) -> Result<()> {
        // What is ready without any wire must not keep those from their turn that share this thread.
        tokio::task::coop::consume_budget().await;
        let now = Instant::now();
        let due = self.uplinks.due(now, |id| self.tasks.n_of(id));
        let next_due = self.uplinks.next_due();
        let renewal = self.next_renewal;
        let making_room = self.making_room.next();
        tokio::select! {
            biased;
            Some(done) = self.doing.next(), if !self.doing.is_empty() => self.done(done)?,
            Some(event) = self.events.next() => self.hear(event).await?,
            () = at(renewal), if renewal.is_some() => self.renew(),
            () = std::future::ready(()), if !self.taken_back.is_empty() => self.sort_taken_back(),
            () = at(making_room), if making_room.is_some() => self.make_room(),
            () = std::future::ready(()), if self.is_deserted() => self.give_back_all().await?,
            () = std::future::ready(()), if !due.is_empty() => {
                due.into_iter().for_each(|id| self.part_with(id));
            }
            () = at(next_due), if next_due.is_some() => {}
        }
        self.meters.held.set(self.tasks.len() as f64);
        self.meters.links.set(self.uplinks.n_below() as f64);
        Ok(())
    }

    /// Whether nobody in the zone could do what is held.
    fn is_deserted(&self) -> bool {
        let holds = self.tasks.len() > 0 || self.uplinks.has_reserve();
        holds && !self.is_stopping && self.uplinks.zone_is_empty()
    }

    /// The zone is empty: all of its tasks go to others. What those had that were lost is lost above, too.
    async fn give_back_all(&mut self) -> Result<()> {
        for hub in self.zone.hubs() {
            // A hub that ends at this very moment has nothing left to purge.
            let _ended = hub.purge().await;
        }
        let leaving = self.uplinks.hurry(Instant::now());
        for id in self.uplinks.lost() {
            self.tasks.part_with(id, DownCause::Lost);
        }
        self.tasks.drop_all();
        self.drain(leaving);
        Ok(())
    }

    /// Ends a link above.
    pub(crate) fn part_with(&mut self, id: UplinkId) {
        let Some((uplink, cause)) = self.uplinks.remove(id) else {
            return;
        };
        self.tasks.part_with(id, cause);
        let Uplink { link, events, .. } = uplink;
        events.abort();
        match cause {
            // A goodbye would be a lie.
            DownCause::Lost => drop(link),
            DownCause::Closed => self.doing.push(Box::pin(async move {
                // Whoever cannot be told finds out by the silence.
                let _unreachable = link.close().await;
                Done::Nothing
            })),
        }
    }

    /// Lets the zone finish what it has begun and hands that up; then takes leave of both sides.
    pub(crate) async fn finish(&mut self) {
        self.is_stopping = true;
        let until = Instant::now() + self.config.grace;
        let links = self.uplinks.iter().map(|(_, uplink)| uplink.link.clone());
        let links: Vec<Arc<dyn Link>> = links.collect();
        let drained = join_all(links.iter().map(|link| link.drain()));
        let _unreachable = timeout(self.config.grace, drained).await;
        let mut n_purged = 0;
        for hub in self.zone.hubs() {
            n_purged += hub.purge().await.unwrap_or(0);
        }
        // The purged ones are still held above, and go back with the links.
        while self.tasks.len() > n_purged || self.uplinks.iter().any(|(_, up)| up.n_settling > 0) {
            if self.uplinks.zone_is_empty() && self.uplinks.iter().all(|(_, up)| up.n_settling == 0)
            {
                break;
            }
            tokio::select! {
                biased;
                () = sleep_until(until) => break,
                // What fails now would have ended the relay, which ends anyway.
                stepped = self.step() => if stepped.is_err() { break },
            }
        }
        let goodbye = async {
            join_all(self.zone.hubs().iter().map(|hub| hub.close())).await;
            self.tasks.drop_all();
            join_all(links.iter().map(|link| link.close())).await;
            let _unreachable = self.own.close().await;
        };
        let _late = timeout(self.config.liveness, goodbye).await;
    }

    /// What was handed on so far.
    pub(crate) fn relayed(&self) -> Relayed {
        self.relayed
    }

    /// How long a link above may still hand up what others of the zone work on.
    pub(crate) fn linger_until(&self) -> Instant {
        Instant::now() + self.config.liveness / 4
    }

    /// Sees to it that leases of this term are renewed in time.
    pub(crate) fn renew_within(&mut self, term: Duration) {
        let pause = (term / RENEWALS).max(Duration::from_millis(20));
        let at = Instant::now() + pause;
        self.next_renewal = Some(self.next_renewal.map_or(at, |next| next.min(at)));
    }
}

async fn at(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time).await;
    }
}
