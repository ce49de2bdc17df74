//! `skyscan relay`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use skyscan_transport::TransportError;
use tokio::sync::Notify;

use super::access::AccessArguments;
use super::attendance;
use super::interrupt::on_interrupt;
use super::log::LogArguments;
use super::metrics::MetricsArguments;
use super::{Failure, UNFIT, bad_input, failed, tell};
use crate::actors::attendance::Attended;
use crate::actors::relay::{self, RelaySetup};
use crate::transport;

/// Let the workers of a zone share one connection and one copy of each event
///
/// Stands between scans and workers: dials out to where scanners are, and is what the workers of its
/// zone dial. The two sides may use different transports. Serves every scan that comes up there, one
/// after the other or side by side, and may start before scanner, broker and workers. A relay may
/// stand behind another one.
///
/// SIGTERM or Ctrl-C: nothing new is taken, what the workers have begun is handed up within
/// --grace, the rest goes to others. A relay that is killed loses nothing either: after a while its
/// tasks go to others.
///
/// Exit codes: 0 asked to stop, 1 failed, 2 usage or bad input, 4 another version of the
/// wire is spoken above: run the same release at both ends.
///
/// Example: skyscan relay --zone us-east-1a --upstream zmqs://scanner.example:5555
///          --upstream-keys keys/for-us-east-1a --listen zmqs://0.0.0.0:5555 --keys zone-keys
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Where the scanners are; workers elsewhere give the same URL as --transport
    #[arg(
        long,
        value_name = "URL",
        env = "SKYSCAN_UPSTREAM",
        hide_env_values = true
    )]
    upstream: String,
    /// Where the workers of the zone come to: their --transport, with this machine's name in it; with zmqs:// those
    /// whose keys are in --keys
    #[arg(
        long,
        value_name = "URL",
        env = "SKYSCAN_LISTEN",
        hide_env_values = true
    )]
    listen: String,
    /// Name of the zone, in logs and metrics
    #[arg(long, value_name = "NAME", env = "SKYSCAN_ZONE")]
    zone: String,
    /// Tasks held ready in the zone beyond what its workers can hold
    #[arg(long, value_name = "N", default_value_t = 4)]
    prefetch: u16,
    /// How long the zone may take to finish what it has begun once the relay is asked to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    grace: f64,
    #[command(flatten)]
    access: AccessArguments,
    /// Folder of the relay's own keys as a worker of who is above: for --upstream zmqs://, and to seal end to end what
    /// a broker carries
    #[arg(
        long,
        value_name = "DIR",
        env = "SKYSCAN_UPSTREAM_KEYS",
        hide_env_values = true
    )]
    upstream_keys: Option<PathBuf>,
    #[command(flatten)]
    metrics: MetricsArguments,
    #[command(flatten)]
    pub(super) log: LogArguments,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=1e6).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds, such as 10".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let Arguments {
        upstream,
        listen,
        zone,
        ..
    } = arguments;
    for (option, url) in [("--upstream", upstream), ("--listen", listen)] {
        if transport::is_local(url) {
            return Err(bad_input(anyhow!(
                "{option} {url} is inside one process and nobody can join it; give a zmq:// or \
                 amqp:// URL"
            )));
        }
    }
    if upstream == listen {
        return Err(bad_input(anyhow!(
            "--upstream and --listen are the same place, so the relay would be its own worker; \
             give the zone an address of its own (with RabbitMQ: another vhost, or ?namespace=NAME)"
        )));
    }
    let setup = RelaySetup {
        zone: zone.clone(),
        prefetch: arguments.prefetch,
        grace: Duration::from_secs_f64(arguments.grace),
        ..RelaySetup::default()
    };
    let insecure = arguments.access.is_insecure();
    arguments.metrics.serve("relay", insecure)?;
    let above = arguments
        .access
        .access_with(arguments.upstream_keys.as_ref());
    let above = transport::open(upstream, &above).map_err(bad_input)?;
    let below = transport::open(listen, &arguments.access.access()).map_err(bad_input)?;
    let book = attendance::book("relay", false)?;
    let above = Attended::around(above, Arc::clone(&book));
    let below = Attended::around(below, book);
    let stop = Arc::new(Notify::new());
    let asked = Arc::clone(&stop);
    on_interrupt(move || asked.notify_one())?;
    tell(&format!(
        "relay of zone {zone}: scans from {}, workers at {}",
        transport::shown(upstream),
        transport::shown(listen)
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let relayed = runtime.block_on(relay::run(
        Arc::clone(&above),
        below,
        setup,
        stop.notified(),
    ));
    let relayed = relayed.map_err(ended_by)?;
    let traffic = above.traffic();
    tell(&format!(
        "relay of zone {zone}: {} results handed up, {} too late; {} payloads, {} bytes in and {} \
         out over the boundary",
        relayed.n_handed_up,
        relayed.n_lost,
        traffic.payloads_received,
        traffic.bytes_received,
        traffic.bytes_sent
    ));
    Ok(0)
}

/// What starting the same relay again cannot mend has a code of its own.
fn ended_by(error: TransportError) -> Failure {
    match error {
        TransportError::WireMismatch { .. } => Failure {
            code: UNFIT,
            error: error.into(),
        },
        error => failed(error),
    }
}
