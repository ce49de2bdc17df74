//! What this process and its workers use, and how the workers are started.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use procfs::{process::Process, ticks_per_second};

use crate::place::Place;

/// User and system time of all threads of this process so far, in steps of 10 ms.
///
/// # Errors
/// If the system does not tell.
pub fn used() -> Result<Duration> {
    time_of(&Process::myself()?)
}

/// User and system time of all threads of a process so far, in steps of 10 ms.
///
/// # Errors
/// If there is no such process.
pub fn used_by(process: u32) -> Result<Duration> {
    time_of(&Process::new(i32::try_from(process)?)?)
}

fn time_of(process: &Process) -> Result<Duration> {
    let stat = process.stat()?;
    let ticks = stat.utime + stat.stime;
    Ok(Duration::from_secs_f64(
        ticks as f64 / ticks_per_second() as f64,
    ))
}

/// Memory of this process that is in use now, in bytes.
///
/// # Errors
/// If the system does not tell.
pub fn resident() -> Result<u64> {
    memory_of(&Process::myself()?)
}

/// Memory of a process that is in use now, in bytes.
///
/// # Errors
/// If there is no such process.
pub fn resident_of(process: u32) -> Result<u64> {
    memory_of(&Process::new(i32::try_from(process)?)?)
}

fn memory_of(process: &Process) -> Result<u64> {
    let kib = process.status()?.vmrss;
    Ok(1024 * kib.context("no memory in the process's state")?)
}

/// A worker's process: this program again, in another role. Ends with its handle.
#[derive(Debug)]
pub struct Worker(Child);

impl Worker {
    /// Starts one that reads its role and its tasks from the environment.
    ///
    /// # Errors
    /// If the system starts no process.
    pub fn start(
        role: impl AsRef<std::ffi::OsStr>,
        place: &Place,
        n_links: usize,
        n_dealers: usize,
    ) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command
            .env("SKYSCAN_BENCH_ROLE", role)
            .env("SKYSCAN_BENCH_ADDRESS", place.url())
            .env("SKYSCAN_BENCH_LINKS", n_links.to_string())
            .env("SKYSCAN_BENCH_DEALERS", n_dealers.to_string())
            .stdin(Stdio::null());
        if let Some(keys) = place.worker_keys() {
            command.env("SKYSCAN_BENCH_KEYS", keys);
        }
        Ok(Self(command.spawn().context("failed to start a worker")?))
    }

    /// Processor time of the process so far.
    ///
    /// # Errors
    /// If it has ended.
    pub fn used(&self) -> Result<Duration> {
        used_by(self.0.id())
    }

    /// Memory of the process that is in use now, in bytes.
    ///
    /// # Errors
    /// If it has ended.
    pub fn resident(&self) -> Result<u64> {
        resident_of(self.0.id())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = (self.0.kill(), self.0.wait());
    }
}
