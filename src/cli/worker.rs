//! `skyscan worker`

use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;

use anyhow::anyhow;
use skyscan_transport::TransportError;
use tokio::sync::Notify;

use super::external::{self, ExternalArguments};
use super::interrupt::on_interrupt;
use super::metrics::MetricsArguments;
use super::{Failure, UNFIT, bad_input, failed, runtime};
use crate::actors::worker::{self, StopWorker, WorkerConfig, WorkerError};
use crate::reco::{self, Reco};
use crate::transport;

/// Serve scans from another process
///
/// Waits for scans at the transport's place and serves one after the other until SIGTERM or Ctrl-C;
/// then gives back what it holds. It may start before scanner and broker.
///
/// Exit codes: 0 asked to stop, 1 failed, 2 usage or bad input, 4 met a scan that it can never serve:
/// one of another protocol version, or one that asks for a reconstruction it does not offer.
///
/// Example: skyscan worker --transport zmq://scanner.example:5555 --slots 8
///
/// Example: skyscan worker --transport zmq://scanner.example:5555 --reco external
/// --external-program 'python3 examples/straight_track.py'
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where Scanner and Workers meet
    #[arg(
        long,
        value_name = "URL",
        env = "SKYSCAN_TRANSPORT",
        hide_env_values = true
    )]
    transport: String,
    /// Tasks evaluated at once [default: the number of cores]
    #[arg(long, value_name = "N", env = "SKYSCAN_SLOTS")]
    slots: Option<NonZeroU16>,
    /// Reconstructions that may be run here [default: all that are built in, and the external
    /// program if one is given]
    #[arg(long, value_name = "NAME")]
    reco: Vec<String>,
    #[command(flatten)]
    external: ExternalArguments,
    #[command(flatten)]
    metrics: MetricsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if transport::is_local(&arguments.transport) {
        return Err(bad_input(anyhow!(
            "{} is inside one process and no worker can join it; give the scan and its workers \
             the same zmq:// or amqp:// URL",
            arguments.transport
        )));
    }
    arguments.metrics.serve("worker")?;
    let transport = transport::open(&arguments.transport).map_err(bad_input)?;
    let config = WorkerConfig {
        slots: arguments.slots(),
        leases_per_slot: worker::LEASES_PER_SLOT,
        recos: arguments.recos()?,
    };
    let stop = Arc::new(Notify::new());
    let asked = Arc::clone(&stop);
    on_interrupt(move || asked.notify_one())?;
    let system = runtime::system()?;
    system.block_on(async move {
        let (worker, mut end) = worker::start(transport.as_ref(), config)
            .await
            .map_err(failed)?;
        loop {
            tokio::select! {
                ended = &mut end => {
                    return match ended {
                        Ok(Ok(())) => Ok(0),
                        Ok(Err(error)) => Err(ended_by(error)),
                        Err(_) => Err(failed(anyhow!("the worker ended without a word"))),
                    };
                }
                () = stop.notified() => {
                    // It may have ended at this very moment.
                    let _ = worker.send(StopWorker).await;
                }
            }
        }
    })
}

/// What starting the same worker again cannot mend has a code of its own.
fn ended_by(error: WorkerError) -> Failure {
    let is_unfit = matches!(
        error,
        WorkerError::RecoNotOffered { .. }
            | WorkerError::Transport(TransportError::ProtocolMismatch { .. })
    );
    match is_unfit {
        true => Failure {
            code: UNFIT,
            error: error.into(),
        },
        false => failed(error),
    }
}

impl Arguments {
    fn slots(&self) -> NonZeroU16 {
        let cores = || {
            let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
            u16::try_from(cores)
                .ok()
                .and_then(NonZeroU16::new)
                .unwrap_or(NonZeroU16::MAX)
        };
        self.slots.unwrap_or_else(cores)
    }

    fn recos(&self) -> Result<Vec<Arc<dyn Reco>>, Failure> {
        let met = self.external.meet(None)?;
        if self.reco.is_empty() {
            return Ok(reco::built_in().into_iter().chain(met).collect());
        }
        let reco = |name: &String| match external::is_external(name) {
            true => external::choose(name, met.clone()),
            false => super::input::reco(name),
        };
        self.reco.iter().map(reco).collect()
    }
}
