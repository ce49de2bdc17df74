//! What a running process tells Prometheus: one address, one [list](catalogue) of metrics.
//!
//! Actors and transports record through the `metrics` facade; without [`serve`] that costs nothing.

pub mod catalogue;
mod http;

use std::net::{SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use metrics_process::Collector;
use tokio::runtime::Builder;
use tokio::time::{MissedTickBehavior, interval};

use crate::protocol::PROTOCOL;
use crate::reco::Problem;
use catalogue::{CATALOGUE, Kind};
use http::Page;

pub use http::Token;

/// The environment's word for where metrics are served. It is for one process, not for those that it
/// starts.
pub const ADDRESS_VARIABLE: &str = "SKYSCAN_METRICS";
/// How often CPU time, memory and files of the process are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Old observations of histograms are folded so often.
const UPKEEP_EVERY: u32 = 10;

type Links = Box<dyn Fn() -> String + Send + Sync>;

/// Who knows which links there are, as JSON.
static LINKS: OnceLock<Links> = OnceLock::new();

/// Has `/links` say what this tells, in JSON. Only the first one counts: a process plays one role.
pub fn tell_links(links: Links) {
    // A second one would have the same to tell.
    let _second = LINKS.set(links);
}

/// Why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The address is taken, or not one of this machine.
    #[error("cannot serve metrics at {address}: choose another address with --metrics")]
    Listen {
        /// Where it was tried.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        error: std::io::Error,
    },
    /// The list of metrics makes no sense: a bug.
    #[error("cannot make the metrics")]
    Build(#[from] BuildError),
    /// The system gives no thread or no event queue.
    #[error("cannot serve metrics")]
    System(#[from] std::io::Error),
}

/// Serves this process's metrics at `http://ADDRESS/metrics`, and at `/links` who is connected, to whoever brings the
/// token if there is one, until it
/// ends, from a thread of its own: they can be had while everything else is busy. To be called once, before
/// hubs, links and actors are made. `role` is the subcommand. Returns the address, in which port 0 is one
/// that was free.
///
/// # Errors
/// If nothing can listen at this address.
pub fn serve(
    asked: SocketAddr,
    role: &'static str,
    token: Option<Token>,
) -> Result<SocketAddr, TelemetryError> {
    let listen = |error| TelemetryError::Listen {
        address: asked,
        error,
    };
    let listener = TcpListener::bind(asked).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let mut builder = PrometheusBuilder::new();
    for metric in CATALOGUE {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, &buckets.bounds())?;
        }
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _entered = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let recorder = builder.build_recorder();
    let told = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(BuildError::from)?;
    describe();
    gauge!(
        "skyscan_build_info",
        "version" => env!("CARGO_PKG_VERSION"),
        "protocol" => PROTOCOL.to_string(),
        "role" => role,
    )
    .set(1.0);
    let collector = Collector::default();
    collector.collect();
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let mut ticks = interval(LOOK_EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let upkept = told.clone();
                let look = async {
                    let mut n = 0_u32;
                    loop {
                        n = n.wrapping_add(1);
                        ticks.tick().await;
                        collector.collect();
                        if n.is_multiple_of(UPKEEP_EVERY) {
                            upkept.run_upkeep();
                        }
                    }
                };
                let page = move |path: &str| match path {
                    "/" | "/metrics" => Some(Page {
                        kind: "text/plain; version=0.0.4; charset=utf-8",
                        body: told.render(),
                    }),
                    "/links" => LINKS.get().map(|links| Page {
                        kind: "application/json",
                        body: links(),
                    }),
                    _ => None,
                };
                tokio::join!(http::serve(listener, token, page), look);
            });
        })?;
    Ok(address)
}

/// What a request for metrics is answered where there are none, as the fuzzer asks.
#[doc(hidden)]
pub fn answer_to(request: &[u8]) -> Vec<u8> {
    http::response(request, Some(&Token::new("token")), &|_: &str| None)
}

/// Tells which scan this process runs. `transport` is the backend's name.
pub fn tell_scan(problem: &Problem, payload_bytes: usize, transport: &'static str) {
    gauge!(
        "skyscan_scan_info",
        "run_id" => problem.event.run_id.to_string(),
        "event_id" => problem.event.event_id.to_string(),
        "reco" => problem.reco.clone(),
        "transport" => transport,
    )
    .set(1.0);
    gauge!("skyscan_scan_payload_bytes").set(payload_bytes as f64);
}

/// Gives every metric of the list its line of help.
fn describe() {
    for metric in CATALOGUE {
        let (name, unit, meaning) = (metric.name, Unit::Count, metric.meaning);
        match metric.kind {
            Kind::Counter => describe_counter!(name, unit, meaning),
            Kind::Gauge => describe_gauge!(name, unit, meaning),
            Kind::Histogram(_) => describe_histogram!(name, unit, meaning),
        }
    }
}
