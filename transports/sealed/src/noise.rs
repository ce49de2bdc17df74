//! Sealed streams: the handshake over a fresh connection, and what travels behind it.
//!
//! The two messages of the handshake (`skyscan-transport-keys`) go each behind its length in two bytes. Then each
//! end says one sealed piece: who dials what it wants to be let in for (a token, or nothing), which only the owner
//! of the key can have sealed, and who listens whether it is, or the reason why not.
//!
//! Then pieces of at most 64 KiB, each behind its length in two bytes, with a number that is not sent: a
//! piece that is lost, repeated, changed or in another order cannot be opened, and ends the session. An empty
//! piece is the end; a stream that ends without one was cut. After [`PIECES_PER_KEY`] pieces of one direction
//! its key is replaced (The Noise Protocol Framework, revision 34, section 4.2, rekey).

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use skyscan_transport_keys::{Agreed, MOST_GREETING, PublicKey, SecretKey, Unopened, dial, hear};
use snow::TransportState;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::proxy::ProxyError;

/// Binds the handshake to the version of what follows it.
const PROLOGUE: &[u8] = b"skyscan sealed stream 1";
/// Longest message of Noise, and so of ours.
const MOST_SEALED: usize = 65_535;
/// Bytes that sealing adds.
const TAG: usize = 16;
/// Most bytes of a piece before it is sealed.
pub(crate) const MOST_PLAIN: usize = MOST_SEALED - TAG;
/// After so many pieces of one direction its key is replaced: 256 MiB at most.
pub(crate) const PIECES_PER_KEY: u64 = 4096;

/// Why a stream came to an end before it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A proxy is on the way, and does not let us through.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A message could not be opened.
    #[error(transparent)]
    Broken(#[from] Unopened),
    /// A message is longer than it may be.
    #[error("a message of {0} bytes is longer than a handshake is")]
    TooLong(usize),
    /// The other end greets as ZeroMQ does.
    #[error(
        "the other end speaks plain ZeroMQ, zmq://, and this one is sealed: zmqs:// with --keys at both"
    )]
    Plain,
    /// The other end closed before it had answered.
    #[error(
        "the other end hung up in the middle of the handshake: it may have another key than the one that is pinned here, \
         or not expect sealed streams; take the folder of keys that skyscan keygen made there for this one"
    )]
    HungUp,
    /// The other end says no.
    #[error("refused: {0}")]
    Refused(String),
}

/// What the one who is asked says to a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    LetIn,
    Refused(String),
}

/// Somebody whose key is proven, and who waits to be let in.
pub(crate) struct Caller {
    /// Its key.
    pub(crate) peer: PublicKey,
    /// What it asks with.
    pub(crate) request: Zeroizing<Vec<u8>>,
    sealer: Sealer,
    opener: Opener,
}

/// Dials: shows the own key and a request to the owner of a key over a fresh connection.
///
/// # Errors
/// If the connection fails, the other end is somebody else, or says no.
pub(crate) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    own: &SecretKey,
    other: PublicKey,
    request: &[u8],
) -> Result<(Sealer, Opener), SealError> {
    let (dialled, greeting) = dial(own, other, PROLOGUE)?;
    write(stream, &greeting).await?;
    let answer = heard(stream).await?;
    let agreed = dialled.answered(&answer).map_err(|_| Unopened)?;
    let (mut sealer, mut opener) = halves(agreed)?;
    sealer.say(stream, request).await?;
    let mut plain = vec![0; MOST_SEALED];
    let n = opener.piece(stream, &mut plain).await?;
    match Answer::decode(&plain[..n]) {
        Answer::LetIn => Ok((sealer, opener)),
        Answer::Refused(reason) => Err(SealError::Refused(reason)),
    }
}

/// The answer to a greeting.
async fn heard<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, SealError> {
    match read(stream, MOST_GREETING).await {
        Err(SealError::Io(error)) if is_end(&error) => Err(SealError::HungUp),
        read => read?.ok_or(SealError::HungUp),
    }
}

/// Listens: finds out who calls over a fresh connection, and what it asks with.
///
/// # Errors
/// If the connection fails, the caller means another key, or cannot prove its own.
pub(crate) async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    own: &SecretKey,
) -> Result<Caller, SealError> {
    let greeting = read(stream, MOST_GREETING)
        .await?
        .ok_or(SealError::HungUp)?;
    let heard = hear(own, PROLOGUE, &greeting)?;
    write(stream, &heard.answer).await?;
    let (sealer, mut opener) = halves(heard.agreed)?;
    // It is not known yet: a long request is none.
    let sealed = read(stream, MOST_GREETING)
        .await?
        .ok_or(SealError::HungUp)?;
    let mut request = Zeroizing::new(vec![0; MOST_GREETING]);
    let n = opener.open(&sealed, &mut request)?;
    request.truncate(n);
    Ok(Caller {
        peer: heard.peer,
        request,
        sealer,
        opener,
    })
}

impl Caller {
    /// Answers; the halves are of use only if the answer lets the caller in.
    ///
    /// # Errors
    /// If the connection fails.
    pub(crate) async fn answer<S: AsyncWrite + Unpin>(
        mut self,
        stream: &mut S,
        answer: &Answer,
    ) -> Result<(Sealer, Opener), SealError> {
        self.sealer.say(stream, &answer.encode()).await?;
        Ok((self.sealer, self.opener))
    }
}

impl Answer {
    /// A reason is a few lines.
    const MOST_REASON: usize = 1000;

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::LetIn => vec![1],
            Self::Refused(reason) => {
                let mut bytes = vec![0];
                bytes.extend(reason.bytes().take(Self::MOST_REASON));
                bytes
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        match bytes.split_first() {
            Some((1, _)) => Self::LetIn,
            Some((_, reason)) => Self::Refused(String::from_utf8_lossy(reason).into_owned()),
            None => Self::Refused("without a reason".to_owned()),
        }
    }
}

fn halves(agreed: Agreed) -> Result<(Sealer, Opener), SealError> {
    let state = Arc::new(Mutex::new(agreed.into_stream()?));
    let sealer = Sealer {
        state: Arc::clone(&state),
        n_pieces: 0,
        sealed: vec![0; MOST_SEALED + 2],
    };
    Ok((sealer, Opener { state, n_pieces: 0 }))
}

/// Seals what goes out.
pub(crate) struct Sealer {
    state: Arc<Mutex<TransportState>>,
    n_pieces: u64,
    sealed: Vec<u8>,
}

/// Opens what comes in.
pub(crate) struct Opener {
    state: Arc<Mutex<TransportState>>,
    n_pieces: u64,
}

impl Sealer {
    /// A piece as it goes over the wire; `plain` is at most [`MOST_PLAIN`] bytes.
    fn seal(&mut self, plain: &[u8]) -> Result<&[u8], SealError> {
        let n = {
            let mut state = self.state.lock();
            let n = state
                .write_message(plain, &mut self.sealed[2..])
                .map_err(|_| Unopened)?;
            self.n_pieces += 1;
            if self.n_pieces.is_multiple_of(PIECES_PER_KEY) {
                state.rekey_outgoing();
            }
            n
        };
        let length = u16::try_from(n).map_err(|_| SealError::TooLong(n))?;
        self.sealed[..2].copy_from_slice(&length.to_be_bytes());
        Ok(&self.sealed[..n + 2])
    }

    /// Sends everything that a stream gives until its end, and then says that this was the end.
    ///
    /// # Errors
    /// If a stream fails.
    pub(crate) async fn send_all<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        mut self,
        plain: &mut R,
        wire: &mut W,
    ) -> Result<(), SealError> {
        let mut buffer = vec![0; MOST_PLAIN];
        loop {
            let n = plain.read(&mut buffer).await?;
            wire.write_all(self.seal(&buffer[..n])?).await?;
            if n == 0 {
                return Ok(wire.shutdown().await?);
            }
        }
    }

    /// Sends one piece.
    async fn say<W: AsyncWrite + Unpin>(
        &mut self,
        wire: &mut W,
        plain: &[u8],
    ) -> Result<(), SealError> {
        Ok(wire.write_all(self.seal(plain)?).await?)
    }
}

impl Opener {
    /// The next piece, in `plain`: how long it is, 0 for the last one.
    async fn piece<R: AsyncRead + Unpin>(
        &mut self,
        wire: &mut R,
        plain: &mut [u8],
    ) -> Result<usize, SealError> {
        // A stream that ends here ends without its last piece: it was cut.
        let sealed = read(wire, MOST_SEALED).await?.ok_or(Unopened)?;
        self.open(&sealed, plain)
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<usize, SealError> {
        let mut state = self.state.lock();
        let n = state.read_message(sealed, plain).map_err(|_| Unopened)?;
        self.n_pieces += 1;
        if self.n_pieces.is_multiple_of(PIECES_PER_KEY) {
            state.rekey_incoming();
        }
        Ok(n)
    }

    /// Hands everything that comes to a stream, until the other end says that this was the end.
    ///
    /// # Errors
    /// If a stream fails, was cut, or a piece cannot be opened.
    pub(crate) async fn receive_all<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        mut self,
        wire: &mut R,
        plain: &mut W,
    ) -> Result<(), SealError> {
        let mut buffer = vec![0; MOST_SEALED];
        loop {
            let n = self.piece(wire, &mut buffer).await?;
            if n == 0 {
                return Ok(plain.shutdown().await?);
            }
            plain.write_all(&buffer[..n]).await?;
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(stream: &mut W, message: &[u8]) -> Result<(), SealError> {
    let length = u16::try_from(message.len()).map_err(|_| SealError::TooLong(message.len()))?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    Ok(stream.write_all(&framed).await?)
}

/// The first two bytes of a ZeroMQ socket's greeting (ZMTP 3.1, section 3.2), as a length: longer than any handshake.
const PLAIN_GREETING: usize = 0xff00;

/// The next message of at most so many bytes; `None` at the end of the stream.
async fn read<R: AsyncRead + Unpin>(
    stream: &mut R,
    most: usize,
) -> Result<Option<Vec<u8>>, SealError> {
    let mut length = [0; 2];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let length = usize::from(u16::from_be_bytes(length));
    match length {
        PLAIN_GREETING if length > most => return Err(SealError::Plain),
        _ if length > most => return Err(SealError::TooLong(length)),
        _ => {}
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(Some(message))
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

#[cfg(test)]
mod tests;
