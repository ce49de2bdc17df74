//! What the environment says. An empty variable counts as unset, as compose files have it
//! (`${SKYSCAN_METRICS:-}`).

use clap::{Arg, Command};

/// The command line, without the variables that are empty.
pub(super) fn without_empty(command: Command) -> Command {
    let command = command.mut_args(|argument| match is_empty(&argument) {
        true => argument.env(None),
        false => argument,
    });
    command.mut_subcommands(without_empty)
}

fn is_empty(argument: &Arg) -> bool {
    let variable = argument.get_env().and_then(std::env::var_os);
    variable.is_some_and(|value| value.is_empty())
}
