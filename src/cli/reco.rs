//! `skyscan reco check|learn|validate`

mod check;
mod learn;
mod validate;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::Arguments),
    Learn(learn::Arguments),
    Validate(Box<validate::Arguments>),
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Learn(arguments) => learn::run(arguments),
        Command::Validate(arguments) => validate::run(arguments),
    }
}
