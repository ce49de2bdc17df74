//! `skyscan reco learn|validate`

mod learn;
mod validate;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Learn(learn::Arguments),
    Validate(Box<validate::Arguments>),
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Learn(arguments) => learn::run(arguments),
        Command::Validate(arguments) => validate::run(arguments),
    }
}
