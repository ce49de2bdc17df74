//! `skyscan reco validate`

mod validate;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Validate(Box<validate::Arguments>),
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Validate(arguments) => validate::run(arguments),
    }
}
