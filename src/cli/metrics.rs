//! `--metrics`, the same for every role.

use std::net::SocketAddr;

use super::{Failure, bad_input, tell, with_causes};
use crate::telemetry;

/// Where metrics are served, if they are.
#[derive(Debug, clap::Args)]
pub(super) struct MetricsArguments {
    /// Serve metrics to Prometheus at http://ADDR/metrics, for example at 127.0.0.1:9464, or at
    /// 0.0.0.0:9464 for every machine that reaches this one; port 0 is any that is free, and is told
    #[arg(long, value_name = "ADDR", env = telemetry::ADDRESS_VARIABLE)]
    metrics: Option<SocketAddr>,
}

impl MetricsArguments {
    /// Serves them from here on. `role` is the subcommand.
    pub(super) fn serve(&self, role: &'static str) -> Result<(), Failure> {
        let Some(address) = self.metrics else {
            return Ok(());
        };
        let served = telemetry::serve(address, role).map_err(bad_input)?;
        if address.port() == 0 {
            tell(&format!("metrics at http://{served}/metrics"));
        }
        Ok(())
    }

    /// The same for a role that many processes of a machine may play, of which only one gets the
    /// address: the others go on without.
    pub(super) fn serve_if_possible(&self, role: &'static str) -> Result<(), Failure> {
        match self.serve(role) {
            Err(Failure { error, .. }) => {
                tell(&format!("{}; goes on without", with_causes(&error)));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
