//! Where the sealed streams come in: finds out who calls, lets it in or not, and ends the sessions of those
//! who are withdrawn.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use skyscan_transport_keys::{
    Admission, PublicKey, SecretKey, count_caller, no_handshake, turn_away,
};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Departures, carry};
use crate::noise::{Answer, SealError, listen};

/// Callers that are not known yet, at most: the others wait to be heard.
const MOST_CALLERS: usize = 512;
/// Who has not said by then who it is, is hung up on.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after the system had no connection to give.
const PAUSE: Duration = Duration::from_millis(200);

/// The door of a place.
#[derive(Debug)]
pub(crate) struct Door {
    secret: SecretKey,
    admission: Admission,
    inner: PathBuf,
    callers: Semaphore,
    departures: Departures,
}

impl Door {
    /// A door to what listens at a socket in the file system.
    pub(crate) fn new(
        secret: SecretKey,
        admission: Admission,
        inner: &Path,
        departures: Departures,
    ) -> Arc<Self> {
        Arc::new(Self {
            secret,
            admission,
            inner: inner.to_path_buf(),
            callers: Semaphore::new(MOST_CALLERS),
            departures,
        })
    }

    /// Lets in whoever comes, for as long as it is polled. All sessions end with it.
    pub(crate) async fn open(self: Arc<Self>, listener: TcpListener) {
        let mut sessions = JoinSet::new();
        let looking = self.admission.keep_looking();
        tokio::pin!(looking);
        loop {
            tokio::select! {
                () = &mut looking => {}
                Some(_) = sessions.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => drop(sessions.spawn(Arc::clone(&self).meet(stream, from))),
                    Err(error) => {
                        tracing::warn!("cannot take a connection, will try again: {error}");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    async fn meet(self: Arc<Self>, stream: TcpStream, from: SocketAddr) {
        let heard = {
            let Ok(_permit) = self.callers.acquire().await else {
                return;
            };
            timeout(PATIENCE, self.identify(stream)).await
        };
        let (peer, name, session) = match heard {
            Ok(Ok(Some(admitted))) => admitted,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => return refuse(from, "no_handshake", &no_handshake(&error)),
            Err(_) => return refuse(from, "too_slow", "said nothing for too long"),
        };
        count_caller("let_in");
        tracing::debug!("{name} ({peer:?}) from {from} is let in");
        let mut changes = self.admission.changes();
        tokio::pin!(session);
        loop {
            tokio::select! {
                outcome = &mut session => {
                    if let Err(error) = outcome {
                        tracing::debug!("the session of {name} ({peer:?}) from {from} ended: {error}");
                    }
                    return;
                }
                changed = changes.changed() => {
                    if changed.is_err() || self.admission.name(peer).is_none() {
                        return refuse(from, "withdrawn", &format!("{name} ({peer:?}) was withdrawn, its session ends"));
                    }
                }
            }
        }
    }

    /// Finds out who calls, and answers; none if it is not let in.
    async fn identify(
        &self,
        mut stream: TcpStream,
    ) -> Result<
        Option<(
            PublicKey,
            String,
            impl Future<Output = Result<(), SealError>> + use<>,
        )>,
        SealError,
    > {
        stream.set_nodelay(true)?;
        let from = stream.peer_addr()?;
        let caller = listen(&mut stream, &self.secret).await?;
        let peer = caller.peer;
        let name = match self.admission.admit(peer, &caller.request) {
            Ok(name) => name,
            Err(refusal) => {
                refuse(
                    from,
                    refusal.word(),
                    &format!("{peer:?}: {}", refusal.told()),
                );
                caller
                    .answer(&mut stream, &Answer::Refused(refusal.told().to_owned()))
                    .await?;
                return Ok(None);
            }
        };
        let Some(under_way) = self.departures.begin() else {
            return Ok(None);
        };
        let inner = UnixStream::connect(&self.inner).await?;
        let (sealer, opener) = caller.answer(&mut stream, &Answer::LetIn).await?;
        Ok(Some((
            peer,
            name,
            carry(inner, stream, sealer, opener, under_way),
        )))
    }
}

fn refuse(from: SocketAddr, reason: &'static str, words: &str) {
    turn_away(reason, &format!("{from}: {words}"));
}

#[cfg(test)]
mod tests {
    use skyscan_transport_keys::{HubKeys, LinkKeys, add_worker, make};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::super::Threads;
    use super::*;
    use crate::noise::ask;

    /// A door before somebody who says back whatever is said, and the folder of its keys.
    async fn door() -> (tempfile::TempDir, SocketAddr, (JoinSet<()>, Threads)) {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path()).unwrap();
        let inner = dir.path().join("inner");
        let echo = UnixListener::bind(&inner).unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let keys = HubKeys::read(dir.path()).unwrap();
        let threads = Threads::start().unwrap();
        let admission = Admission::of(dir.path());
        let door = Door::new(keys.secret, admission, &inner, threads.departures());
        running.spawn(door.open(listener));
        (dir, address, (running, threads))
    }

    #[tokio::test]
    async fn who_is_let_in_is_carried_until_it_is_withdrawn() {
        let (dir, address, _running) = door().await;
        let given = add_worker(dir.path(), "a").unwrap();
        let keys = LinkKeys::read(&given).unwrap();
        // The list is read within a moment.
        let (mut stream, sealer, opener) = loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            if let Ok((sealer, opener)) = ask(&mut stream, &keys.secret, keys.scanner, b"").await {
                break (stream, sealer, opener);
            }
        };
        let (mut wire_in, mut wire_out) = stream.split();
        let (mut mouth, mut said) = tokio::io::duplex(1000);
        let (mut heard, mut ear) = tokio::io::duplex(1000);
        let key = dir.path().join("workers/a.pub");
        // It goes on talking until it is cut.
        let talking = async move {
            mouth.write_all(b"is anybody there?").await.unwrap();
            let mut answer = [0; 17];
            ear.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"is anybody there?");
            let begun = tokio::time::Instant::now();
            std::fs::remove_file(key).unwrap();
            (begun, mouth)
        };
        let (_, carried, (begun, _mouth)) = tokio::join!(
            async {
                timeout(PATIENCE, sealer.send_all(&mut said, &mut wire_out))
                    .await
                    .map(drop)
            },
            async {
                let carried = timeout(PATIENCE, opener.receive_all(&mut wire_in, &mut heard)).await;
                (carried, tokio::time::Instant::now())
            },
            talking
        );
        let (carried, cut) = carried;
        assert!(carried.unwrap().is_err(), "it was cut, not ended");
        let took = cut - begun;
        assert!(took < Duration::from_secs(1), "{took:?}");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let refused = ask(&mut stream, &keys.secret, keys.scanner, b"").await;
        assert!(
            matches!(refused.err().unwrap(), SealError::Refused(reason) if reason.contains("keygen"))
        );
    }

    #[tokio::test]
    async fn strangers_are_hung_up_on_and_hold_up_nobody() {
        let (dir, address, _running) = door().await;
        let given = add_worker(dir.path(), "a").unwrap();
        let keys = LinkKeys::read(&given).unwrap();
        let mut strangers = Vec::new();
        for _ in 0..200 {
            let mut stranger = TcpStream::connect(address).await.unwrap();
            stranger.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            strangers.push(stranger);
            // Others say nothing at all.
            strangers.push(TcpStream::connect(address).await.unwrap());
        }
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            if ask(&mut stream, &keys.secret, keys.scanner, b"")
                .await
                .is_ok()
            {
                break;
            }
        }
        let mut nothing = Vec::new();
        let n = timeout(PATIENCE, strangers[0].read_to_end(&mut nothing))
            .await
            .unwrap();
        assert!(n.is_err() || n.is_ok_and(|n| n == 0));
    }
}
