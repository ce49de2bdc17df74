//! A look at the place where no scan comes up: does its name exist, and does anybody listen?

use std::io::Read;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A ZeroMQ socket greets whoever connects, beginning with this byte (ZMTP 3.1, section 3.2); a sealed place
/// waits to be greeted.
const GREETING: u8 = 0xff;
/// Longest wait for that.
const GREETED_WITHIN: Duration = Duration::from_millis(500);

/// What there is at an address that has a name and a port, for who would reach it by this URL, in a few words; takes
/// up to a few seconds.
pub(super) fn look_at(address: &str, url: &str) -> String {
    let found = match address.to_socket_addrs() {
        Ok(found) => found,
        Err(error) => return format!("the name in {address} cannot be resolved ({error})"),
    };
    let mut refusal = format!("the name in {address} has no address");
    for resolved in found {
        match TcpStream::connect_timeout(&resolved, PATIENCE) {
            Ok(stream) => return met(resolved, url, greets(stream)),
            Err(error) if resolved.ip().is_unspecified() => {
                refusal = format!(
                    "nobody answers at {resolved} ({error}), which is this machine: name that of the scan instead"
                );
            }
            Err(error) => refusal = format!("nobody answers at {resolved} ({error})"),
        }
    }
    refusal
}

fn greets(mut stream: TcpStream) -> bool {
    let mut first = [0];
    let read = stream
        .set_read_timeout(Some(GREETED_WITHIN))
        .and_then(|()| stream.read(&mut first));
    matches!(read, Ok(1)) && first == [GREETING]
}

/// Who listens, and by which URL it is reached if not by this one.
fn met(at: SocketAddr, url: &str, greets: bool) -> String {
    match (url.split_once(':').map(|(scheme, _)| scheme), greets) {
        (Some("zmq"), false) => {
            format!(
                "who listens at {at} does not answer in plain ZeroMQ: a sealed place takes zmqs:// and --keys; what is \
                 stopped, or has too much to do, says nothing either"
            )
        }
        (Some("zmqs"), true) => {
            format!(
                "who listens at {at} speaks plain ZeroMQ: such a place takes zmq://, and nothing is sealed there"
            )
        }
        _ => format!("somebody listens at {at}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_listeners_are_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let told = look_at(&address, "amqp://here");
        assert_eq!(told, format!("somebody listens at {address}"));
        // It says nothing.
        let told = look_at(&address, "zmq://here");
        assert!(told.contains("a sealed place takes zmqs://"), "{told}");
        let greeter = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let there = greeter.local_addr().unwrap().to_string();
        let greeting = std::thread::spawn(move || {
            let (mut stream, _) = greeter.accept().unwrap();
            std::io::Write::write_all(&mut stream, &[GREETING, 0, 0]).unwrap();
        });
        let told = look_at(&there, "zmqs://here");
        assert!(told.contains("such a place takes zmq://"), "{told}");
        greeting.join().unwrap();
        drop(listener);
        let told = look_at(&address, "zmq://here");
        assert!(
            told.starts_with(&format!("nobody answers at {address}")),
            "{told}"
        );
        let anywhere = address.replace("127.0.0.1", "0.0.0.0");
        let told = look_at(&anywhere, "zmq://here");
        assert!(told.contains("name that of the scan"), "{told}");
        let told = look_at("no-such-host.invalid:5555", "zmq://here");
        assert!(
            told.contains("no-such-host.invalid:5555 cannot be resolved"),
            "{told}"
        );
    }
}
