//! The transport contract over ZeroMQ behind a locked door: `zmqs://host:port`.
//!
//! Where a hub is opened, a *door* listens in ZeroMQ's place. It finds out who calls, lets in whose key is on
//! its list or who has a join token, and carries what they say to a ZeroMQ hub in the same process. Where
//! links are opened, each connection that they make goes the same way back: under seal, to the one key that
//! is pinned. The modules `noise` and, of the crate beside, `handshake` say how; nothing of ZeroMQ is reached by
//! anybody who was not let in, and nobody between the two ends reads, changes, repeats or leaves out a byte
//! unnoticed.
//!
//! Keys are files in folders (`skyscan-transport-keys`). The list of who is let in is read again when it changes; a
//! session whose key is gone ends within a second.
//!
//! A relay is a link above and a hub below, with keys of its own on both sides: the scanner trusts it like
//! its zone, and the keys of the zone's workers are on the relay's list, not on the scanner's.
//!
//! Decision: Streams are sealed, not messages of ZeroMQ (`docs/decisions.md`).

#[doc(hidden)]
pub mod fuzz;
mod noise;
mod proxy;
mod tunnel;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::backend::{HubBefore, LinkBefore};
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
    TransportError,
};
use skyscan_transport_keys::{Admission, HubKeys, LinkKeys, leave_no_core};
use skyscan_transport_zeromq::{ADDRESS_TAKEN, AddressError, ZeromqTransport};
use tokio::net::TcpListener;

use tunnel::dialled::Way;
use tunnel::listening::Door;
use tunnel::{InnerSocket, Threads};

/// Name of the transport.
const NAME: &str = "zeromq-sealed";

/// Why there is no such place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealedError {
    /// Not `zmqs://host:port`.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No folder of keys is named.
    #[error(
        "zmqs:// needs keys: name their folder with --keys or SKYSCAN_KEYS, for the upper side of a relay with \
         --upstream-keys (`skyscan keygen DIR` makes those of a scanner, `skyscan keygen DIR --worker NAME` those of a \
         worker)"
    )]
    NoKeys,
}

/// One process at a place that a `zmqs://` address names.
pub struct SealedTransport {
    /// `host:port`.
    address: String,
    /// What stands behind the address, for the transport inside.
    options: String,
    keys: PathBuf,
    hub_side: tokio::sync::Mutex<Option<Arc<Side>>>,
    link_side: Mutex<Option<Arc<Side>>>,
}

/// One side of the tunnel, and the transport that speaks through it: that ends first, then what carries its last
/// words, then its socket.
struct Side {
    inside: ZeromqTransport,
    /// Where links dial.
    way: Option<Arc<Way>>,
    _tunnel: Threads,
    _socket: InnerSocket,
}

impl SealedTransport {
    /// Takes a place by its URL, and the folder of keys. Nothing is read, bound or dialled before a hub or
    /// link is opened.
    ///
    /// # Errors
    /// If the URL names no place, or there is no folder.
    pub fn new(url: &str, keys: Option<&Path>) -> std::result::Result<Self, SealedError> {
        // ZeroMQ's own addresses are like ours.
        ZeromqTransport::new(&url.replacen("zmqs://", "zmq://", 1))?;
        let place = url.strip_prefix("zmqs://").unwrap_or(url);
        let (address, options) = match place.split_once('?') {
            Some((address, options)) => (address, format!("?{options}")),
            None => (place, String::new()),
        };
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            options,
            keys: keys.ok_or(SealedError::NoKeys)?.to_path_buf(),
            hub_side: tokio::sync::Mutex::default(),
            link_side: Mutex::default(),
        })
    }

    fn open_door(&self) -> Result<Arc<Side>> {
        let keys =
            HubKeys::read(&self.keys).map_err(|error| failed("read the keys", false, error))?;
        let tunnel = threads()?;
        let bound = std::net::TcpListener::bind(&self.address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let _entered = tunnel.runtime().enter();
            TcpListener::from_std(listener)
        });
        let listener = bound.map_err(|error| {
            let transient = error.kind() == std::io::ErrorKind::AddrInUse;
            let advice = if transient { ADDRESS_TAKEN } else { "" };
            failed(&format!("bind {}{advice}", self.address), transient, error)
        })?;
        let (inside, socket) = inside("")?;
        let door = Door::new(
            keys.secret,
            Admission::of(&keys.dir),
            socket.path(),
            tunnel.departures(),
        );
        tunnel.runtime().spawn(door.open(listener));
        Ok(Arc::new(Side {
            inside,
            way: None,
            _tunnel: tunnel,
            _socket: socket,
        }))
    }

    fn link_side(&self) -> Result<Arc<Side>> {
        let mut side = self.link_side.lock();
        if let Some(side) = side.as_ref() {
            return Ok(Arc::clone(side));
        }
        let keys =
            LinkKeys::read(&self.keys).map_err(|error| failed("read the keys", false, error))?;
        let tunnel = threads()?;
        let (inside, socket) = inside(&self.options)?;
        let way = Way::new(keys, self.address.clone(), tunnel.departures());
        let opened = {
            let _entered = tunnel.runtime().enter();
            Arc::clone(&way).open(socket.path())
        };
        tunnel
            .runtime()
            .spawn(opened.map_err(|error| failed("make a socket for itself", true, error))?);
        let opened = Arc::new(Side {
            inside,
            way: Some(way),
            _tunnel: tunnel,
            _socket: socket,
        });
        Ok(Arc::clone(side.insert(opened)))
    }
}

/// The transport inside of a tunnel, at a socket of its own.
fn inside(options: &str) -> Result<(ZeromqTransport, InnerSocket)> {
    let socket =
        InnerSocket::new().map_err(|error| failed("make a socket for itself", true, error))?;
    let inside = ZeromqTransport::new(&socket.url(options));
    let inside = inside.map_err(|error| failed("make a socket for itself", false, error))?;
    Ok((inside, socket))
}

fn threads() -> Result<Threads> {
    leave_no_core();
    Threads::start().map_err(|error| failed("start the threads that seal", true, error))
}

fn failed(
    action: &str,
    transient: bool,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TransportError {
    TransportError::Backend {
        transport: NAME,
        action: action.to_owned(),
        transient,
        source: source.into(),
    }
}

#[async_trait]
impl Transport for SealedTransport {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let mut open = self.hub_side.lock().await;
        let side = match open.as_ref() {
            Some(side) => Arc::clone(side),
            None => Arc::clone(open.insert(self.open_door()?)),
        };
        drop(open);
        let (hub, inbox) = side.inside.open_hub(config).await?;
        Ok((Arc::new(SealedHub { hub, _side: side }), inbox))
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        // Who has the hub in the same process needs no seal.
        let here = self.hub_side.lock().await.clone();
        let side = match here {
            Some(side) => side,
            None => self.link_side()?,
        };
        let (link, inbox) = side.inside.open_link(config).await?;
        Ok((Arc::new(SealedLink { link, _side: side }), inbox))
    }

    fn traffic(&self) -> Traffic {
        let link_side = self.link_side.lock().clone();
        let hub_side = self.hub_side.try_lock().ok().and_then(|side| side.clone());
        let side = link_side.or(hub_side);
        side.map(|side| side.inside.traffic()).unwrap_or_default()
    }

    fn refusal(&self) -> Option<String> {
        let side = self.link_side.lock().clone()?;
        side.way.as_ref()?.refusal()
    }
}

impl fmt::Debug for SealedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTransport")
            .field("address", &self.address)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("inside", &self.inside)
            .finish_non_exhaustive()
    }
}

/// A hub that keeps its door.
#[derive(Debug)]
struct SealedHub {
    hub: Arc<dyn Hub>,
    _side: Arc<Side>,
}

#[async_trait]
impl HubBefore for SealedHub {
    fn inner(&self) -> &dyn Hub {
        self.hub.as_ref()
    }
}

/// A link that keeps its way.
#[derive(Debug)]
struct SealedLink {
    link: Arc<dyn Link>,
    _side: Arc<Side>,
}

#[async_trait]
impl LinkBefore for SealedLink {
    fn inner(&self) -> &dyn Link {
        self.link.as_ref()
    }
}
