//! `--metrics`, the same for every role.

use std::net::SocketAddr;

use super::{Failure, bad_input};
use crate::telemetry;

/// Where metrics are served, if they are.
#[derive(Debug, clap::Args)]
pub(super) struct MetricsArguments {
    /// Serve metrics to Prometheus at http://ADDR/metrics, for example at 127.0.0.1:9464, or at
    /// 0.0.0.0:9464 for every machine that reaches this one
    #[arg(long, value_name = "ADDR", env = telemetry::ADDRESS_VARIABLE)]
    metrics: Option<SocketAddr>,
}

impl MetricsArguments {
    /// Serves them from here on. `role` is the subcommand.
    pub(super) fn serve(&self, role: &'static str) -> Result<(), Failure> {
        match self.metrics {
            Some(address) => telemetry::serve(address, role).map_err(bad_input),
            None => Ok(()),
        }
    }
}
