//! A process and what it tells.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::scan::command::skyscan;

const PATIENCE: Duration = Duration::from_secs(120);

/// A process and what it tells, line by line.
pub(crate) struct Told {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Told {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, Failed> {
        Self::of(skyscan().args(arguments))
    }

    /// The same of any command.
    pub(crate) fn of(command: &mut Command) -> Result<Self, Failed> {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or("it is piped")?;
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Nobody listens any more if the test has failed.
                let _ = tell.send(line);
            }
        });
        Ok(Self {
            child,
            lines,
            seen: Vec::new(),
        })
    }

    /// The next line that has all these words.
    pub(crate) fn until(&mut self, words: &[&str]) -> Result<String, Failed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = (self.lines.recv_timeout(left))
                .map_err(|_| format!("no {words:?} in {:#?}", self.seen))?;
            self.seen.push(line.clone());
            if words.iter().all(|word| line.contains(word)) {
                return Ok(line);
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) -> Result<(), Failed> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status()?;
        sent.success()
            .then_some(())
            .ok_or_else(|| "no signal".into())
    }

    /// Kills it outright.
    pub(crate) fn kill(&mut self) -> Result<(), Failed> {
        Ok(self.child.kill()?)
    }

    /// Waits until it has ended, with all that it still told.
    pub(crate) fn ended(&mut self) -> Result<(ExitStatus, Vec<String>), Failed> {
        let status = self.child.wait()?;
        Ok((status, self.lines.iter().collect()))
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
