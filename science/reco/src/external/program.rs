//! Which program runs, and how long it may take.

use std::time::Duration;

use super::error::ProgramError;

/// A command line and its limits.
#[derive(Clone, Debug)]
pub struct Program {
    words: Vec<String>,
    limits: Limits,
}

/// How long a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until it has said hello, and again until it has taken an event.
    pub start: Duration,
    /// For each pixel of a task; the task as a whole has the sum.
    pub pixel: Duration,
}

impl Program {
    /// Splits a command line into words as a shell does; no shell runs.
    ///
    /// # Errors
    /// If quotes do not match, or there is no word.
    pub fn new(command: &str, limits: Limits) -> Result<Self, ProgramError> {
        match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(Self { words, limits }),
            _ => Err(ProgramError::Command(command.to_owned())),
        }
    }

    /// The program's file, and its arguments.
    pub(super) fn words(&self) -> (&str, &[String]) {
        match self.words.as_slice() {
            [first, rest @ ..] => (first, rest),
            [] => ("", &[]),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }
}
