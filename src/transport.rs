//! The transport is a URL: the only file that names the backends.

mod reach;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skyscan_transport::{Transport, TransportError};
pub use skyscan_transport_keys as keys;
pub use skyscan_transport_memory::MemoryTransport;
pub use skyscan_transport_modelled as modelled;
use skyscan_transport_rabbitmq::RabbitmqTransport;
pub use skyscan_transport_rabbitmq::{Grants, Rights};
use skyscan_transport_sealed::{SealedError, SealedTransport};
use skyscan_transport_zeromq::{AddressError, ZeromqTransport};

pub use reach::{is_loopback, is_open};

/// With what a place is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Access {
    /// Folder of keys: for zmqs://, and for a broker that is not trusted with what travels.
    pub keys: Option<PathBuf>,
    /// Whether a place may be open to everyone who reaches it over a network.
    pub insecure: bool,
}

impl Access {
    /// With these keys, and no place that is open.
    pub fn keyed(keys: Option<&Path>) -> Self {
        Self {
            keys: keys.map(Path::to_path_buf),
            insecure: false,
        }
    }
}

/// Why a URL names no transport.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportUrlError {
    /// No backend goes by this scheme. The URL itself is not told: it may hold a password.
    #[error(
        "no transport has a URL like this; use memory:, zmqs://HOST:PORT (sealed, with --keys), zmq://HOST:PORT, \
         zmq+ipc:///PATH, amqps://USER@HOST:PORT/VHOST (sealed to the broker; end to end with --keys) or amqp://USER@HOST:PORT/VHOST"
    )]
    UnknownScheme,
    /// The address makes no sense to ZeroMQ.
    #[error(transparent)]
    Zeromq(#[from] AddressError),
    /// The address makes no sense behind a door, or there are no keys.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// There is no such folder of keys.
    #[error(
        "there is no folder {0} of keys: `skyscan keygen DIR` makes those of a scanner, `skyscan keygen DIR --worker NAME` \
         those of a worker, DIR/for-NAME, which is to be taken there"
    )]
    KeysGone(PathBuf),
    /// The address makes no sense to RabbitMQ.
    #[error(transparent)]
    Rabbitmq(#[from] TransportError),
    /// Others reach the place over a network, and nothing is sealed.
    #[error(
        "{place} is open: it is reached from other machines, and whoever sits on the way reads and changes what \
         travels there{and}. Use {instead}; or, where the network is yours alone, say --insecure (or SKYSCAN_INSECURE=1)"
    )]
    Open {
        /// The URL, without a password.
        place: String,
        /// What else is at stake.
        and: &'static str,
        /// What to do.
        instead: String,
    },
}

/// The transport that a URL names, with what it is opened with. Where nothing is sealed a name is looked up, which may
/// take seconds; what may not be used is not connected to.
///
/// # Errors
/// If the URL names none, it takes keys and there are none, or it is open to a network and may not be.
pub fn open(url: &str, access: &Access) -> Result<Arc<dyn Transport>, TransportUrlError> {
    // A broker is dialled, and told the password, as soon as there is a transport to it.
    if url.starts_with("amqp") {
        check(url, access.insecure)?;
        return unchecked(url, access);
    }
    let transport = unchecked(url, access)?;
    reach::check(url, access.insecure)?;
    Ok(transport)
}

/// Whether a URL names a transport that may be used, for others who have the keys.
///
/// # Errors
/// If it names none, or a place that is open to a network and may not be.
pub fn check(url: &str, insecure: bool) -> Result<(), TransportUrlError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        // Their keys and certificates may be elsewhere.
        Some("zmqs") => drop(SealedTransport::new(url, Some(Path::new("")))?),
        Some("amqp" | "amqps") => drop(Grants::at(url)?),
        _ => drop(unchecked(url, &Access::default())?),
    }
    reach::check(url, insecure)
}

fn unchecked(url: &str, access: &Access) -> Result<Arc<dyn Transport>, TransportUrlError> {
    let scheme = url.split_once(':');
    let keys = access.keys.as_deref();
    if matches!(scheme, Some(("zmqs" | "amqp" | "amqps", _)))
        && let Some(dir) = keys.filter(|dir| !dir.is_dir())
    {
        return Err(TransportUrlError::KeysGone(dir.to_path_buf()));
    }
    match scheme {
        Some(("memory", "")) => Ok(Arc::new(MemoryTransport::new())),
        Some(("zmq" | "zmq+ipc", _)) => Ok(Arc::new(ZeromqTransport::new(url)?)),
        Some(("zmqs", _)) => Ok(Arc::new(SealedTransport::new(url, keys)?)),
        Some(("amqp" | "amqps", _)) => Ok(Arc::new(RabbitmqTransport::with_keys(url, keys)?)),
        _ => Err(TransportUrlError::UnknownScheme),
    }
}

/// Whether the transport lives in this process alone, so that no other one can join.
pub fn is_local(url: &str) -> bool {
    url.starts_with("memory:")
}

/// Host and port that a URL names, if others are reached there over a network.
pub fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let default_port = match scheme {
        "zmq" | "zmqs" => None,
        "amqp" => Some(5672),
        "amqps" => Some(5671),
        _ => return None,
    };
    let authority = rest.split(['/', '?']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // The port is behind the last colon, unless that is one of an IPv6 address.
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    match (has_port, default_port) {
        (true, _) => Some(host.to_owned()),
        (false, Some(port)) => Some(format!("{host}:{port}")),
        (false, None) => None,
    }
}

/// The URL as it may be shown: without a password.
pub fn shown(url: &str) -> String {
    let secret = url.split_once("://").and_then(|(scheme, rest)| {
        // A password may hold an @, a host may not.
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        let (login, host) = authority.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!(
            "{scheme}://{user}@{host}{}",
            &rest[authority.len()..]
        ))
    });
    secret.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::{TcpListener, UdpSocket};
    use std::time::{Duration, Instant};

    #[test]
    fn a_password_is_never_shown() {
        for (url, expected) in [
            (
                "amqp://me:se@cret@host:5672/vhost?queue=quorum",
                "amqp://me@host:5672/vhost?queue=quorum",
            ),
            ("amqp://me@host/%2f", "amqp://me@host/%2f"),
            ("amqp://host", "amqp://host"),
            ("zmq://0.0.0.0:5555", "zmq://0.0.0.0:5555"),
            ("memory:", "memory:"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (url, expected) in [
            ("zmq://scanner.example:5555", Some("scanner.example:5555")),
            ("zmq://[::1]:5555?connections=own", Some("[::1]:5555")),
            ("amqp://me:se@cret@host:5673/vhost", Some("host:5673")),
            ("amqp://host/vhost", Some("host:5672")),
            ("amqps://host", Some("host:5671")),
            ("zmq+ipc:///run/here", None),
            ("memory:", None),
        ] {
            assert_eq!(address(url).as_deref(), expected, "{url}");
        }
    }

    /// Whoever listens there would be told the password.
    #[test]
    fn what_is_refused_as_open_is_not_dialled() {
        // An address of this machine that others may reach; no packet is sent for it.
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let here = socket
            .connect("192.0.2.1:9")
            .and_then(|()| socket.local_addr());
        let Some(here) = here.ok().filter(|here| !here.ip().is_loopback()) else {
            return;
        };
        let listener = TcpListener::bind((here.ip(), 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("amqp://me:canary@{}/v", listener.local_addr().unwrap());
        let refused = open(&url, &Access::default());
        assert!(matches!(refused, Err(TransportUrlError::Open { .. })));
        // Who dials does so within milliseconds.
        let until = Instant::now() + Duration::from_millis(300);
        while Instant::now() < until {
            match listener.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                came => panic!("{came:?} came"),
            }
        }
    }

    #[test]
    fn a_strange_url_is_refused_without_being_told() {
        let error = open("http://me:secret@host", &Access::default())
            .err()
            .map(|error| error.to_string());
        assert!(
            error
                .as_ref()
                .is_some_and(|text| text.contains("zmq://") && !text.contains("secret"))
        );
    }
}
