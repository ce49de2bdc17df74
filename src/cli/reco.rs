//! `skyscan reco check|learn|levels|validate`

mod check;
mod learn;
mod levels;
mod validate;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::Arguments),
    Learn(learn::Arguments),
    Levels(levels::Arguments),
    Validate(Box<validate::Arguments>),
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Learn(arguments) => learn::run(arguments),
        Command::Levels(arguments) => levels::run(arguments),
        Command::Validate(arguments) => validate::run(arguments),
    }
}
