//! Where the sealed streams go out: for each connection that the transport inside makes, one over the
//! network.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skyscan_transport_keys::LinkKeys;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{Departures, carry};
use crate::noise::{Opener, SealError, Sealer, ask};
use crate::proxy::Proxy;

/// Connecting and being let in take no longer than this.
const PATIENCE: Duration = Duration::from_secs(20);
/// A connection that came to nothing is held for so long, so that the transport inside does not try again at
/// once ...
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// ... and ever longer, up to this: whoever is refused may well be refused again, and costs the place a handshake.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// Where nobody listens yet, a worker that waits for a scan is there soon after it.
const LONGEST_PAUSE_ALONE: Duration = Duration::from_secs(2);
/// What is in the way is said again after so long, if it still is.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// The way to a place.
#[derive(Debug)]
pub(crate) struct Way {
    keys: LinkKeys,
    address: String,
    trouble: Mutex<Trouble>,
    departures: Departures,
}

#[derive(Debug, Default)]
struct Trouble {
    n_failures: u32,
    /// What the place said last, if that was no.
    refused: Option<String>,
    said: Option<(String, Instant)>,
}

impl Way {
    /// To who has the pinned key, at `host:port`.
    pub(crate) fn new(keys: LinkKeys, address: String, departures: Departures) -> Arc<Self> {
        Arc::new(Self {
            keys,
            address,
            trouble: Mutex::default(),
            departures,
        })
    }

    /// Why this process is not let in, if it was told so last.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.trouble.lock().refused.clone()
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
                let Some(under_way) = self.departures.begin() else {
                    return;
                };
                if let Err(error) = carry(plain, sealed, sealer, opener, under_way).await {
                    tracing::debug!("the session with {} ended: {error}", self.address);
                }
            }
            Err(error) => {
                let pause = self.fail(&format!("{}: {error}", self.address));
                let longest = match &error {
                    SealError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        LONGEST_PAUSE_ALONE
                    }
                    _ => LONGEST_PAUSE,
                };
                self.trouble.lock().refused = match error {
                    SealError::Refused(reason) => Some(reason),
                    // Nobody is there, or a proxy is in between.
                    SealError::Io(_) | SealError::Proxy(_) => None,
                    error => Some(error.to_string()),
                };
                // As if it were still connecting.
                tokio::time::sleep(pause.min(longest)).await;
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
        let pause = FIRST_PAUSE * 2u32.saturating_pow(trouble.n_failures.min(8));
        trouble.n_failures += 1;
        let is_news = trouble
            .said
            .as_ref()
            .is_none_or(|(said, at)| said != words || at.elapsed() > SAY_EVERY);
        if is_news {
            tracing::warn!("not connected yet, will try again: {words}");
            trouble.said = Some((words.to_owned(), Instant::now()));
        }
        pause
    }
}
