//! The program that brings alerts: whatever listens to a broker, a socket or a satellite is the
//! operator's own.
//!
//! It writes a JSON object a line on its standard output, each an alert:
//!
//! - one of `path` (a file; absolute, or relative to where the service was started), `event_base64`
//!   (what such a file holds) and `event` (the JSON of an event);
//! - if wanted `settings` (as in [`Settings`](crate::settings::Settings)) and `priority`
//!   (`background`, `normal`, `urgent`).
//!
//! For each line, in order, it is answered on its standard input, once the alert is safe:
//!
//! - `{"line": 1, "scan": "…", "is_new": true}`,
//! - or `{"line": 1, "refused": "why"}`; lines are counted from 1 at each start.
//!
//! A program that need not know, need not read. One that does goes on from the last line that was
//! answered after it was killed.
//!
//! What it says on its standard error goes to the log. When it ends it is started again, ever
//! later. When the service ends, its input is closed, it gets SIGTERM, and a second later it is
//! killed, with all that it started.

mod alert;
mod answers;
#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Read};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crate::doors::{
    Desk, Input, LastLine, Line, MOST_EVENT_BYTES, Pace, Program, Started, Stop, Threads,
    next_line, quoted, to_log,
};

use answers::Answers;

/// How often a silent program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Bytes that are read from a program at once.
const READ_AT_ONCE: usize = 1 << 16;
/// How long what a program left behind may go on talking.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// A program that ran for so long has not failed at once, and is started again as soon as one that
/// never failed.
const STEADY: Duration = Duration::from_secs(60);
/// Stray lines that are told of a minute; the others are counted.
const MOST_STRAYS: u32 = 10;

/// Runs a program that brings alerts, until it is dropped.
#[derive(Debug)]
pub struct AlertProgram {
    _threads: Threads,
}

impl AlertProgram {
    /// Starts it, and starts it again when it ends.
    ///
    /// # Errors
    /// If there is no thread. A program that cannot be started is tried again, as one that ends.
    pub fn run(program: Program, again: Pace, desk: Arc<dyn Desk>) -> io::Result<Self> {
        let threads = Threads::default();
        threads.start("alert program", move |stop| {
            let mut n_failures = 0;
            while !stop.is_set() {
                let begun = Instant::now();
                let n_taken = match Run::start(&program, &*desk, again) {
                    Ok(run) => run.until_it_ends(stop),
                    Err(error) => {
                        tracing::error!(program = program.name(), "cannot be started: {error}");
                        0
                    }
                };
                if n_taken > 0 || begun.elapsed() > STEADY {
                    n_failures = 0;
                }
                n_failures += 1;
                let wait = again.after(n_failures);
                if !stop.is_set() {
                    tracing::warn!(program = program.name(), ?wait, "is started again");
                }
                stop.wait(wait);
            }
        })?;
        Ok(Self { _threads: threads })
    }
}

/// One life of the program.
#[derive(Debug)]
struct Run<'a> {
    name: &'a str,
    desk: &'a dyn Desk,
    again: Pace,
    started: Started,
    lines: Receiver<Vec<Line>>,
    answers: Answers,
    last_line: LastLine,
    n_lines: u64,
    n_taken: u64,
    strays: Strays,
}

impl<'a> Run<'a> {
    fn start(program: &'a Program, desk: &'a dyn Desk, again: Pace) -> io::Result<Self> {
        let mut started = program.start(&[], Input::Pipe)?;
        let answers = Answers::new(started.stdin.as_ref())?;
        let streams = (started.stdout.take(), started.stderr.take());
        let (Some(stdout), Some(stderr)) = streams else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let last_line = LastLine::default();
        let (name, last) = (program.name().to_owned(), last_line.clone());
        let words = Builder::new().name("program's words".to_owned());
        words.spawn(move || to_log(stderr, &name, &last))?;
        tracing::info!(program = program.name(), "brings alerts");
        Ok(Self {
            name: program.name(),
            desk,
            again,
            started,
            lines: read_lines(stdout)?,
            answers,
            last_line,
            n_lines: 0,
            n_taken: 0,
            strays: Strays::default(),
        })
    }

    /// Takes what it brings until it ends or the service does; returns how many alerts were taken.
    fn until_it_ends(mut self, stop: &Stop) -> u64 {
        let mut silent_since = Instant::now();
        while !stop.is_set() {
            match self.lines.recv_timeout(LOOK_EVERY) {
                Ok(lines) => {
                    for line in lines {
                        if stop.is_set() {
                            break;
                        }
                        self.take(&line, stop);
                    }
                    silent_since = Instant::now();
                }
                // What it started outside of its group may hold its output for ever.
                Err(RecvTimeoutError::Timeout) => {
                    let has_ended = self.started.wait(Duration::ZERO).is_some();
                    if has_ended && silent_since.elapsed() > LAST_WORDS {
                        break;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.strays.tell_untold(self.name);
        // Without its output it is of no use, whether or not it goes on. It may be about to leave by itself.
        let by_itself = if stop.is_set() {
            None
        } else {
            self.started.wait(LAST_WORDS)
        };
        let status = by_itself.or_else(|| self.started.end());
        if !stop.is_set() {
            let said = self.last_line.quoted();
            let said = said.map_or_else(String::new, |line| format!("; it said last {line}"));
            let n_taken = self.n_taken;
            tracing::warn!(
                program = self.name,
                n_taken,
                "{}{said}",
                end(by_itself, status)
            );
        }
        self.n_taken
    }

    fn take(&mut self, line: &Line, stop: &Stop) {
        self.n_lines += 1;
        let text = match line {
            Line::Whole(text) if text.trim_ascii().is_empty() => return,
            Line::Whole(text) => text,
            Line::TooLong(beginning) => {
                let most = MOST_EVENT_BYTES >> 20;
                return self.refuse(beginning, &format!("the line is longer than {most} MiB"));
            }
        };
        let submission = match alert::submission(text, self.name) {
            Ok(submission) => submission,
            Err(why) => return self.refuse(text, &why),
        };
        match super::bring(self.desk, &submission, self.again, stop) {
            Some(Ok(submitted)) => {
                self.n_taken += 1;
                let scan = &submitted.scan.id.0;
                tracing::info!(
                    program = self.name,
                    scan,
                    new = submitted.is_new,
                    "has brought an alert"
                );
                self.answers
                    .taken(&mut self.started.stdin, self.n_lines, &submitted);
            }
            Some(Err(why)) => self.refuse(text, &why),
            None => {}
        }
    }

    fn refuse(&mut self, text: &[u8], why: &str) {
        self.strays.tell(self.name, text, why);
        self.answers
            .refused(&mut self.started.stdin, self.n_lines, why);
    }
}

fn end(by_itself: Option<ExitStatus>, status: Option<ExitStatus>) -> String {
    match (by_itself, status) {
        (Some(status), _) => format!("has ended ({status})"),
        (None, Some(_)) => "has closed its output, and was ended".to_owned(),
        (None, None) => "has closed its output, and cannot be ended".to_owned(),
    }
}

/// Reads the lines of a program until it, or whoever takes them, has gone: several at once where
/// they are there already. Of long ones there are two in memory at most.
fn read_lines(stdout: impl Read + Send + 'static) -> io::Result<Receiver<Vec<Line>>> {
    let (hand_on, lines) = sync_channel(0);
    let reading = Builder::new().name("program's alerts".to_owned());
    reading.spawn(move || {
        let mut stdout = BufReader::with_capacity(READ_AT_ONCE, stdout);
        while let Ok(Some(line)) = next_line(&mut stdout, MOST_EVENT_BYTES) {
            let mut together = vec![line];
            while stdout.buffer().contains(&b'\n')
                && let Ok(Some(line)) = next_line(&mut stdout, MOST_EVENT_BYTES)
            {
                together.push(line);
            }
            if hand_on.send(together).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

/// Tells of lines that are no alerts, but not of thousands.
#[derive(Debug, Default)]
struct Strays {
    since: Option<Instant>,
    n_told: u32,
    n_untold: u64,
}

impl Strays {
    fn tell(&mut self, program: &str, text: &[u8], why: &str) {
        if self.since.is_none_or(|since| since.elapsed() > STEADY) {
            self.tell_untold(program);
            self.since = Some(Instant::now());
            self.n_told = 0;
        }
        if self.n_told < MOST_STRAYS {
            self.n_told += 1;
            tracing::warn!(program, "a line was not taken: {why}: {}", quoted(text));
        } else {
            self.n_untold += 1;
        }
    }

    fn tell_untold(&mut self, program: &str) {
        let n_lines = std::mem::take(&mut self.n_untold);
        if n_lines > 0 {
            tracing::warn!(program, n_lines, "more lines were not taken");
        }
    }
}
