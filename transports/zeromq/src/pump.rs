//! The life of a pump's thread.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;

use crate::post::Post;

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
