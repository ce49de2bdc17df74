//! Where Scanner and Workers of a scan meet, and how much of the work is done here.

use std::num::NonZeroU16;

use anyhow::anyhow;
use clap::builder::UnknownArgumentValueParser;

use super::access::AccessArguments;
use super::{Failure, bad_input};
use crate::transport;

/// Where a scan is worked on.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PlaceArguments {
    /// Where Scanner and Workers meet: memory:, zmqs://HOST:PORT (sealed, with --keys),
    /// amqps://USER@HOST:PORT/VHOST (sealed to the broker, and end to end with --keys; password in
    /// SKYSCAN_AMQP_PASSWORD or _PASSWORD_FILE); at the desk
    /// zmq://HOST:PORT, zmq+ipc:///PATH, amqp://USER@HOST:PORT/VHOST
    #[arg(
        long,
        value_name = "URL",
        default_value = "memory:",
        env = "SKYSCAN_TRANSPORT",
        hide_env_values = true
    )]
    pub(super) transport: String,
    /// Tasks evaluated at once in this process; 0: only by workers elsewhere [default: the number of
    /// cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    workers: Option<u16>,
    /// A worker's word for it: says what it is here
    #[arg(long = "slots", hide = true, value_parser = UnknownArgumentValueParser::suggest_arg("--workers"))]
    _slots: Option<String>,
}

impl PlaceArguments {
    /// Tasks evaluated at once in this process; none only where others can come.
    pub(super) fn slots(&self) -> Result<u16, Failure> {
        let slots = self.workers.unwrap_or_else(|| cores().get());
        if slots == 0 && transport::is_local(&self.transport) {
            return Err(bad_input(anyhow!(
                "--workers 0 needs a transport that other processes can reach, zmqs://, zmq:// or amqps://"
            )));
        }
        Ok(slots)
    }

    /// How workers from elsewhere come to the place.
    pub(super) fn way_for_workers(&self, access: &AccessArguments) -> String {
        let place = transport::shown(&self.transport);
        let with = match place.starts_with("zmqs:") {
            true => " and --keys of theirs (skyscan keygen)",
            false if access.is_insecure() && transport::is_open(&place) => {
                " --insecure: nothing is sealed"
            }
            false => "",
        };
        let mut anywhere = ["0.0.0.0", "[::]", "*"].iter();
        let named = match anywhere.find(|any| place.contains(**any)) {
            Some(any) => format!(", with this machine's name for {any}"),
            None => String::new(),
        };
        format!("workers come with --transport {place}{with}{named}")
    }
}

/// How many cores there are.
pub(super) fn cores() -> NonZeroU16 {
    std::thread::available_parallelism()
        .ok()
        .map_or(NonZeroU16::MIN, |cores| {
            NonZeroU16::try_from(cores).unwrap_or(NonZeroU16::MAX)
        })
}
