//! Connections that can be cut, slow, dumb and damaged.

use std::time::Duration;

use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// What is read at once.
const PIECE: usize = 16 * 1024;
/// What is written at once of a connection that is sliced.
const SLICE: usize = 7;
/// Of so many pieces one is damaged.
const DAMAGED_OF: u32 = 4;

/// How it is on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Each piece comes so much later.
    pub(crate) late: Option<Duration>,
    pub(crate) bytes_per_s: Option<u32>,
    pub(crate) is_sliced: bool,
    /// What is sent vanishes.
    pub(crate) is_dumb: bool,
    pub(crate) flips: bool,
    /// Connections from before the last cut are reset.
    pub(crate) n_cuts: u64,
}

/// Carries connections to a port of this machine until it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where to dial.
    pub(crate) port: u16,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    /// In front of this port.
    pub(crate) async fn before(port: u16, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?.port();
        let (weather, seen) = watch::channel(Weather::default());
        tokio::spawn(async move {
            let mut ended = seen.clone();
            tokio::select! {
                () = serve(listener, port, seen, seed) => {}
                () = async { while ended.changed().await.is_ok() {} } => {}
            }
        });
        Ok(Self { port: at, weather })
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(how);
    }
}

async fn serve(listener: TcpListener, port: u16, weather: watch::Receiver<Weather>, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    while let Ok((here, _)) = listener.accept().await {
        let Ok(there) = TcpStream::connect(("127.0.0.1", port)).await else {
            continue;
        };
        // Small pieces are not kept back for others.
        let _ = (here.set_nodelay(true), there.set_nodelay(true));
        let ((from_here, to_here), (from_there, to_there)) =
            (here.into_split(), there.into_split());
        let (up, down) = (random.random(), random.random());
        let n_cuts = weather.borrow().n_cuts;
        let [at_up, at_down] = [weather.clone(), weather.clone()];
        tokio::spawn(async move {
            // Both ends hear of it when one way ends.
            tokio::select! {
                () = carry(from_here, to_there, at_up.clone(), up) => {}
                () = carry(from_there, to_here, at_down, down) => {}
                () = cut(at_up, n_cuts) => {}
            }
        });
    }
}

/// Returns at the next cut, or with the proxy.
async fn cut(mut weather: watch::Receiver<Weather>, n_cuts: u64) {
    // An error is the proxy's end.
    let _ = weather.wait_for(|weather| weather.n_cuts > n_cuts).await;
}

/// Hands on what comes until an end hangs up.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    weather: watch::Receiver<Weather>,
    seed: u64,
) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut buffer = vec![0; PIECE];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let piece = &mut buffer[..n];
        let now = *weather.borrow();
        if now.is_dumb {
            continue;
        }
        if let Some(late) = now.late {
            sleep(late).await;
        }
        if let Some(bytes_per_s) = now.bytes_per_s {
            sleep(Duration::from_secs_f64(n as f64 / f64::from(bytes_per_s))).await;
        }
        if now.flips && random.random_ratio(1, DAMAGED_OF) {
            let at = random.random_range(0..n);
            piece[at] ^= 1 << random.random_range(0..8);
        }
        let most = if now.is_sliced { SLICE } else { n };
        for slice in piece.chunks(most) {
            if to.write_all(slice).await.is_err() {
                return;
            }
            if now.is_sliced {
                tokio::task::yield_now().await;
            }
        }
    }
}
