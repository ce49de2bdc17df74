//! What is made from the help texts: completions, manual pages, the reference.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::{Failure, failed, print};

/// Columns of the reference, on whatever terminal it is made.
const WIDTH: usize = 100;

/// Print a shell's completions of this command line
///
/// Example: skyscan completions bash
///
/// What it prints belongs where the shell looks for completions:
/// ~/.local/share/bash-completion/completions/skyscan for bash, a folder of $fpath as _skyscan for
/// zsh, ~/.config/fish/completions/skyscan.fish for fish.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Whose completions
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Write manual pages, one for each command
///
/// Example: skyscan man target/man
#[derive(Debug, clap::Args)]
pub(super) struct Manual {
    /// Folder to write to; it is made if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn completions(arguments: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    let mut command = shown();
    clap_complete::generate(arguments.shell, &mut command, "skyscan", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// The command line without the commands that no person calls.
fn shown() -> Command {
    let whole = super::Arguments::command();
    let below: Vec<Command> = (whole.get_subcommands())
        .filter(|below| !below.is_hide_set())
        .cloned()
        .collect();
    let arguments: Vec<clap::Arg> = whole.get_arguments().cloned().collect();
    Command::new("skyscan").args(arguments).subcommands(below)
}

pub(super) fn manual(arguments: &Manual) -> Result<u8, Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(whole(), folder))
        .with_context(|| format!("cannot write to {}", folder.display()))
        .map_err(failed)?;
    Ok(0)
}

/// Prints `docs/reference.md`.
pub(super) fn reference() -> Result<u8, Failure> {
    let mut page = "# Commands\n\n\
        What `--help` says, all of it. Made by `skyscan reference`; a test checks that it is current.\n"
        .to_owned();
    describe(&whole(), &mut page);
    print(&page)?;
    Ok(0)
}

fn describe(command: &Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let help = command
        .clone()
        .term_width(WIDTH)
        .render_long_help()
        .to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a string does not fail.
    let _ = write!(
        page,
        "\n## {name}\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    );
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        describe(below, page);
    }
}

/// The whole command line, without what the environment says at the moment.
fn whole() -> Command {
    let mut command = plain(super::Arguments::command().disable_help_subcommand(true));
    command.build();
    command
}

fn plain(command: Command) -> Command {
    let command = command.mut_args(|argument| argument.hide_env_values(true));
    command.mut_subcommands(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands that people see, with the ways to call them.
    fn shown(command: &Command) -> Vec<Command> {
        let below = command
            .get_subcommands()
            .filter(|below| !below.is_hide_set());
        let below = below.flat_map(shown);
        [command.clone()].into_iter().chain(below).collect()
    }

    #[test]
    fn every_help_has_an_example_that_parses() {
        for command in shown(&whole()) {
            let name = command
                .get_bin_name()
                .unwrap_or_else(|| command.get_name())
                .to_owned();
            let about = command
                .get_long_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples: Vec<&str> = about
                .split("\n\n")
                .filter_map(|paragraph| paragraph.strip_prefix("Example: "))
                .collect();
            assert!(!examples.is_empty(), "{name} --help has no example");
            for example in examples {
                let words = shlex::split(example).unwrap();
                assert!(
                    example.starts_with(&name),
                    "{example:?} in the help of {name}"
                );
                if let Err(error) = super::super::Arguments::command().try_get_matches_from(words) {
                    panic!("{example}: {error}");
                }
            }
        }
    }

    #[test]
    fn every_argument_says_what_it_is() {
        for command in shown(&whole()) {
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "{} {id}", command.get_name());
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::super::Arguments::command().debug_assert();
    }
}
