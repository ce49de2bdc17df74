//! The command line: one file a subcommand. Results go to stdout, everything else to stderr.

mod access;
mod answers;
mod attendance;
mod deploy;
mod direction;
mod estimate;
mod event;
mod external;
mod fleet;
mod guard;
mod help;
mod input;
mod interrupt;
mod keygen;
mod log;
mod map;
mod metrics;
mod number;
mod place;
mod progress;
mod reco;
mod regions;
mod relay;
mod replay;
mod report;
mod runtime;
mod scan;
mod serve;
mod service;
mod settings;
mod stderr;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::scenario::fleet::process;
use stderr::tell;

/// Something went wrong that no other code tells.
const FAILED: u8 = 1;
/// The command line or its input makes no sense.
const BAD_INPUT: u8 = 2;
/// A result was written, but it is not complete.
const INCOMPLETE: u8 = 3;
/// A worker or relay met a scan that it can never serve.
const UNFIT: u8 = 4;
/// All was done, but what came out is not as good as was asked for.
const MISSED: u8 = 5;

/// Finds where in the sky a neutrino came from.
///
/// Example: skyscan scan demo/event.json --out out
///
/// Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 finished incomplete, 4 a worker or relay met
/// a scan that it can never serve, 5 a threshold was missed.
#[derive(Debug, Parser)]
#[command(name = "skyscan", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(Box<scan::Arguments>),
    Serve(Box<serve::Arguments>),
    Submit(service::arguments::Submit),
    Status(service::arguments::Status),
    Watch(service::arguments::Watch),
    Result(service::arguments::Result),
    Cancel(service::arguments::Cancel),
    #[command(subcommand)]
    Token(service::arguments::Token),
    Estimate(Box<estimate::Arguments>),
    Worker(worker::Arguments),
    Keygen(keygen::Arguments),
    Relay(relay::Arguments),
    Replay(replay::Arguments),
    /// Compare reports of replays
    ///
    /// Example: skyscan report compare before/mva-check after/mva-check
    #[command(subcommand)]
    Report(report::Command),
    Answers(answers::Arguments),
    #[command(hide = true, name = process::SUBCOMMAND)]
    Fleet(fleet::Arguments),
    #[command(hide = true, name = guard::SUBCOMMAND)]
    Guard(guard::Arguments),
    /// Look at events, make synthetic ones, convert between formats
    ///
    /// Example: skyscan event show alert.json
    #[command(subcommand)]
    Event(event::Command),
    /// Look at the map of a finished scan, draw it, write it in other formats
    ///
    /// Example: skyscan map show results/run00000000.evt000000000010.SYNTHETIC_4_8_16_32_64_128_256_512.npz
    #[command(subcommand)]
    Map(map::Command),
    /// Try reconstructions: external programs, events with known truth; learn how late light is
    ///
    /// Example: skyscan reco validate --events 20 --seed 1 --out study
    #[command(subcommand)]
    Reco(reco::Command),
    /// Write files that start workers elsewhere: HTCondor, Slurm, Kubernetes, clouds
    ///
    /// Example: skyscan deploy slurm --workers 100 --transport zmqs://scanner.example:5555 --keys keys/for-zone-1
    #[command(subcommand)]
    Deploy(deploy::Command),
    Completions(help::Completions),
    Man(help::Manual),
    /// Print the reference of all commands as Markdown
    #[command(hide = true)]
    Reference,
}

/// How a command prints its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// Why a command failed, with the code to leave with.
#[derive(Debug)]
struct Failure {
    code: u8,
    error: anyhow::Error,
}

/// What went wrong is the fault of the input.
fn bad_input(error: impl Into<anyhow::Error>) -> Failure {
    Failure {
        code: BAD_INPUT,
        error: error.into(),
    }
}

/// What went wrong is not the fault of the input.
fn failed(error: impl Into<anyhow::Error>) -> Failure {
    Failure {
        code: FAILED,
        error: error.into(),
    }
}

/// Fewest files that a command with actors can do with.
const MIN_FILES: u64 = 48;

/// Runs the command that the program was called with.
pub fn run() -> ExitCode {
    stderr::tell_panics();
    let command = settings::without_empty(Arguments::command());
    let words = std::env::args_os().collect();
    let matches = scan::tier::settled(&command, words, tell).unwrap_or_else(|error| error.exit());
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    log_of(&arguments.command).start();
    // Where it cannot be raised, whoever needs more files says so.
    let raised = rlimit::increase_nofile_limit(rlimit::INFINITY);
    let n_files = raised.unwrap_or(rlimit::INFINITY);
    let done = match arguments.command {
        // Runtimes and libzmq open a few files each, and abort where they get none.
        Command::Scan(_)
        | Command::Serve(_)
        | Command::Estimate(_)
        | Command::Worker(_)
        | Command::Relay(_)
        | Command::Replay(_)
        | Command::Fleet(_)
        | Command::Reco(_)
            if n_files < MIN_FILES =>
        {
            Err(failed(anyhow::anyhow!(
                "this process may hold {n_files} files, and needs {MIN_FILES} or more: raise the \
                 limit by `ulimit -n`"
            )))
        }
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Submit(arguments) => service::submit(&arguments),
        Command::Status(arguments) => service::status(&arguments),
        Command::Watch(arguments) => service::watch(&arguments),
        Command::Result(arguments) => service::result(&arguments),
        Command::Cancel(arguments) => service::cancel(&arguments),
        Command::Token(command) => service::token(&command),
        Command::Estimate(arguments) => estimate::run(&arguments),
        Command::Worker(arguments) => worker::run(&arguments),
        Command::Relay(arguments) => relay::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Report(command) => report::run(&command),
        Command::Answers(arguments) => answers::run(&arguments),
        Command::Fleet(arguments) => fleet::run(&arguments),
        Command::Guard(arguments) => Ok(guard::run(&arguments)),
        Command::Event(command) => event::run(command),
        Command::Map(command) => map::run(&command),
        Command::Reco(command) => reco::run(&command),
        Command::Deploy(command) => deploy::run(&command),
        Command::Completions(arguments) => help::completions(&arguments),
        Command::Man(arguments) => help::manual(&arguments),
        Command::Reference => help::reference(),
    };
    let code = done.unwrap_or_else(|Failure { code, error }| {
        tell(&with_causes(&error));
        code
    });
    stderr::flush();
    ExitCode::from(code)
}

/// An error and its causes in one line, each of them once: some spell their cause out themselves.
fn with_causes(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.ends_with(&cause) {
            continue;
        }
        if !line.is_empty() {
            line += ": ";
        }
        line += &cause;
    }
    // Errors may quote a file.
    crate::event::names::clean(&line, LONGEST_ERROR)
}

/// Characters of an error; longer ones are cut.
const LONGEST_ERROR: usize = 4000;

/// What the log of a command is like.
fn log_of(command: &Command) -> log::LogArguments {
    match command {
        Command::Scan(arguments) => arguments.log,
        Command::Serve(arguments) => arguments.log,
        Command::Worker(arguments) => arguments.log,
        Command::Relay(arguments) => arguments.log,
        _ => log::LogArguments::default(),
    }
}

/// Prints a result, after what was told before it. A reader who left early has what he wanted.
fn print(text: &str) -> Result<(), Failure> {
    print_bytes(format!("{}\n", text.trim_end()).as_bytes())
}

/// Prints a result as it is.
fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};
    stderr::flush();
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(
            anyhow::Error::new(error).context("cannot print the result"),
        )),
        _ => Ok(()),
    }
}
