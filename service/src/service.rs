//! All of it together.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::desk::{DeskConfig, Held, OpenError, ScanDesk};
use crate::doors::Tells;
use crate::engine::Engine;
use crate::http::{self, App};
use crate::tokens::{ADMIN_FILE, TokenError, Tokens};

/// What a service may use.
#[derive(Clone, Debug)]
pub struct Config {
    /// What its desk may use.
    pub desk: DeskConfig,
    /// A folder of the operator's: submitters may name files below it.
    pub watched: Option<PathBuf>,
    /// How large an alert may be that comes by HTTP.
    pub most_event_bytes: usize,
}

impl Config {
    /// Of a service that keeps everything in `data`, with its usual bounds.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            desk: DeskConfig::new(data),
            watched: None,
            most_event_bytes: 64 << 20,
        }
    }
}

/// Why a service cannot open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The desk cannot.
    #[error(transparent)]
    Desk(#[from] OpenError),
    /// Nobody could be let in.
    #[error(transparent)]
    Tokens(#[from] TokenError),
}

/// Alerts in, maps out.
#[derive(Debug)]
pub struct Service {
    config: Config,
    desk: Arc<ScanDesk>,
    tokens: Arc<Tokens>,
}

impl Service {
    /// Opens a service: what was queued or running when it was left goes on. One process at a time
    /// has its folder.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(
        config: Config,
        held: Held,
        engine: Arc<dyn Engine>,
        tells: Arc<dyn Tells>,
    ) -> Result<Self, ServiceError> {
        let desk = ScanDesk::open(config.desk.clone(), held, engine, tells)?;
        let desk = Arc::new(desk);
        let tokens = Arc::new(Tokens::open(&config.desk.data)?);
        Ok(Self {
            config,
            desk,
            tokens,
        })
    }

    /// Who takes alerts.
    #[must_use]
    pub fn desk(&self) -> Arc<ScanDesk> {
        Arc::clone(&self.desk)
    }

    /// Who is let in.
    #[must_use]
    pub fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }

    /// The page's address with the token of the admin, which stays in the browser: what follows `#`
    /// is not sent.
    ///
    /// # Errors
    /// If the token cannot be read.
    pub fn admin_link(&self, address: SocketAddr) -> io::Result<String> {
        let token = std::fs::read_to_string(self.config.desk.data.join(ADMIN_FILE))?;
        Ok(format!("http://{address}/#token={}", token.trim()))
    }

    /// Answers whoever connects, until `stop`. Then nothing is taken any more, those who wait are
    /// let go, scans are stopped, so that they are gone on with when the service is opened again,
    /// and this returns.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let (stopping, stops) = watch::channel(false);
        let (desk, tokens) = (self.desk(), self.tokens());
        let app = Arc::new(App::new(desk, tokens, self.config.watched.clone(), stops));
        let router = http::router(app, self.config.most_event_bytes);
        http::serve(listener, router, stop, &stopping).await;
        let desk = self.desk();
        let closed = tokio::task::spawn_blocking(move || desk.close()).await;
        if let Err(panicked) = closed {
            tracing::error!(%panicked, "the desk was not closed");
        }
    }
}
