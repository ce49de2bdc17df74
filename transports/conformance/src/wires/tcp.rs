//! A wire over TCP that can be cut: bytes stay where they are, nobody is told.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    thread,
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Builder,
    sync::watch,
};

/// Carries the connections of one process to a port of this machine, on a thread of its own.
#[derive(Debug)]
pub struct TcpWire {
    port: u16,
    /// Whether bytes move; the thread ends with this sender.
    open: watch::Sender<bool>,
}

impl TcpWire {
    /// Listens on a free port for connections to this port of loopback.
    ///
    /// # Errors
    /// When no port is free, or no thread is to be had.
    pub fn lay(to: u16) -> Result<Self> {
        let listener =
            StdListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to bind the wire")?;
        listener
            .set_nonblocking(true)
            .context("failed to make the wire's socket asynchronous")?;
        let port = listener
            .local_addr()
            .context("failed to learn the port")?
            .port();
        let (open, state) = watch::channel(true);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to build the wire's runtime")?;
        thread::spawn(move || {
            runtime.block_on(async move {
                let mut ended = state.clone();
                tokio::select! {
                    // A listener that cannot be registered serves nobody, and the case fails.
                    _failed = serve(listener, to, state) => {}
                    () = async { while ended.changed().await.is_ok() {} } => {}
                }
            });
        });
        Ok(Self { port, open })
    }

    /// Where the process is to dial.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops every byte where it is.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets bytes move again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn serve(listener: StdListener, to: u16, state: watch::Receiver<bool>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (near, _) = listener.accept().await?;
        let mut open = state.clone();
        tokio::spawn(async move {
            if !opened(&mut open).await {
                return;
            }
            let Ok(far) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, to))).await
            else {
                return;
            };
            let _unset = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::spawn(carry(near_in, far_out, open.clone()));
            carry(far_in, near_out, open).await;
        });
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut open: watch::Receiver<bool>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        if !opened(&mut open).await {
            return;
        }
        let n_bytes = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n_bytes) => n_bytes,
        };
        if !opened(&mut open).await {
            return;
        }
        if to.write_all(&buffer[..n_bytes]).await.is_err() {
            return;
        }
    }
}

/// Waits until bytes move; returns false when they never will again.
async fn opened(open: &mut watch::Receiver<bool>) -> bool {
    open.wait_for(|&open| open).await.is_ok()
}
