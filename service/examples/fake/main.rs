//! The service over an engine that plays: for whoever works at the page, at a client, or at what
//! kills it.
//!
//!     cargo run -p skyscan-service --example fake -- [FOLDER [PORT [SECONDS [RUNNING]]]]

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an example, whose numbers are made up"
)]

mod engine;
mod sky;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use skyscan_service::doors::{Letter, Tells};
use skyscan_service::{Config, Held, Service};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use engine::Fake;

/// Writes what would be told to the log.
#[derive(Debug)]
struct Log;

impl Tells for Log {
    fn tell(&self, letter: Letter) {
        let (id, moment) = (&letter.scan.id, letter.moment.word());
        tracing::info!(%id, moment, "is told");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut words = env::args().skip(1);
    let folder = words
        .next()
        .map_or_else(|| env::temp_dir().join("skyscan-fake"), PathBuf::from);
    let port: u16 = words.next().map_or(Ok(8080), |word| word.parse())?;
    let seconds: f64 = words.next().map_or(Ok(12.0), |word| word.parse())?;
    let mut config = Config::new(folder);
    config.desk.max_running = words.next().map_or(Ok(3), |word| word.parse())?;
    let held = Held::take(&config.desk.data)?;
    let service = Service::open(config, held, Arc::new(Fake::new(seconds)), Arc::new(Log))?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{}", service.admin_link(listener.local_addr()?)?);
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    service.serve(listener, stop).await;
    Ok(())
}
