//! The links' I/O thread: it owns the DEALERs over which the links of the process speak.
//!
//! A *line* is one connection: it begins a session, keeps it alive, and begins another one after it
//! was lost, later and later while nobody answers. What the links hear of that is `HubUp` and
//! `HubDown`. Either all links share one line, or each has its own; the thread is one.

mod chunks;
mod common;
mod fetches;
mod line;
mod links;
mod poller;
mod records;
mod session;

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use skyscan_transport::{
    LinkId,
    backend::{Counts, Meters},
};

use crate::{
    address::{Address, Connections},
    link::{LinkCommand, Shared},
    post::Inlet,
    pump::{Onward, Pump},
};
use common::Common;
use line::Line;

/// Most messages taken in one turn.
const TURN_MESSAGES: usize = 256;

/// Shortest time from one look at what is due to the next.
const MIN_TICK: Duration = Duration::from_millis(5);

/// How long the thread waits for more after it was woken, for each line: a fleet of thousands of
/// lines is seen to in batches, and one line at once.
const GATHER_PER_LINE: Duration = Duration::from_micros(1);

/// Shortest such wait worth the while, and the longest.
const GATHER: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(5)];

/// Silence allowed before the hub has said otherwise.
const DEFAULT_LIVENESS: Duration = Duration::from_secs(30);

/// The state of the links' thread.
pub(crate) struct LinkPump {
    /// Dropped before the contexts, which wait for their sockets.
    lines: Vec<Option<Line>>,
    common: Common,
    connections: Connections,
    inlet: Inlet<LinkCommand>,
    free_lines: Vec<usize>,
    /// Line and number of each link.
    routes: HashMap<LinkId, (usize, u32)>,
    /// Lines with which something happened in this turn.
    touched: Vec<usize>,
    /// Lines at which a message may wait.
    to_read: VecDeque<usize>,
    last_drained: Instant,
}

impl LinkPump {
    pub(crate) fn new(
        address: Address,
        connections: Connections,
        inlet: Inlet<LinkCommand>,
        shared: Arc<Shared>,
        counts: Arc<Counts>,
        meters: Meters,
    ) -> io::Result<Self> {
        let common = Common::new(address, inlet.bell(), shared, counts, meters)?;
        Ok(Self {
            lines: Vec::new(),
            last_drained: common.now,
            common,
            connections,
            inlet,
            free_lines: Vec::new(),
            routes: HashMap::new(),
            touched: Vec::new(),
            to_read: VecDeque::new(),
        })
    }

    /// The line at a place, which is seen to at the end of the turn.
    fn line(&mut self, at: usize) -> Option<(&mut Line, &mut Common)> {
        let line = self.lines.get_mut(at)?.as_mut()?;
        if !line.touched {
            line.touched = true;
            self.touched.push(at);
        }
        Some((line, &mut self.common))
    }

    fn receive(&mut self) -> usize {
        let mut n_received = 0;
        for _ in 0..self.to_read.len() {
            let Some(at) = self.to_read.pop_front() else {
                break;
            };
            let limit = TURN_MESSAGES - n_received;
            let Some((line, common)) = self.line(at) else {
                continue;
            };
            let n_read = line.receive(common, limit);
            // The poller tells when more comes. Asking once more is cheaper than sleeping where all
            // links speak over one line, and dearer where each has its own.
            let again = n_read == limit || (n_read > 0 && !line.own);
            line.to_read = again;
            if again {
                self.to_read.push_back(at);
            }
            n_received += n_read;
            if n_received >= TURN_MESSAGES {
                break;
            }
        }
        n_received
    }

    fn act_on(&mut self, command: LinkCommand) {
        match command {
            LinkCommand::Open { id, config, queue } => {
                let at = self.line_for_a_link();
                if let Some((line, common)) = self.line(at) {
                    let number = line.open_link(common, id, config, queue);
                    self.routes.insert(id, (at, number));
                }
            }
            LinkCommand::Close { id, closed, answer } => {
                if let Some((at, number)) = self.routes.remove(&id)
                    && let Some((line, _)) = self.line(at)
                {
                    line.close_link(number, closed, answer);
                }
            }
            LinkCommand::Drain { id } => {
                if let Some(&(at, number)) = self.routes.get(&id)
                    && let Some((line, _)) = self.line(at)
                {
                    line.drain_link(number);
                }
            }
            LinkCommand::Tell {
                line,
                session,
                batch,
            } => match self.line(line) {
                Some((line, common)) => line.tell(common, session, batch),
                None => batch.all_lost(),
            },
            LinkCommand::Abandon {
                line,
                session,
                number,
                token,
            } => {
                if let Some((line, _)) = self.line(line) {
                    line.abandon(session, number, token);
                }
            }
            LinkCommand::Fetch {
                id,
                scan,
                payload,
                answer,
            } => {
                if let Some(&(at, _)) = self.routes.get(&id)
                    && let Some((line, common)) = self.line(at)
                {
                    line.fetch(common, scan, payload, answer);
                }
            }
            LinkCommand::Stop => {}
        }
    }

    /// The line that all share, or a new one.
    fn line_for_a_link(&mut self) -> usize {
        let own = self.connections == Connections::Own;
        if !own && !self.lines.is_empty() {
            return 0;
        }
        let at = self.free_lines.pop().unwrap_or_else(|| {
            self.lines.push(None);
            self.lines.len() - 1
        });
        self.lines[at] = Some(Line::new(at, own));
        self.common.n_lines += 1;
        at
    }

    /// Looks at every line at once, so that many lines wake the thread no more often than one.
    fn tick(&mut self) {
        let overslept = self.common.overslept();
        let drained = self.last_drained == self.common.now;
        let mut next = DEFAULT_LIVENESS;
        let (mut n_up, mut n_asked) = (0, 0);
        for at in 0..self.lines.len() {
            let Some(line) = &mut self.lines[at] else {
                continue;
            };
            let (pause, changed) = line.tick(&mut self.common, overslept, drained);
            next = next.min(pause);
            n_up += usize::from(line.is_up());
            n_asked += line.n_asked();
            if changed && !line.touched {
                line.touched = true;
                self.touched.push(at);
            }
        }
        let meters = &self.common.meters;
        meters.links.set(self.routes.len());
        meters.connections.set(n_up);
        meters.unconfirmed.set(n_asked);
        self.common.next_tick = self.common.now + next.max(MIN_TICK);
    }

    /// Another line carries on what a lost one has begun for more links than its own.
    fn begin_orphaned_transfers(&mut self) {
        while let Some((at, scan, payload)) = self.common.fetches.next_orphan() {
            if let Some((line, _)) = self.line(at) {
                line.ask_for(scan, payload, 0);
            }
        }
    }

    /// Sends what was written in this turn, and parts with lines that are not needed any more.
    fn flush(&mut self) {
        while let Some(at) = self.touched.pop() {
            let Some(line) = self.lines[at].as_mut() else {
                continue;
            };
            line.touched = false;
            if line.is_over() {
                line.end(&mut self.common);
                self.lines[at] = None;
                self.common.n_lines -= 1;
                self.free_lines.push(at);
                continue;
            }
            // Sending may take notice of what has come, and then the poller does not tell.
            if line.flush(&self.common) && !line.to_read {
                line.to_read = true;
                self.to_read.push_back(at);
            }
        }
    }
}

impl Pump for LinkPump {
    type Command = LinkCommand;

    fn inlet(&self) -> &Inlet<LinkCommand> {
        &self.inlet
    }

    fn obey(&mut self, command: LinkCommand) -> Onward {
        match command {
            LinkCommand::Stop => Onward::Stop,
            command => {
                self.act_on(command);
                Onward::Go
            }
        }
    }

    fn turn(&mut self, obeyed: bool) -> bool {
        let busy = obeyed | (self.receive() > 0);
        if busy || self.common.now >= self.common.next_tick {
            self.common.now = Instant::now();
        }
        // Silence is judged only when all that came has been read: it may have been this process
        // that was too busy to listen.
        if self.to_read.is_empty() {
            self.last_drained = self.common.now;
        }
        if self.common.now >= self.common.next_tick {
            self.tick();
        }
        self.begin_orphaned_transfers();
        self.flush();
        busy || !self.to_read.is_empty()
    }

    fn sleep(&mut self) {
        if !self.inlet.lie_down() {
            return;
        }
        let pause = self
            .common
            .next_tick
            .saturating_duration_since(Instant::now());
        let rung = self.common.poller.wait(pause);
        let gather = GATHER_PER_LINE.saturating_mul(self.common.n_lines);
        if gather >= GATHER[0] {
            thread::park_timeout(gather.min(GATHER[1]));
        }
        self.inlet.get_up(rung);
        self.common.now = Instant::now();
        for at in self.common.poller.woken() {
            if let Some(Some(line)) = self.lines.get_mut(at)
                && !line.to_read
            {
                line.to_read = true;
                self.to_read.push_back(at);
            }
        }
    }

    fn stop(mut self) {
        for line in self.lines.iter_mut().flatten() {
            line.end(&mut self.common);
        }
    }
}
