//! A process that takes part in a scan, and is started again and again.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::clock::Clock;

/// Which part it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Has the sky scanned.
    Scanner,
    /// Stands between scanner and workers.
    Relay,
    /// Evaluates pixels.
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scanner => "scanner",
            Self::Relay => "relay",
            Self::Worker => "worker",
        })
    }
}

/// One place in the cast: at most one process at a time.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) role: Role,
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    clock: Option<Clock>,
    child: Option<Child>,
    /// Stopped so many times, and continued fewer times.
    n_stops: u32,
}

impl Part {
    pub(crate) fn new(
        role: Role,
        program: &Path,
        arguments: Vec<String>,
        log: PathBuf,
    ) -> Result<Self> {
        Ok(Self {
            role,
            program: program.to_path_buf(),
            arguments,
            clock: Clock::right(log.with_extension("clock"))?,
            log,
            child: None,
            n_stops: 0,
        })
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// With other arguments from the next start on.
    pub(crate) fn change(&mut self, arguments: Vec<String>) {
        self.arguments = arguments;
    }

    /// Where it writes what programs read.
    pub(crate) fn output(&self) -> PathBuf {
        self.log.with_extension("json")
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_remove("SKYSCAN_LOG")
            .stdin(Stdio::null())
            .stdout(File::create(self.output())?)
            .stderr(log)
            .kill_on_drop(true);
        if let Some(clock) = &self.clock {
            command.envs(clock.environment());
        }
        let child = command.spawn();
        self.child = Some(child.with_context(|| format!("failed to start {:?}", self.program))?);
        self.n_stops = 0;
        Ok(())
    }

    /// Returns when it ended; never while it does not run.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let Some(child) = &mut self.child else {
            return std::future::pending().await;
        };
        let status = child.wait().await?;
        self.child = None;
        Ok(status)
    }

    /// SIGKILL; returns once it is gone.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        match self.child.take() {
            Some(mut child) => child.kill().await,
            None => Ok(()),
        }
    }

    pub(crate) fn stop(&mut self) {
        self.n_stops += 1;
        self.signal(Signal::SIGSTOP);
    }

    /// Its wall clock is so many seconds off from now on.
    pub(crate) fn set_clock(&self, seconds: i64) -> Result<()> {
        self.clock
            .as_ref()
            .map_or(Ok(()), |clock| clock.set(seconds))
    }

    /// Goes on once it was continued as often as stopped.
    pub(crate) fn go_on(&mut self) {
        self.n_stops = self.n_stops.saturating_sub(1);
        if self.n_stops == 0 {
            self.signal(Signal::SIGCONT);
        }
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().and_then(Child::id);
        if let Some(id) = id.and_then(|id| i32::try_from(id).ok()) {
            // It may have ended by now.
            let _ = kill(Pid::from_raw(id), signal);
        }
    }
}
