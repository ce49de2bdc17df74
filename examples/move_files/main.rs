//! Moves files from many folders to many others, over any transport of the contract: data of simulations on the queues
//! that scans use.
//!
//! ```text
//! move_files send    URL FOLDER...    every file of the folders, until all have arrived
//! move_files receive FOLDER URL...    files into a folder, from all who send at these places, until Ctrl-C
//! move_files relay   ABOVE BELOW      between two places, each file's content once
//! ```
//!
//! A file is a task, and whoever takes it fetches its pieces by their hashes. So a file arrives once, whole and as it
//! was; what is there already, by its content, does not travel; whoever is killed goes on when it is started again.
//! `SKYSCAN_KEYS` names the keys of places that are sealed.
//!
//!     cargo run --release --example move_files -- receive arrived zmq://127.0.0.1:5560
//!     cargo run --release --example move_files -- send zmq://127.0.0.1:5560 data

mod manifest;
mod receive;
mod send;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use skyscan::transport::{self, Access};
use skyscan_transport::{Transport, Version};
use skyscan_transport_relay::RelayConfig;

/// Of what the bodies say; senders and receivers of another major do not meet.
const PROTOCOL: Version = Version { major: 1, minor: 0 };
/// How long a peer may be silent.
const LIVENESS: Duration = Duration::from_secs(10);
/// How long a file may take between two of its pieces.
const LEASE_TERM: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(&words))
}

async fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match &words[..] {
        ["send", url, folders @ ..] if !folders.is_empty() => {
            let folders = folders.iter().map(PathBuf::from).collect();
            let moved = send::all(open(url)?, folders, tell).await?;
            tell(&moved.to_string());
            match moved.refused {
                0 => Ok(()),
                refused => bail!("{refused} files were refused"),
            }
        }
        ["receive", folder, urls @ ..] if !urls.is_empty() => {
            let places = urls.iter().map(|url| open(url)).collect::<Result<_>>()?;
            tokio::select! {
                ended = receive::all(places, PathBuf::from(folder)) => ended,
                asked = tokio::signal::ctrl_c() => Ok(asked?),
            }
        }
        ["relay", above, below] => {
            let stop = async {
                // Where no signal can be heard it stays until it is killed.
                let _ = tokio::signal::ctrl_c().await;
            };
            relay(open(above)?, open(below)?, stop).await
        }
        _ => bail!("say: send URL FOLDER..., receive FOLDER URL..., or relay ABOVE BELOW"),
    }
}

async fn relay(
    above: Arc<dyn Transport>,
    below: Arc<dyn Transport>,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let config = RelayConfig {
        zone: "files".to_owned(),
        protocol: PROTOCOL,
        hello: bytes::Bytes::new(),
        liveness: LIVENESS,
        lease_term: LEASE_TERM,
        prefetch: 0,
        grace: LIVENESS,
    };
    skyscan_transport_relay::run(above, below, config, stop).await?;
    Ok(())
}

fn open(url: &str) -> Result<Arc<dyn Transport>> {
    let access = Access {
        keys: std::env::var_os("SKYSCAN_KEYS").map(PathBuf::from),
        insecure: std::env::var_os("SKYSCAN_INSECURE").is_some(),
    };
    transport::open(url, &access).with_context(|| transport::shown(url))
}

fn tell(line: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "move_files: {line}");
}

#[cfg(test)]
mod tests;
