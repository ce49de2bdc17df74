//! Plain is for the desk: from where a place can be reached, and what is said of one that is open to others.
//!
//! Decision: Plain is for the desk (`docs/decisions.md`).

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::{TransportUrlError, address, shown};

/// Refuses a place that others reach and where nothing is sealed, unless it is allowed.
pub(super) fn check(url: &str, insecure: bool) -> Result<(), TransportUrlError> {
    match insecure || is_sealed_or_here(url) {
        true => Ok(()),
        false => Err(refused(url)),
    }
}

/// Whether a URL names a transport of which nothing is sealed, over a network if it leads to one.
pub fn is_open(url: &str) -> bool {
    ["zmq:", "amqp:"].iter().any(|open| url.starts_with(open))
}

/// Whether what travels to a place is sealed, or never leaves this machine. Looks a name up.
fn is_sealed_or_here(url: &str) -> bool {
    !is_open(url) || address(url).is_some_and(|address| resolves_to_loopback(&address))
}

/// Whether only this machine reaches an address that somebody listens at.
pub fn is_loopback(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(address) => address.is_loopback(),
        // An IPv4 address may be written as one of IPv6.
        IpAddr::V6(address) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}

/// A name may have several addresses, and none that is known now may have one later.
fn resolves_to_loopback(address: &str) -> bool {
    let found: Vec<SocketAddr> = address
        .to_socket_addrs()
        .map(Iterator::collect)
        .unwrap_or_default();
    !found.is_empty() && found.into_iter().all(is_loopback)
}

fn refused(url: &str) -> TransportUrlError {
    let place = shown(url);
    let (and, instead) = match place.strip_prefix("amqp:") {
        Some(rest) => (
            ", the broker's password, too",
            format!("amqps:{rest} with a broker that has a certificate"),
        ),
        None => (
            ", and whoever reaches it may join",
            format!(
                "{} with --keys DIR, which `skyscan keygen DIR --worker NAME` makes",
                place.replacen("zmq:", "zmqs:", 1)
            ),
        ),
    };
    TransportUrlError::Open {
        place,
        and,
        instead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_resolves_to_loopback_is_here() {
        for url in [
            "memory:",
            "zmq+ipc:///run/here",
            "zmq://127.0.0.1:5555",
            "zmq://127.8.9.10:5555?connections=own",
            "zmq://[::1]:5555",
            "zmq://[::ffff:127.0.0.1]:5555",
            "zmq://localhost:5555",
            "amqp://me@localhost/vhost",
            "zmqs://0.0.0.0:5555",
            "amqps://me@broker.example/vhost",
        ] {
            assert!(is_sealed_or_here(url), "{url}");
        }
        for url in [
            "zmq://0.0.0.0:5555",
            "zmq://*:5555",
            "zmq://[::]:5555",
            "zmq://192.0.2.1:5555",
            "zmq://no-such-host.invalid:5555",
            "amqp://me:127.0.0.1@192.0.2.1/vhost",
            "amqp://192.0.2.1:5672",
        ] {
            assert!(!is_sealed_or_here(url), "{url}");
        }
    }

    #[test]
    fn what_is_refused_is_told_with_what_to_do_and_without_a_password() {
        let told = refused("zmq://0.0.0.0:5555").to_string();
        for words in ["zmqs://0.0.0.0:5555", "skyscan keygen", "--insecure"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        let told = refused("amqp://me:canary@192.0.2.1/vhost").to_string();
        assert!(
            told.contains("amqps://me@192.0.2.1/vhost") && told.contains("--insecure"),
            "{told}"
        );
        assert!(!told.contains("canary"), "{told}");
    }
}
