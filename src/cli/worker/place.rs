//! A look at the place where no scan comes up: does its name exist, and does anybody listen?

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What there is at an address that has a name and a port, in a few words; takes up to a few seconds.
pub(super) fn look_at(address: &str) -> String {
    let found = match address.to_socket_addrs() {
        Ok(found) => found,
        Err(error) => return format!("the name in {address} cannot be resolved ({error})"),
    };
    let mut refusal = format!("the name in {address} has no address");
    for resolved in found {
        match TcpStream::connect_timeout(&resolved, PATIENCE) {
            Ok(_) => return format!("somebody listens at {resolved}"),
            Err(error) => refusal = format!("nobody answers at {resolved} ({error})"),
        }
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_listeners_are_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert_eq!(look_at(&address), format!("somebody listens at {address}"));
        drop(listener);
        let told = look_at(&address);
        assert!(
            told.starts_with(&format!("nobody answers at {address}")),
            "{told}"
        );
        let told = look_at("no-such-host.invalid:5555");
        assert!(
            told.contains("no-such-host.invalid:5555 cannot be resolved"),
            "{told}"
        );
    }
}
