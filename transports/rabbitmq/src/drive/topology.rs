//! Declares and reads the queues of hubs and sessions, and deletes them when they end.
//!
//! What ought to stand is compared with what stands in this pair of connections, whenever either
//! may have changed: after a reconnection nothing stands, and everything is declared again.

use std::{collections::HashMap, sync::Arc};

use lapin::{
    Channel, Error, ErrorKind, ExchangeKind,
    options::{
        ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{FieldTable, ShortString},
};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep},
};

use super::{connection::Connections, consume::Reading, names::Names};
use crate::{
    process::{Process, Source},
    wire::Scan,
};

/// How long to wait before asking again for a scan that another hub holds.
const OWNER_WAIT: Duration = Duration::from_millis(100);

pub(super) struct Topology<'a> {
    process: &'a Arc<Process>,
    connections: &'a Connections,
    breaks: mpsc::Sender<Error>,
    hubs: HashMap<Scan, HubReadings>,
    sessions: HashMap<Scan, Reading>,
    own: Option<Reading>,
}

struct HubReadings {
    results: Reading,
    requests: Reading,
    /// Its exclusive queue is what makes this process the scan's hub.
    owner: Channel,
}

impl<'a> Topology<'a> {
    pub(super) fn new(
        process: &'a Arc<Process>,
        connections: &'a Connections,
        breaks: mpsc::Sender<Error>,
    ) -> Self {
        Self {
            process,
            connections,
            breaks,
            hubs: HashMap::new(),
            sessions: HashMap::new(),
            own: None,
        }
    }

    /// Keeps what stands at the broker as it ought to be, until the connection breaks.
    pub(super) async fn keep(&mut self) -> Result<(), Error> {
        let address = self.process.with(|state, _| self.process.address(state));
        let (names, channel) = self.open().await?;
        let own = names.process(address);
        let exclusive = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(own.clone(), exclusive, Names::transient())
            .await?;
        bind(&channel, own.clone(), names.hubs()).await?;
        self.own = Some(self.read(own.clone(), Source::Process).await?);
        self.process
            .with(|state, now| state.listening(address, now));
        loop {
            let wait = self.hubs_stand(&channel).await?;
            self.sessions_stand(&channel, &own).await?;
            let n_standing = self.hubs.len() + self.sessions.len();
            self.process.with(|state, _| state.n_standing = n_standing);
            self.process.outgoing.notify_one();
            match wait {
                true => sleep(OWNER_WAIT).await,
                false => self.process.topology.notified().await,
            }
        }
    }

    async fn open(&self) -> Result<(Names<'a>, Channel), Error> {
        let channel = self.connections.consuming().create_channel().await?;
        Ok((Names(&self.process.place), channel))
    }

    async fn read(&self, queue: ShortString, source: Source) -> Result<Reading, Error> {
        let (process, breaks) = (self.process, self.breaks.clone());
        Reading::start(process, self.connections.consuming(), queue, source, breaks).await
    }

    /// Returns whether a hub still waits for its scan.
    async fn hubs_stand(&mut self, channel: &Channel) -> Result<bool, Error> {
        let wanted: Vec<(Scan, Duration, Instant)> = self.process.with(|state, _| {
            let hubs = state.hubs.values();
            hubs.map(|hub| (hub.scan, hub.liveness(), hub.wanted_since()))
                .collect()
        });
        let gone: Vec<Scan> = self.hubs.keys().copied().collect();
        for scan in gone {
            if !wanted.iter().any(|&(other, ..)| other == scan)
                && let Some(readings) = self.hubs.remove(&scan)
            {
                self.fell(channel, scan, readings).await?;
            }
        }
        let mut waits = false;
        for (scan, liveness, since) in wanted {
            if self.hubs.contains_key(&scan) {
                continue;
            }
            match self.stand(channel, scan, liveness).await? {
                Some(readings) => {
                    self.hubs.insert(scan, readings);
                    self.process
                        .with(|state, now| state.hub_attached(scan, now));
                    self.process.deadlines.notify_one();
                }
                None => {
                    waits = true;
                    self.process
                        .with(|state, now| state.hub_refused(scan, now - since));
                }
            }
        }
        Ok(waits)
    }

    /// Declares and reads a hub's queues; `None` while another hub holds the scan.
    async fn stand(
        &self,
        channel: &Channel,
        scan: Scan,
        liveness: Duration,
    ) -> Result<Option<HubReadings>, Error> {
        let (names, owner) = self.open().await?;
        let exclusive = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let held = owner
            .queue_declare(names.owner(scan.id), exclusive, FieldTable::default())
            .await;
        match held {
            Ok(_) => {}
            Err(error) if is_held(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        for queue in [names.results(scan), names.requests(scan)] {
            channel
                .queue_declare(queue, durable, names.durable(liveness))
                .await?;
        }
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let (notices, nothing) = (names.notices(scan), FieldTable::default());
        channel
            .exchange_declare(notices, ExchangeKind::Fanout, options, nothing)
            .await?;
        bind(channel, names.requests(scan), names.links()).await?;
        let results = self.read(names.results(scan), Source::Hub(scan)).await?;
        let requests = self.read(names.requests(scan), Source::Hub(scan)).await?;
        Ok(Some(HubReadings {
            results,
            requests,
            owner,
        }))
    }

    /// Deletes what a hub had.
    async fn fell(
        &self,
        channel: &Channel,
        scan: Scan,
        readings: HubReadings,
    ) -> Result<(), Error> {
        let names = Names(&self.process.place);
        readings.results.stop().await;
        readings.requests.stop().await;
        for queue in [
            names.owner(scan.id),
            names.results(scan),
            names.requests(scan),
        ] {
            channel
                .queue_delete(queue, QueueDeleteOptions::default())
                .await?;
        }
        channel
            .exchange_delete(names.notices(scan), ExchangeDeleteOptions::default())
            .await?;
        drop(readings.owner);
        Ok(())
    }

    async fn sessions_stand(&mut self, channel: &Channel, own: &ShortString) -> Result<(), Error> {
        let names = Names(&self.process.place);
        let wanted = self.process.with(|state, _| state.sessions.wanted());
        let gone: Vec<Scan> = self.sessions.keys().copied().collect();
        for scan in gone {
            if !wanted.iter().any(|&(other, ..)| other == scan)
                && let Some(reading) = self.sessions.remove(&scan)
            {
                reading.stop().await;
                let tasks = names.tasks(scan, self.process.id);
                channel
                    .queue_delete(tasks, QueueDeleteOptions::default())
                    .await?;
            }
        }
        for (scan, attached, liveness) in wanted {
            if attached {
                continue;
            }
            if !self.sessions.contains_key(&scan) {
                let durable = QueueDeclareOptions {
                    durable: true,
                    ..QueueDeclareOptions::default()
                };
                let tasks = names.tasks(scan, self.process.id);
                channel
                    .queue_declare(tasks.clone(), durable, names.durable(liveness))
                    .await?;
                // The hub may be gone by now, and its exchange with it.
                let options = ExchangeDeclareOptions {
                    durable: true,
                    ..ExchangeDeclareOptions::default()
                };
                let (notices, nothing) = (names.notices(scan), FieldTable::default());
                channel
                    .exchange_declare(notices, ExchangeKind::Fanout, options, nothing)
                    .await?;
                bind(channel, own.clone(), names.notices(scan)).await?;
                let reading = self.read(tasks, Source::Tasks(scan)).await?;
                self.sessions.insert(scan, reading);
            }
            self.process
                .with(|state, now| state.sessions.attached(scan, now));
            self.process.deadlines.notify_one();
        }
        Ok(())
    }
}

async fn bind(channel: &Channel, queue: ShortString, exchange: ShortString) -> Result<(), Error> {
    let (options, nothing) = (QueueBindOptions::default(), FieldTable::default());
    channel
        .queue_bind(queue, exchange, "".into(), options, nothing)
        .await
}

/// Whether another connection holds the exclusive queue.
fn is_held(error: &Error) -> bool {
    let ErrorKind::ProtocolError(error) = error.kind() else {
        return false;
    };
    matches!(
        error.kind(),
        AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED)
    )
}
