//! `skyscan worker`

mod notice;
mod place;
mod vigil;

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::builder::UnknownArgumentValueParser;
use skyscan_transport::TransportError;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use super::access::AccessArguments;
use super::attendance;
use super::external::{self, ExternalArguments, seconds};
use super::interrupt::on_interrupt;
use super::log::LogArguments;
use super::metrics::MetricsArguments;
use super::number::from_one;
use super::place::cores;
use super::{Failure, UNFIT, bad_input, failed, runtime, tell};
use crate::actors::attendance::Attended;
use crate::actors::worker::{self, LeaveWithin, StopWorker, WorkerConfig, WorkerError};
use crate::reco::{self, Reco};
use crate::transport;
use notice::Notice;
use vigil::{Due, Vigil};

/// Serve scans from another process
///
/// Waits for scans at the transport's place and serves one after the other, or side by side, until
/// SIGTERM or Ctrl-C; then gives back what it holds. It may start before scanner and broker. A scan
/// that it cannot serve, since it asks for another reconstruction or is of another version, it skips,
/// says so once, and goes on serving the others.
///
/// Exit codes: 0 asked to stop, or no scan came for --give-up, 1 failed, 2 usage or bad input, 4 can
/// never serve: all scans that came before it gave up had to be skipped, its key was refused until then, or
/// the one scanner that can be at a zmq:// address speaks another version of the wire.
///
/// Example: skyscan worker --transport zmqs://scanner.example:5555 --keys for-zone-1 --slots 8
///
/// Example, on a spot machine: skyscan worker --transport zmqs://scanner.example:5555 --keys for-zone-1
/// --notice auto
///
/// Example: skyscan worker --transport zmq://127.0.0.1:5555 --reco external
/// --external-program 'python3 examples/line_fit.py'
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where Scanner and Workers meet, the scan's --transport: zmqs://HOST:PORT with --keys, amqps://USER@HOST/VHOST,
    /// with --keys where the scan has them, at the desk zmq://HOST:PORT
    #[arg(
        long,
        value_name = "URL",
        env = "SKYSCAN_TRANSPORT",
        hide_env_values = true
    )]
    transport: String,
    /// Tasks evaluated at once [default: the number of cores]
    #[arg(
        long,
        value_name = "N",
        env = "SKYSCAN_SLOTS",
        allow_negative_numbers = true,
        value_parser = from_one::<NonZeroU16>
    )]
    slots: Option<NonZeroU16>,
    /// A scan's word for it: says what it is here
    #[arg(long = "workers", hide = true, value_parser = UnknownArgumentValueParser::suggest_arg("--slots"))]
    _workers: Option<String>,
    /// Reconstructions that may be run here [default: all that are built in, and the external
    /// program if one is given]
    #[arg(long, value_name = "NAME")]
    reco: Vec<String>,
    /// Leave when there was no scan to serve for so long [default: wait for ever]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    give_up: Option<Duration>,
    /// Leave in time when this cloud gives notice that it takes the machine back: what cannot be done by then
    /// goes to others at once
    #[arg(
        long,
        value_name = "CLOUD",
        env = "SKYSCAN_NOTICE",
        default_value = "none"
    )]
    notice: Notice,
    /// Where the cloud's metadata service is, for tests
    #[arg(long, value_name = "URL", hide = true)]
    notice_address: Option<String>,
    #[command(flatten)]
    external: ExternalArguments,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    metrics: MetricsArguments,
    #[command(flatten)]
    pub(super) log: LogArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if transport::is_local(&arguments.transport) {
        return Err(bad_input(anyhow!(
            "{} is inside one process and no worker can join it; give the scan and its workers \
             the same zmq:// or amqp:// URL",
            arguments.transport
        )));
    }
    let insecure = arguments.access.is_insecure();
    arguments.metrics.serve_if_possible("worker", insecure)?;
    let transport =
        transport::open(&arguments.transport, &arguments.access.access()).map_err(bad_input)?;
    let transport = Attended::around(transport, attendance::book("worker", false)?);
    let config = WorkerConfig {
        slots: arguments.slots.unwrap_or_else(cores),
        leases_per_slot: worker::LEASES_PER_SLOT,
        recos: arguments.recos()?,
    };
    let stop = Arc::new(Notify::new());
    let asked = Arc::clone(&stop);
    on_interrupt(move || asked.notify_one())?;
    let place = transport::shown(&arguments.transport);
    let recos: Vec<&str> = config.recos.iter().map(|reco| reco.name()).collect();
    let slots = match config.slots.get() {
        1 => "1 slot".to_owned(),
        n => format!("{n} slots"),
    };
    let recos = recos.join(", ");
    tell(&format!(
        "worker: {slots} for {recos}, waits for scans at {place}"
    ));
    let mut vigil = Vigil::new(place, arguments.give_up);
    let mut notice = notice::watch(arguments.notice, arguments.notice_address.clone());
    let system = runtime::system_for(config.slots)?;
    system.block_on(async move {
        let (listener, mut news) = mpsc::unbounded_channel();
        let (worker, mut end) = worker::start_telling(transport.as_ref(), config, Some(listener))
            .await
            .map_err(failed)?;
        // What is left to say when it has ended because it gave up.
        let mut given_up = None;
        loop {
            tokio::select! {
                ended = &mut end => {
                    while let Ok(news) = news.try_recv() {
                        vigil.hear(news).iter().for_each(|line| tell(line));
                    }
                    return match (ended, given_up) {
                        (Ok(Ok(())), None) => Ok(0),
                        (Ok(Ok(())), Some(code)) => Ok(code),
                        (Ok(Err(error)), _) => Err(ended_by(error)),
                        (Err(_), _) => Err(failed(anyhow!("the worker ended without a word"))),
                    };
                }
                () = stop.notified() => {
                    // It may have ended at this very moment.
                    let _ = worker.send(StopWorker).await;
                }
                Some(left) = notice.recv() => {
                    tell(&format!(
                        "worker: the machine goes in {} s: leaves with what can be done by then",
                        left.as_secs()
                    ));
                    let _ = worker.send(LeaveWithin(left)).await;
                }
                Some(news) = news.recv() => vigil.hear(news).iter().for_each(|line| tell(line)),
                () = until(vigil.next_look()), if given_up.is_none() => match vigil.look() {
                    Due::Nothing => {}
                    Due::Say(idle) => match transport.refusal() {
                        Some(reason) => tell(&vigil.not_let_in(idle, &reason)),
                        None => say_no_scan(vigil.clone(), idle, &arguments.transport),
                    },
                    Due::GiveUp(idle) => {
                        let refusal = transport.refusal();
                        tell(&match &refusal {
                            Some(reason) => format!("{}; leaves", vigil.not_let_in(idle, reason)),
                            None => vigil.gives_up(idle),
                        });
                        let is_unfit = vigil.is_misplaced() || refusal.is_some();
                        given_up = Some(if is_unfit { UNFIT } else { 0 });
                        let _ = worker.send(StopWorker).await;
                    }
                },
            }
        }
    })
}

/// Says that no scan has come, and what a look at the place finds. That may take long where a name is not
/// known: nobody waits for it, not even the end of this process.
fn say_no_scan(vigil: Vigil, idle: Duration, url: &str) {
    let (address, url) = (transport::address(url), url.to_owned());
    std::thread::spawn(move || {
        let finding = address.map_or_else(String::new, |address| place::look_at(&address, &url));
        tell(&vigil.no_scan(idle, &finding));
    });
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What starting the same worker again cannot mend has a code of its own.
fn ended_by(error: WorkerError) -> Failure {
    let is_unfit = matches!(
        error,
        WorkerError::Transport(TransportError::WireMismatch { .. })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_of_the_wire_is_never_served_and_what_fails_may_be_tried_again() {
        let mismatch = TransportError::WireMismatch {
            transport: "zeromq",
            beside_others: false,
            source: "version 9".into(),
        };
        assert_eq!(ended_by(mismatch.into()).code, UNFIT);
        assert_eq!(
            ended_by(TransportError::Closed.into()).code,
            super::super::FAILED
        );
    }
}
