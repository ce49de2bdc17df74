//! The connections behind the sessions: who has not said hello, and for how many there are files.
//!
//! libzmq takes every connection there is a file for, keeps it whether anybody speaks or not, and
//! when there are no files left it tries again without a pause, for ever. It tells of connections
//! by their descriptor, and so do its messages; a connection that is shut down is seen to by libzmq
//! as one that its peer has closed. So the hub keeps a few files free, and what has no session makes
//! room first.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::fd::RawFd,
    time::{Duration, Instant},
};

use nix::sys::socket::{Shutdown, shutdown};
use rlimit::Resource;
use skyscan_transport::backend::Meters;

/// How long a connection may last without a session. A process that has lost its session begins the
/// next one within seconds, over a new connection.
const HELLO_PATIENCE: Duration = Duration::from_secs(15);

/// Frames of no session, or that broke one, after which a connection is shut. A process that finds
/// a new hub may have sent many for the old one.
const MAX_STRIKES: u32 = 64;

/// Files kept free, as a part of all, and at least and at most.
const RESERVE_PART: u64 = 16;
const RESERVE: [u64; 2] = [16, 256];

/// How often a shortage is told.
const WARN_PAUSE: Duration = Duration::from_secs(60);

const ENDPOINT: &str = "inproc://connections";

/// All connections of a hub's socket, as libzmq tells of them.
pub(super) struct ConnectionWatch {
    monitor: zmq::Socket,
    accepted: HashMap<RawFd, Connection>,
    /// Of `accepted`, those that were shut down and are not gone yet.
    n_shut: usize,
    /// Most connections by the limit of files.
    most: usize,
    /// The same, lowered while the rest of the process needs more than was kept free.
    most_now: usize,
    warned: Option<Instant>,
}

#[derive(Debug)]
struct Connection {
    /// When it was accepted, or lost its session.
    since: Instant,
    has_session: bool,
    is_shut: bool,
    n_strikes: u32,
}

impl ConnectionWatch {
    /// Watches a socket that is not bound yet.
    pub(super) fn watch(context: &zmq::Context, router: &zmq::Socket) -> zmq::Result<Self> {
        let events = zmq::SocketEvent::ACCEPTED.to_raw() | zmq::SocketEvent::DISCONNECTED.to_raw();
        router.monitor(ENDPOINT, i32::from(events))?;
        let monitor = context.socket(zmq::PAIR)?;
        // libzmq's I/O thread waits while this queue is full, and then nothing moves.
        monitor.set_rcvhwm(0)?;
        monitor.connect(ENDPOINT)?;
        let most = room_for_connections();
        Ok(Self {
            monitor,
            accepted: HashMap::new(),
            n_shut: 0,
            most,
            most_now: most,
            warned: None,
        })
    }

    pub(super) fn monitor(&self) -> &zmq::Socket {
        &self.monitor
    }

    /// Takes note of connections that came and went, and shuts what there is no room for.
    pub(super) fn take_note(&mut self, now: Instant, meters: &Meters) {
        while let Ok(event) = self.monitor.recv_msg(zmq::DONTWAIT) {
            // The second part names the address.
            let _address = self.monitor.recv_msg(zmq::DONTWAIT);
            let Some((kind, fd)) = read(&event) else {
                continue;
            };
            if kind == zmq::SocketEvent::ACCEPTED.to_raw() {
                let connection = Connection {
                    since: now,
                    has_session: false,
                    is_shut: false,
                    n_strikes: 0,
                };
                let before = self.accepted.insert(fd, connection);
                self.n_shut -= usize::from(before.is_some_and(|before| before.is_shut));
            } else {
                let gone = self.accepted.remove(&fd);
                self.n_shut -= usize::from(gone.is_some_and(|gone| gone.is_shut));
            }
        }
        let n_over = (self.accepted.len() - self.n_shut).saturating_sub(self.most_now);
        if n_over > 0 {
            self.make_room(n_over, now, meters);
        }
    }

    /// Shuts the connections that have been without a session for longest.
    fn make_room(&mut self, n_over: usize, now: Instant, meters: &Meters) {
        let idle = self
            .accepted
            .iter()
            .filter(|(_, connection)| !connection.has_session && !connection.is_shut);
        let mut idle: Vec<(Instant, RawFd)> = idle
            .map(|(&fd, connection)| (connection.since, fd))
            .collect();
        idle.sort_unstable();
        for &(_, fd) in idle.iter().take(n_over) {
            meters.processes_over.increment(1);
            self.shut(fd);
        }
        if self.warned.is_none_or(|warned| now - warned > WARN_PAUSE) {
            self.warned = Some(now);
            let limit = Resource::NOFILE.get_soft().unwrap_or_default();
            tracing::warn!(
                n_connections = self.accepted.len() - self.n_shut,
                n_files = limit,
                "no files are left for more connections: workers that come late wait until others \
                 leave; start the scanner after `ulimit -n 65536`, or put a relay between"
            );
        }
    }

    /// A process has begun a session over this connection.
    pub(super) fn begin_session(&mut self, fd: RawFd, now: Instant, meters: &Meters) {
        if !self.accepted.contains_key(&fd) {
            self.take_note(now, meters);
        }
        if let Some(connection) = self.accepted.get_mut(&fd) {
            connection.has_session = true;
        }
    }

    pub(super) fn end_session(&mut self, fd: RawFd, now: Instant) {
        if let Some(connection) = self.accepted.get_mut(&fd) {
            connection.has_session = false;
            connection.since = now;
        }
    }

    /// A frame came that has no place; too many of them end the connection.
    pub(super) fn strike(&mut self, fd: RawFd) {
        if let Some(connection) = self.accepted.get_mut(&fd) {
            connection.n_strikes += 1;
            if connection.n_strikes >= MAX_STRIKES {
                self.shut(fd);
            }
        }
    }

    /// Ends a connection, and with it what libzmq has queued for it.
    pub(super) fn shut(&mut self, fd: RawFd) {
        if let Some(connection) = self.accepted.get_mut(&fd)
            && !connection.is_shut
        {
            connection.is_shut = true;
            self.n_shut += 1;
            // It may have closed meanwhile.
            let _gone = shutdown(fd, Shutdown::Both);
        }
    }

    /// Shuts what has had no session for long, and looks whether files are left.
    pub(super) fn tick(&mut self, now: Instant, is_fair: bool, meters: &Meters) {
        self.take_note(now, meters);
        if is_fair {
            let silent = self.accepted.iter().filter(|(_, connection)| {
                !connection.has_session
                    && !connection.is_shut
                    && now.saturating_duration_since(connection.since) > HELLO_PATIENCE
            });
            let silent: Vec<RawFd> = silent.map(|(&fd, _)| fd).collect();
            for fd in silent {
                meters.silent.increment(1);
                self.shut(fd);
            }
        }
        // The rest of the process may need more files than were kept free, and libzmq spins when
        // it gets none.
        match File::open("/dev/null") {
            Ok(_) => self.most_now = self.most.min(self.most_now + 1),
            Err(_) => {
                let n_live = self.accepted.len() - self.n_shut;
                self.most_now = n_live.saturating_sub(RESERVE[0] as usize).max(1);
                self.take_note(now, meters);
            }
        }
    }
}

/// Kind and descriptor of an event: `[u16][u32]`, as the machine writes them.
fn read(event: &[u8]) -> Option<(u16, RawFd)> {
    let (kind, rest) = event.split_first_chunk()?;
    let (fd, _) = rest.split_first_chunk()?;
    Some((u16::from_ne_bytes(*kind), i32::from_ne_bytes(*fd)))
}

/// For how many connections there are files, beside those that are open and some that are kept free.
fn room_for_connections() -> usize {
    // A system that does not tell has no limit.
    let limit = Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    let n_open = fs::read_dir("/proc/self/fd").map_or(RESERVE[0], |open| open.count() as u64);
    let reserve = (limit / RESERVE_PART).clamp(RESERVE[0], RESERVE[1]);
    let room = limit.saturating_sub(n_open).saturating_sub(reserve);
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn reads_an_event_and_refuses_what_is_none() {
        let mut event = 0x20_u16.to_ne_bytes().to_vec();
        event.extend(77_i32.to_ne_bytes());
        assert_eq!(read(&event), Some((0x20, 77)));
        assert_eq!(read(&event[..5]), None);
    }
}
