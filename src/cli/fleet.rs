//! `skyscan fleet`: simulated workers, told what to do on the input, as `skyscan replay` does, or by a
//! scenario, as in scenarios/compose.

use std::io::BufRead;
use std::path::PathBuf;

use anyhow::Context;
use tokio::sync::oneshot;

use super::access::AccessArguments;
use super::interrupt::on_interrupt;
use super::metrics::MetricsArguments;
use super::runtime::System;
use super::{Failure, bad_input, failed, print};
use crate::scenario::fleet::{self, FleetOrder};
use crate::transport;

/// Payloads are unpacked on few threads: there may be thousands of workers, but there is one event.
const BLOCKING_THREADS: usize = 4;

/// Simulated workers, as `skyscan replay` starts them
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Be one worker of this scenario until SIGTERM or Ctrl-C; without, do as the input says
    #[arg(long, value_name = "SCENARIO", requires = "transport")]
    scenario: Option<PathBuf>,
    /// Where to meet the hub, with --scenario
    #[arg(
        long,
        value_name = "URL",
        env = "SKYSCAN_TRANSPORT",
        hide_env_values = true
    )]
    transport: Option<String>,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    metrics: MetricsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let insecure = arguments.access.is_insecure();
    arguments.metrics.serve("fleet", insecure)?;
    let (end, ended) = oneshot::channel::<()>();
    let order = match (&arguments.scenario, &arguments.transport) {
        (Some(path), Some(url)) => {
            let mut end = Some(end);
            on_interrupt(move || drop(end.take()))?;
            let scenario = super::replay::read(path, &[])?;
            FleetOrder::standing(&scenario, url, arguments.access.access())
                .with_context(|| format!("no fleet that stays can do {}", path.display()))
                .map_err(bad_input)?
        }
        _ => ordered(end)?,
    };
    let transport = transport::open(&order.url, &order.access).map_err(bad_input)?;
    let threads = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(failed)?;
    let report = System::on(threads).block_on(async move {
        let end = async {
            let _ = ended.await;
        };
        fleet::run(&order, transport, end).await
    });
    print(&serde_json::to_string(&report.map_err(failed)?).map_err(failed)?)?;
    Ok(0)
}

/// The order that stands on the input, whose end is that of the fleet.
fn ordered(end: oneshot::Sender<()>) -> Result<FleetOrder, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    let order = serde_json::from_str(&line)
        .context("skyscan fleet is called by skyscan replay, with an order on its input")
        .map_err(bad_input)?;
    std::thread::spawn(move || {
        // Nothing comes any more: whoever called wants the end, or is gone.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(end);
    });
    Ok(order)
}
