//! `skyscan fleet`, which `skyscan replay` calls: simulated workers, told what to do on the input.

use std::io::BufRead;

use anyhow::Context;
use tokio::sync::oneshot;

use super::metrics::MetricsArguments;
use super::{Failure, bad_input, failed, print};
use crate::scenario::fleet::{self, FleetOrder};
use crate::transport;

/// Payloads are unpacked on few threads: there may be thousands of workers, but there is one event.
const BLOCKING_THREADS: usize = 4;

/// Simulated workers, as `skyscan replay` starts them
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    metrics: MetricsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    arguments.metrics.serve("fleet")?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    let order: FleetOrder = serde_json::from_str(&line)
        .context("skyscan fleet is called by skyscan replay, with an order on its input")
        .map_err(bad_input)?;
    let transport = transport::open(&order.url).map_err(bad_input)?;
    let (end, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        // Nothing comes any more: whoever called wants the end, or is gone.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(end);
    });
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()
            .expect("a runtime needs a few file descriptors")
    };
    let system = actix::System::with_tokio_rt(runtime);
    let report = system.block_on(async move {
        let end = async {
            let _ = ended.await;
        };
        fleet::run(&order, transport, end).await
    });
    print(&serde_json::to_string(&report.map_err(failed)?).map_err(failed)?);
    Ok(0)
}
