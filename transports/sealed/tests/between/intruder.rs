//! Who sits on the wire: sees pieces behind their lengths, and does one thing to a piece of each session.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Pieces of a session that go through before something is done: the handshake and what follows it.
const BEFORE: usize = 8;

/// What is done to a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Nothing,
    Flip,
    FlipLength,
    LeaveOut,
    Repeat,
    Swap,
    Cut,
}

/// Somebody between a worker and a scanner. Ends with the runtime.
pub(crate) struct Intruder {
    /// Where the worker is made to go.
    pub(crate) port: u16,
    known: Arc<Known>,
}

#[derive(Default)]
struct Known {
    n_sessions: AtomicUsize,
    n_done: AtomicUsize,
    /// What the first worker said, byte by byte.
    record: Mutex<Vec<u8>>,
}

/// Which way pieces go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToScanner,
    ToWorker,
}

impl Intruder {
    /// Does something to so many sessions, in turn to what goes to the scanner and to what comes from it.
    pub(crate) async fn before(scanner: u16, deed: Deed, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let known = Arc::new(Known::default());
        let seen = Arc::clone(&known);
        tokio::spawn(async move {
            while let Ok((worker, _)) = listener.accept().await {
                let Ok(scanner) = TcpStream::connect(("127.0.0.1", scanner)).await else {
                    continue;
                };
                seen.n_sessions.fetch_add(1, Ordering::SeqCst);
                let (from_worker, to_worker) = worker.into_split();
                let (from_scanner, to_scanner) = scanner.into_split();
                let carried = |way| Carried {
                    way,
                    deed,
                    most,
                    seen: Arc::clone(&seen),
                };
                tokio::spawn(carried(Way::ToScanner).carry(from_worker, to_scanner));
                tokio::spawn(carried(Way::ToWorker).carry(from_scanner, to_worker));
            }
        });
        Self { port, known }
    }

    pub(crate) fn n_sessions(&self) -> usize {
        self.known.n_sessions.load(Ordering::SeqCst)
    }

    /// To how many pieces something was done.
    pub(crate) fn n_done(&self) -> usize {
        self.known.n_done.load(Ordering::SeqCst)
    }

    pub(crate) fn recorded(&self) -> Vec<u8> {
        self.known.record.lock().unwrap().clone()
    }
}

/// One way of one session.
struct Carried {
    way: Way,
    deed: Deed,
    most: usize,
    seen: Arc<Known>,
}

impl Carried {
    /// Hands pieces on until one end hangs up.
    async fn carry(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (mut n, mut is_done) = (0, false);
        let mut held: Option<Vec<u8>> = None;
        while let Some(piece) = next(&mut from).await {
            if self.way == Way::ToScanner {
                self.seen.record.lock().unwrap().extend_from_slice(&piece);
            }
            n += 1;
            let pieces = match n > BEFORE && !is_done && self.is_turn() {
                true => {
                    is_done = true;
                    self.done_to(piece, &mut held)
                }
                false => [Some(piece), held.take()].into_iter().flatten().collect(),
            };
            for piece in pieces {
                if to.write_all(&piece).await.is_err() {
                    return;
                }
            }
            if is_done && self.deed == Deed::Cut {
                return;
            }
        }
    }

    /// Whether it is this way's turn, and enough has not been done yet; then it counts as done.
    fn is_turn(&self) -> bool {
        let turn = |n: usize| {
            let way = if n.is_multiple_of(2) {
                Way::ToScanner
            } else {
                Way::ToWorker
            };
            (n < self.most && way == self.way).then_some(n + 1)
        };
        let n_done = &self.seen.n_done;
        n_done
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, turn)
            .is_ok()
    }

    fn done_to(&self, mut piece: Vec<u8>, held: &mut Option<Vec<u8>>) -> Vec<Vec<u8>> {
        let middle = piece.len() / 2;
        match self.deed {
            Deed::Nothing => vec![piece],
            Deed::Flip => {
                piece[middle] ^= 0x10;
                vec![piece]
            }
            Deed::FlipLength => {
                piece[1] ^= 1;
                vec![piece]
            }
            Deed::LeaveOut => Vec::new(),
            Deed::Repeat => vec![piece.clone(), piece],
            // It goes after the next one.
            Deed::Swap => {
                *held = Some(piece);
                Vec::new()
            }
            Deed::Cut => vec![piece[..middle].to_vec()],
        }
    }
}

/// A piece with its length.
async fn next(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut piece = vec![0; 2];
    from.read_exact(&mut piece).await.ok()?;
    let length = usize::from(u16::from_be_bytes([piece[0], piece[1]]));
    piece.resize(2 + length, 0);
    from.read_exact(&mut piece[2..]).await.ok()?;
    Some(piece)
}
