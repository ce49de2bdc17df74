//! A tunnel for each connection: on one side a socket in the file system that only this process reaches, on
//! the other the sealed stream. What speaks through it is not known here.

pub(crate) mod dialled;
pub(crate) mod listening;

mod threads;

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::io::split;
use tokio::net::{TcpStream, UnixStream};

use crate::noise::{Opener, SealError, Sealer};
pub(crate) use threads::{Departures, Threads, UnderWay};

/// A socket in a folder of its own that nobody else can enter; both go with it.
#[derive(Debug)]
pub(crate) struct InnerSocket {
    path: PathBuf,
    _dir: TempDir,
}

impl InnerSocket {
    pub(crate) fn new() -> io::Result<Self> {
        // tempfile makes folders that only their owner can enter.
        let dir = tempfile::Builder::new()
            .prefix("skyscan-sealed-")
            .tempdir()?;
        Ok(Self {
            path: dir.path().join("inner"),
            _dir: dir,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// As the transport inside names it.
    pub(crate) fn url(&self, options: &str) -> String {
        format!("zmq+ipc://{}{options}", self.path.display())
    }
}

/// Carries both ways until both have ended, or one fails: then the other one ends, too.
///
/// # Errors
/// If a stream fails, was cut, or what came cannot be opened.
pub(crate) async fn carry(
    plain: UnixStream,
    sealed: TcpStream,
    sealer: Sealer,
    opener: Opener,
    under_way: UnderWay,
) -> Result<(), SealError> {
    let (mut plain_in, mut plain_out) = split(plain);
    let (mut sealed_in, mut sealed_out) = split(sealed);
    let out = async {
        let sent = sealer.send_all(&mut plain_in, &mut sealed_out).await;
        drop(under_way);
        sent
    };
    let back = opener.receive_all(&mut sealed_in, &mut plain_out);
    tokio::try_join!(out, back).map(drop)
}
