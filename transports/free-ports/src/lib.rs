//! Ports of loopback that are free, and stay so until somebody listens at them who was given their number.
//!
//! A port that was free a moment ago may be given to somebody else before it is listened at: to another test that asks
//! for one, or to an outgoing connection. Here each port is held by a socket that is bound to it and does not listen.
//! The system gives the port to nobody who asks for any; whoever names it may listen, if it reuses addresses
//! (`SO_REUSEADDR`), as ZeroMQ, RabbitMQ, tokio and most servers do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};

/// What holds the ports, until the process ends.
static HELD: Mutex<Vec<Socket>> = Mutex::new(Vec::new());

/// Returns ports of loopback that nobody listens at, each given once only.
///
/// # Errors
/// When the system has no port or no file left.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port()?;
    }
    Ok(ports)
}

/// Returns one such port.
///
/// # Errors
/// As those of [`free_ports`].
pub fn free_port() -> io::Result<u16> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let address = socket.local_addr()?;
    HELD.lock().push(socket);
    address
        .as_socket()
        .map(|address| address.port())
        .ok_or_else(|| io::Error::other("a socket without a port"))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_port_is_given_once_and_can_be_listened_at_again_and_again() {
        let mut ports: Vec<u16> = (0..500).map(|_| free_port().unwrap()).collect();
        let others: Vec<_> = (0..500)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        ports.extend(others.iter().map(|o| o.local_addr().unwrap().port()));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 1000);
        let [port] = free_ports().unwrap();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect_err("nobody listens");
        for _ in 0..3 {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
            let dialled = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            assert_ne!(dialled.local_addr().unwrap().port(), port);
            drop((accepted, dialled));
        }
    }
}
