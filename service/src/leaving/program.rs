//! The program that is run for each letter: a mail, a message, a telescope's queue are the operator's own.
//!
//! It reads the letter's JSON on its standard input; `SKYSCAN_SCAN`, `SKYSCAN_MOMENT` and
//! `SKYSCAN_DELIVERY` (the letter's id, the same at each attempt) are in its environment. Exit code
//! 0 takes the letter; with any other, or when it takes too long, it is run again later. What it
//! says goes to the log. A few may run at once, each for another scan.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crate::doors::{Input, LastLine, Program, Started, Stop, to_log};

use super::{NotDelivered, Outgoing, Receiver};

/// How often it is looked whether the service ends.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs a program for each letter.
#[derive(Debug)]
pub struct TellProgram {
    program: Program,
    patience: Duration,
}

impl TellProgram {
    /// How long a run may take if nothing else is wanted.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// Runs this program, each time for so long at most.
    pub fn new(program: Program, patience: Duration) -> Self {
        Self { program, patience }
    }

    fn start(&self, letter: &Outgoing) -> io::Result<(Started, LastLine)> {
        let environment = [
            ("SKYSCAN_SCAN", letter.scan.as_str()),
            ("SKYSCAN_MOMENT", letter.moment.word()),
            ("SKYSCAN_DELIVERY", letter.id.as_str()),
        ];
        let mut started = self
            .program
            .start(&environment, Input::File(file(&letter.body)?))?;
        let last_line = LastLine::default();
        let stdout = started.stdout.take().map(boxed);
        let stderr = started.stderr.take().map(boxed);
        for stream in [stdout, stderr].into_iter().flatten() {
            let (name, last) = (self.program.name().to_owned(), last_line.clone());
            let words = Builder::new().name("program's words".to_owned());
            words.spawn(move || to_log(stream, &name, &last))?;
        }
        Ok((started, last_line))
    }
}

impl Receiver for TellProgram {
    fn name(&self) -> &str {
        "program"
    }

    fn hand_over(&self, letter: &Outgoing, stop: &Stop) -> Result<(), NotDelivered> {
        let name = self.program.name();
        let (mut started, last_line) = self
            .start(letter)
            .map_err(|error| NotDelivered::now(format!("{name} cannot be started: {error}")))?;
        let late = Instant::now() + self.patience;
        let status = loop {
            let left = late.saturating_duration_since(Instant::now());
            match started.wait(left.min(LOOK_EVERY)) {
                None if left.is_zero() => {
                    break Err(format!("took longer than {:?}", self.patience));
                }
                // Those that are about to end may.
                None if stop.is_set() => break Err("was ended with the service".to_owned()),
                None => {}
                Some(status) => break Ok(status),
            }
        };
        if status.is_err() {
            started.end();
        }
        let why = match status {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => format!("ended with {status}"),
            Err(why) => why,
        };
        let said = last_line
            .quoted()
            .map_or_else(String::new, |line| format!("; it said last {line}"));
        Err(NotDelivered::now(format!("{name} {why}{said}")))
    }
}

/// A file without a name: a program that does not read it holds nothing up.
fn file(body: &str) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(body.as_bytes())?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}
