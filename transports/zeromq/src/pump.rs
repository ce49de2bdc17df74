//! The life of a pump's thread, and the loop that both kinds of pump run.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;

use crate::post::{Inlet, Post};

/// Whether a pump goes on after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    Go,
    Stop,
}

/// What one thread does with its sockets, in turns.
pub(crate) trait Pump: Sized {
    type Command;

    fn inlet(&self) -> &Inlet<Self::Command>;

    fn obey(&mut self, command: Self::Command) -> Onward;

    /// Reads, does what is due, and writes, a bounded amount of each: no peer and no caller waits for
    /// another's flood. `obeyed` tells that commands came before. Returns whether anything happened.
    fn turn(&mut self, obeyed: bool) -> bool;

    /// Waits for commands, sockets and what is due.
    fn sleep(&mut self);

    /// Says goodbye.
    fn stop(self);
}

/// Runs a pump until it is told to stop. It sleeps only after a turn in which nothing happened:
/// under load the cost of waking up is shared by all that came meanwhile.
pub(crate) fn run<P: Pump>(mut pump: P) {
    let mut commands = Vec::new();
    loop {
        pump.inlet().take(&mut commands);
        let obeyed = !commands.is_empty();
        for command in commands.drain(..) {
            if pump.obey(command) == Onward::Stop {
                return pump.stop();
            }
        }
        if !pump.turn(obeyed) {
            pump.sleep();
        }
    }
}

/// Keeps a pump running. Whoever drops the last handle stops it and waits until its socket is
/// closed, which takes no longer than the socket lingers.
pub(crate) struct Running<C> {
    post: Arc<Post<C>>,
    stop: fn() -> C,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<C: Send + 'static> Running<C> {
    pub(crate) fn start(
        name: &str,
        post: Arc<Post<C>>,
        stop: fn() -> C,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self {
            post,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn post(&self) -> &Arc<Post<C>> {
        &self.post
    }
}

impl<C> Drop for Running<C> {
    fn drop(&mut self) {
        self.post.send((self.stop)());
        if let Some(thread) = self.thread.lock().take() {
            // A pump that panicked has nothing left to close.
            let _panicked = thread.join();
        }
    }
}
