//! Free ports.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Returns different ports on loopback that were free a moment ago.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    // Held together: the system would give one that is free again a second time.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to bind any port")?;
        let address = listener
            .local_addr()
            .context("failed to learn the port's number")?;
        *port = address.port();
        held.push(listener);
    }
    Ok(ports)
}
