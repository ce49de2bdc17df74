//! With what the places of transports are opened.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;

use crate::transport::Access;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct AccessArguments {
    /// Folder of keys, which `skyscan keygen` makes: for zmqs://, and to seal end to end what a broker carries
    #[arg(long, value_name = "DIR", env = "SKYSCAN_KEYS", hide_env_values = true)]
    keys: Option<PathBuf>,
    #[command(flatten)]
    insecure: InsecureArgument,
}

/// For those who listen, but take no keys.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct InsecureArgument {
    /// Allow what is not sealed beyond this machine: zmq:// and amqp:// on or to other addresses than loopback,
    /// and metrics without a token. Only where the network is yours alone
    #[arg(long, env = "SKYSCAN_INSECURE", value_parser = FalseyValueParser::new())]
    pub(super) insecure: bool,
}

impl AccessArguments {
    pub(super) fn access(&self) -> Access {
        Access {
            keys: self.keys.clone(),
            insecure: self.insecure.insecure,
        }
    }

    /// The same for the other side of a relay, which has keys of its own there.
    pub(super) fn access_with(&self, keys: Option<&PathBuf>) -> Access {
        Access {
            keys: keys.cloned(),
            ..self.access()
        }
    }

    pub(super) fn is_insecure(&self) -> bool {
        self.insecure.insecure
    }
}
