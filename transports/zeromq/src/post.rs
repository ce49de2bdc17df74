//! The way into a pump: commands from any thread, and a bell that is rung only while it sleeps.

use std::{
    io::{self, Read, Write},
    mem,
    os::{fd::AsRawFd, fd::RawFd, unix::net::UnixStream},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

/// Where commands are left for a pump.
#[derive(Debug)]
pub(crate) struct Post<C> {
    /// `None` once the pump has gone: what is sent then is dropped, and with it what would answer.
    commands: Mutex<Option<Vec<C>>>,
    asleep: AtomicBool,
    bell: UnixStream,
}

/// The pump's end.
#[derive(Debug)]
pub(crate) struct Inlet<C> {
    post: Arc<Post<C>>,
    bell: UnixStream,
}

/// Makes both ends.
pub(crate) fn post<C>() -> io::Result<(Arc<Post<C>>, Inlet<C>)> {
    let (ring, hear) = UnixStream::pair()?;
    ring.set_nonblocking(true)?;
    hear.set_nonblocking(true)?;
    let post = Arc::new(Post {
        commands: Mutex::new(Some(Vec::new())),
        asleep: AtomicBool::new(false),
        bell: ring,
    });
    Ok((Arc::clone(&post), Inlet { post, bell: hear }))
}

impl<C> Post<C> {
    /// Leaves a command; returns false when the pump has gone.
    pub(crate) fn send(&self, command: C) -> bool {
        let mut commands = self.commands.lock();
        let Some(waiting) = commands.as_mut() else {
            drop(commands);
            return false;
        };
        waiting.push(command);
        drop(commands);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // A full pipe has rung already.
            let _rung = (&self.bell).write(&[1]);
        }
        true
    }
}

impl<C> Inlet<C> {
    /// The other end, for answers that come later.
    pub(crate) fn post(&self) -> Weak<Post<C>> {
        Arc::downgrade(&self.post)
    }

    /// What to poll for reading.
    pub(crate) fn bell(&self) -> RawFd {
        self.bell.as_raw_fd()
    }

    /// Takes what has been sent into an empty vector.
    pub(crate) fn take(&self, into: &mut Vec<C>) {
        if let Some(waiting) = self.post.commands.lock().as_mut() {
            mem::swap(waiting, into);
        }
    }

    /// Announces sleep; returns false when a command came meanwhile, and then there is no sleep.
    pub(crate) fn lie_down(&self) -> bool {
        self.post.asleep.store(true, Ordering::SeqCst);
        let idle = self.post.commands.lock().as_ref().is_none_or(Vec::is_empty);
        if !idle {
            self.post.asleep.store(false, Ordering::SeqCst);
        }
        idle
    }

    /// Ends sleep; `rung` when the bell can be read.
    pub(crate) fn get_up(&self, rung: bool) {
        self.post.asleep.store(false, Ordering::SeqCst);
        let mut rings = [0; 64];
        while rung && matches!((&self.bell).read(&mut rings), Ok(n) if n == rings.len()) {}
    }
}

impl<C> Drop for Inlet<C> {
    fn drop(&mut self) {
        let refused = self.post.commands.lock().take();
        drop(refused);
    }
}
