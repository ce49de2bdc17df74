//! What the links' thread sleeps on: its bell and the sockets of all lines, however many.

use std::{io, os::fd::RawFd, time::Duration};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};

/// Most sockets told of in one go; the rest is told the next time.
const MAX_EVENTS: usize = 1024;

const BELL: Token = Token(usize::MAX - 1);

/// Watches file descriptors; costs as much as happens, not as much as is watched.
pub(super) struct Poller {
    poll: Poll,
    events: Events,
}

impl Poller {
    pub(super) fn new(bell: RawFd) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut SourceFd(&bell), BELL, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(MAX_EVENTS),
        })
    }

    /// Watches the descriptor by which a socket tells of changes. It tells once: whoever is woken
    /// reads until nothing is left.
    pub(super) fn add(&self, socket: &zmq::Socket, line: usize) -> zmq::Result<()> {
        let told = self.poll.registry().register(
            &mut SourceFd(&socket.get_fd()?),
            Token(line),
            Interest::READABLE,
        );
        told.map_err(|error| zmq::Error::from_raw(error.raw_os_error().unwrap_or_default()))
    }

    pub(super) fn remove(&self, socket: &zmq::Socket) {
        if let Ok(fd) = socket.get_fd() {
            // One that was never added need not be removed.
            let _unknown = self.poll.registry().deregister(&mut SourceFd(&fd));
        }
    }

    /// Sleeps; returns whether the bell was rung.
    pub(super) fn wait(&mut self, pause: Duration) -> bool {
        match self.poll.poll(&mut self.events, Some(pause)) {
            Ok(()) => self.events.iter().any(|event| event.token() == BELL),
            // Interrupted by a signal, with nothing to tell.
            Err(_) => false,
        }
    }

    /// The lines that were woken by the last sleep.
    pub(super) fn woken(&self) -> impl Iterator<Item = usize> {
        let lines = self.events.iter().filter(|event| event.token() != BELL);
        lines.map(|event| event.token().0)
    }
}
