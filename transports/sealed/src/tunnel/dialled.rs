//! Where the sealed streams go out: for each connection that the transport inside makes, one over the
//! network.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::carry;
use crate::noise::{Opener, SealError, Sealer, ask};
use crate::place::LinkKeys;
use crate::proxy::Proxy;

/// Connecting and being let in take no longer than this.
const PATIENCE: Duration = Duration::from_secs(20);
/// A connection that came to nothing is held for so long, so that the transport inside does not try again at
/// once ...
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// ... and ever longer, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// What is in the way is said again after so long, if it still is.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// The way to a place.
#[derive(Debug)]
pub(crate) struct Way {
    keys: LinkKeys,
    address: String,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    n_failures: u32,
    said: Option<(String, Instant)>,
}

impl Way {
    /// To who has the pinned key, at `host:port`.
    pub(crate) fn new(keys: LinkKeys, address: String) -> Arc<Self> {
        Arc::new(Self {
            keys,
            address,
            trouble: Mutex::default(),
        })
    }

    /// Carries every connection to a socket in the file system, for as long as it is polled.
    ///
    /// # Errors
    /// If there can be no such socket.
    pub(crate) fn open(
        self: Arc<Self>,
        inner: &Path,
    ) -> io::Result<impl Future<Output = ()> + Send + use<>> {
        let listener = UnixListener::bind(inner)?;
        Ok(async move {
            let mut sessions = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = sessions.join_next() => {}
                    accepted = listener.accept() => match accepted {
                        Ok((plain, _)) => drop(sessions.spawn(Arc::clone(&self).carry(plain))),
                        Err(error) => {
                            self.fail(&format!("cannot take a connection of this process: {error}"));
                            tokio::time::sleep(FIRST_PAUSE).await;
                        }
                    },
                }
            }
        })
    }

    async fn carry(self: Arc<Self>, plain: UnixStream) {
        let reached = timeout(PATIENCE, self.reach()).await;
        let reached = reached.unwrap_or_else(|_| {
            Err(SealError::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                "no answer in time",
            )))
        });
        match reached {
            Ok((sealed, sealer, opener)) => {
                *self.trouble.lock() = Trouble::default();
                if let Err(error) = carry(plain, sealed, sealer, opener).await {
                    tracing::debug!("the session with {} ended: {error}", self.address);
                }
            }
            Err(error) => {
                let pause = self.fail(&format!("{}: {error}", self.address));
                // As if it were still connecting.
                tokio::time::sleep(pause).await;
                drop(plain);
            }
        }
    }

    async fn reach(&self) -> Result<(TcpStream, Sealer, Opener), SealError> {
        let mut stream = match Proxy::on_the_way_to(&self.address)? {
            Some(proxy) => proxy.reach(&self.address).await?,
            None => TcpStream::connect(&self.address).await?,
        };
        stream.set_nodelay(true)?;
        let LinkKeys {
            secret,
            scanner,
            token,
        } = &self.keys;
        let request = token
            .as_ref()
            .map(|token| token.to_text())
            .unwrap_or_default();
        let (sealer, opener) = ask(&mut stream, secret, *scanner, &request).await?;
        Ok((stream, sealer, opener))
    }

    /// Says what is in the way, if that is new or has been for long; returns how long to wait.
    fn fail(&self, words: &str) -> Duration {
        let mut trouble = self.trouble.lock();
        let pause = FIRST_PAUSE * 2u32.saturating_pow(trouble.n_failures.min(5));
        trouble.n_failures += 1;
        let is_news = trouble
            .said
            .as_ref()
            .is_none_or(|(said, at)| said != words || at.elapsed() > SAY_EVERY);
        if is_news {
            tracing::warn!("not let in yet, will try again: {words}");
            trouble.said = Some((words.to_owned(), Instant::now()));
        }
        pause.min(LONGEST_PAUSE)
    }
}
