//! Connections, bounded in number and in time: whoever sends nothing, or takes nothing, is hung up
//! on.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

/// Connections at once; more wait to be taken. Never more than half of the files that the process may hold: scans need
/// theirs.
const MOST_CONNECTIONS: usize = 8192;
/// How long the lines of a request may take to come, also between two requests.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a peer may take nothing of what there is for it.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are kept for a peer that takes them slowly, and that the lines of a request may have.
const MOST_BYTES: usize = 32 << 10;
/// Bytes that the system keeps for such a peer, beside those that are on their way.
const MOST_UNSENT: u32 = 32 << 10;

fn most_connections() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _hard)| soft);
    usize::try_from(files / 2).map_or(MOST_CONNECTIONS, |half| half.min(MOST_CONNECTIONS))
}
/// How long what has begun may take to end when the service stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// After a connection that could not be taken, such as for want of files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; then lets those go who wait, and returns when everybody has the answer that
/// was begun.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    stopping: &watch::Sender<bool>,
) {
    let room = Arc::new(Semaphore::new(most_connections()));
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
            Some(_ended) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let serving = connection(stream, router.clone(), stopping.subscribe());
                connections.spawn(async move {
                    if let Err(error) = serving.await {
                        tracing::debug!(%peer, %error, "a connection has ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(FAREWELL, all).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    // Events are small, and are to be seen at once.
    let _best_effort = stream.set_nodelay(true);
    // What waits here is old when it is read, and the system would keep megabytes.
    let _best_effort = SockRef::from(&stream).set_tcp_notsent_lowat(MOST_UNSENT);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_PATIENCE));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MOST_BYTES)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        );
    let mut serving = pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => return ended,
        _stops = stopping.wait_for(|stops| *stops) => serving.as_mut().graceful_shutdown(),
    }
    serving.await
}
