//! `--metrics`, the same for every role.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::anyhow;

use super::{Failure, bad_input, tell, with_causes};
use crate::telemetry::{self, Token};
use crate::transport::{is_loopback, keys};

/// Where metrics are served, if they are.
#[derive(Debug, clap::Args)]
pub(super) struct MetricsArguments {
    /// Serve metrics to Prometheus at http://ADDR/metrics: a port for this machine alone, such as 9464, or, with
    /// --metrics-token-file, an address that others reach, such as 0.0.0.0:9464; port 0 is any that is free, and is
    /// told
    #[arg(long, value_name = "ADDR", env = telemetry::ADDRESS_VARIABLE, value_parser = address)]
    metrics: Option<SocketAddr>,
    /// File whose first line a scrape has to bring, as `Authorization: Bearer TOKEN`
    #[arg(
        long,
        value_name = "FILE",
        env = "SKYSCAN_METRICS_TOKEN_FILE",
        hide_env_values = true
    )]
    metrics_token_file: Option<PathBuf>,
}

/// A port of this machine, or an address.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse()
        .map_err(|_| "give a port, such as 9464, or an address with its port".to_owned())
}

impl MetricsArguments {
    /// Serves them from here on. `role` is the subcommand.
    pub(super) fn serve(&self, role: &'static str, insecure: bool) -> Result<(), Failure> {
        let Some(address) = self.metrics else {
            return Ok(());
        };
        let token = self.metrics_token_file.as_deref();
        let token = token.map(keys::read_secret).transpose();
        let token = token.map_err(bad_input)?.map(|words| Token::new(&words));
        if !is_loopback(address) && token.is_none() && !insecure {
            return Err(bad_input(anyhow!(
                "metrics at {address} would be read by whoever reaches this machine: give the port alone, which is \
                 for this machine, or a token with --metrics-token-file; or, where the network is yours alone, say \
                 --insecure (or SKYSCAN_INSECURE=1)"
            )));
        }
        let served = telemetry::serve(address, role, token).map_err(bad_input)?;
        if address.port() == 0 {
            tell(&format!("metrics at http://{served}/metrics"));
        }
        Ok(())
    }

    /// The same for a role that many processes of a machine may play, of which only one gets the
    /// address: the others go on without.
    pub(super) fn serve_if_possible(
        &self,
        role: &'static str,
        insecure: bool,
    ) -> Result<(), Failure> {
        match self.serve(role, insecure) {
            Err(Failure { error, .. }) if is_taken(&error) => {
                tell(&format!("{}; goes on without", with_causes(&error)));
                Ok(())
            }
            served => served,
        }
    }
}

fn is_taken(error: &anyhow::Error) -> bool {
    error.is::<telemetry::TelemetryError>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_for_this_machine() {
        assert_eq!(address("9464"), Ok(([127, 0, 0, 1], 9464).into()));
        assert_eq!(address("0.0.0.0:9464"), Ok(([0, 0, 0, 0], 9464).into()));
        assert!(address("somewhere").is_err());
    }
}
