//! Where a hub listens and links dial, and over how many connections: `zmq://host:port` or
//! `zmq+ipc:///path`, with `?connections=own` or without.
//!
//! Decision: Links of a process share a connection (`docs/decisions.md`).

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
};

/// A checked address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { host: String, port: u16 },
    Ipc { path: String },
}

/// Over how many connections the links of a process speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// One for all.
    Shared,
    /// One each, as if each link were a process.
    Own,
}

/// Why a URL names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither `zmq://` nor `zmq+ipc://`.
    #[error("expected zmq://host:port or zmq+ipc:///path, got {0}")]
    Scheme(String),
    /// No port, or one that is no number.
    #[error("expected a port behind the host in {0}")]
    Port(String),
    /// Port 0 is whatever the system picks, and nobody else would know which.
    #[error("port 0 in {0} would be one that nobody knows: name a port, or use zmq+ipc:///path")]
    AnyPort(String),
    /// No host, or no path.
    #[error("no host or path in {0}")]
    Empty(String),
    /// What stands behind the `?` is not understood.
    #[error("expected connections=shared or connections=own behind the ? in {0}")]
    Option(String),
}

impl Address {
    /// Whether it is one of a network.
    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    /// Reads a URL with its options.
    pub(crate) fn parse(url: &str) -> Result<(Self, Connections), AddressError> {
        let Some((place, option)) = url.split_once('?') else {
            return Ok((Self::parse_place(url)?, Connections::Shared));
        };
        let connections = match option {
            "connections=shared" => Connections::Shared,
            "connections=own" => Connections::Own,
            _ => return Err(AddressError::Option(url.to_owned())),
        };
        Ok((Self::parse_place(place)?, connections))
    }

    fn parse_place(url: &str) -> Result<Self, AddressError> {
        if let Some(path) = url.strip_prefix("zmq+ipc://") {
            return match path.is_empty() {
                true => Err(AddressError::Empty(url.to_owned())),
                false => Ok(Self::Ipc {
                    path: path.to_owned(),
                }),
            };
        }
        let rest = url
            .strip_prefix("zmq://")
            .ok_or_else(|| AddressError::Scheme(url.to_owned()))?;
        let rest = rest.trim_end_matches('/');
        let (host, port) = rest
            .rsplit_once(':')
            .ok_or_else(|| AddressError::Port(url.to_owned()))?;
        let port = port
            .parse()
            .map_err(|_| AddressError::Port(url.to_owned()))?;
        if host.is_empty() {
            return Err(AddressError::Empty(url.to_owned()));
        }
        if port == 0 {
            return Err(AddressError::AnyPort(url.to_owned()));
        }
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    /// What a hub binds. libzmq binds numbers only, so a name is looked up here; this may block.
    ///
    /// # Errors
    /// What the system said of a name that it does not know.
    pub(crate) fn to_bind(&self) -> io::Result<String> {
        match self {
            Self::Ipc { path } => Ok(format!("ipc://{path}")),
            Self::Tcp { host, port } if host == "*" => Ok(format!("tcp://*:{port}")),
            Self::Tcp { .. } => Ok(format!("tcp://{}", self.look_up()?)),
        }
    }

    /// The address of the host, IPv4 where it has both; this may block.
    pub(crate) fn look_up(&self) -> io::Result<SocketAddr> {
        let Self::Tcp { host, port } = self else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut found: Vec<SocketAddr> = format!("{host}:{port}").to_socket_addrs()?.collect();
        found.sort_by_key(SocketAddr::is_ipv6);
        found
            .first()
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What a link connects to: a hub that listens everywhere is reached here.
    pub(crate) fn to_connect(&self) -> String {
        match self {
            Self::Ipc { path } => format!("ipc://{path}"),
            Self::Tcp { host, port } if host == "*" || host == "0.0.0.0" => {
                format!("tcp://127.0.0.1:{port}")
            }
            Self::Tcp { host, port } if host == "[::]" => format!("tcp://[::1]:{port}"),
            Self::Tcp { host, port } => format!("tcp://{host}:{port}"),
        }
    }

    /// Whether libzmq has to be told about IPv6.
    pub(crate) fn is_ipv6(&self) -> bool {
        matches!(self, Self::Tcp { host, .. } if host.starts_with('['))
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, AddressError, Connections};

    fn place(url: &str) -> Result<Address, AddressError> {
        Address::parse(url).map(|(place, _)| place)
    }

    #[test]
    fn takes_tcp_and_ipc_and_nothing_else() {
        let address = place("zmq://*:5555").unwrap();
        assert_eq!(address.to_bind().unwrap(), "tcp://*:5555");
        assert_eq!(address.to_connect(), "tcp://127.0.0.1:5555");
        let address = place("zmq+ipc:///run/skyscan").unwrap();
        assert_eq!(address.to_bind().unwrap(), "ipc:///run/skyscan");
        let address = place("zmq://[::1]:5555/").unwrap();
        assert!(address.is_ipv6());
        assert_eq!(address.to_bind().unwrap(), "tcp://[::1]:5555");
        assert_eq!(address.to_connect(), "tcp://[::1]:5555");
        for (url, error) in [
            ("amqp://host", AddressError::Scheme("amqp://host".into())),
            ("zmq://host", AddressError::Port("zmq://host".into())),
            (
                "zmq://host:99999",
                AddressError::Port("zmq://host:99999".into()),
            ),
            ("zmq://:5555", AddressError::Empty("zmq://:5555".into())),
            ("zmq+ipc://", AddressError::Empty("zmq+ipc://".into())),
            ("zmq://*:0", AddressError::AnyPort("zmq://*:0".into())),
        ] {
            assert_eq!(place(url), Err(error));
        }
    }

    #[test]
    fn looks_names_up_before_binding() {
        assert_eq!(
            place("zmq://localhost:5555").unwrap().to_bind().unwrap(),
            "tcp://127.0.0.1:5555"
        );
        // No such name can ever be registered (RFC 6761).
        let nowhere = place("zmq://nowhere.invalid:5555").unwrap();
        assert!(nowhere.to_bind().is_err());
    }

    #[test]
    fn takes_the_number_of_connections() {
        for (url, expected) in [
            ("zmq://host:5555", Ok(Connections::Shared)),
            (
                "zmq://host:5555?connections=shared",
                Ok(Connections::Shared),
            ),
            ("zmq://host:5555/?connections=own", Ok(Connections::Own)),
            (
                "zmq+ipc:///run/skyscan?connections=own",
                Ok(Connections::Own),
            ),
            (
                "zmq://host:5555?connections=many",
                Err(AddressError::Option(
                    "zmq://host:5555?connections=many".into(),
                )),
            ),
        ] {
            let found = Address::parse(url).map(|(_, connections)| connections);
            assert_eq!(found, expected);
        }
        assert_eq!(
            place("zmq+ipc:///run/skyscan?connections=own")
                .unwrap()
                .to_bind()
                .unwrap(),
            "ipc:///run/skyscan"
        );
    }
}
