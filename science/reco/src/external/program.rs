//! Which program runs, and how long it may take.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::error::ProgramError;

/// A command line and its limits.
#[derive(Clone, Debug)]
pub struct Program {
    words: Vec<String>,
    limits: Limits,
    guard: Option<Guard>,
}

/// How this program is called as a [`guard`](super::guard()).
#[derive(Clone, Debug)]
pub struct Guard {
    /// The file.
    pub file: PathBuf,
    /// What stands before the guarded program's own words.
    pub arguments: Vec<String>,
}

/// How long a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until it has said hello, and again until it has taken an event.
    pub start: Duration,
    /// For a pixel. A task as a whole has this for one of its pixels, and for each of the others ten
    /// times what pixels took so far; before there was any, this for each.
    pub pixel: Duration,
}

impl Program {
    /// Splits a command line into words as a shell does; no shell runs.
    ///
    /// # Errors
    /// If quotes do not match, or there is no word.
    pub fn new(command: &str, limits: Limits) -> Result<Self, ProgramError> {
        match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(Self {
                words,
                limits,
                guard: None,
            }),
            _ => Err(ProgramError::Command(command.to_owned())),
        }
    }

    /// The same program below a guard, which ends it, with all that it started, even if this process
    /// is killed outright. Without one it is ended when this process can do so.
    #[must_use]
    pub fn guarded_by(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The program's file as it was given.
    pub(super) fn file(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    /// What is to be started, the guard included.
    pub(super) fn command(&self) -> Command {
        let mut words = self.words.iter();
        let mut command = match &self.guard {
            Some(guard) => {
                let mut command = Command::new(&guard.file);
                command.args(&guard.arguments);
                command
            }
            None => Command::new(words.next().map_or("", String::as_str)),
        };
        command.args(words);
        command
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }
}
