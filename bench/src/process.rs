//! What this process and its workers use, and how the workers are started.

use std::{
    env, fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

/// User and system time of all threads of this process so far, in steps of 10 ms.
///
/// # Errors
/// If the system does not tell.
pub fn used() -> Result<Duration> {
    used_by("self")
}

/// User and system time of all threads of a process so far, in steps of 10 ms.
///
/// # Errors
/// If there is no such process.
pub fn used_by(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    // Fields 14 and 15, counted behind the name, which is in parentheses.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("no name in the process's state")?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap_or(0))
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Memory of a process that is in use now, in bytes.
///
/// # Errors
/// If there is no such process.
pub fn resident(process: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    let kib: u64 = kib.context("no memory in the process's state")?.parse()?;
    Ok(kib * 1024)
}

/// A worker's process: this program again, in another role. Ends with its handle.
#[derive(Debug)]
pub struct Worker(Child);

impl Worker {
    /// Starts one that reads its role and its tasks from the environment.
    ///
    /// # Errors
    /// If the system starts no process.
    pub fn start(role: &str, address: &str, n_links: usize, n_dealers: usize) -> Result<Self> {
        let child = Command::new(env::current_exe()?)
            .env("SKYSCAN_BENCH_ROLE", role)
            .env("SKYSCAN_BENCH_ADDRESS", address)
            .env("SKYSCAN_BENCH_LINKS", n_links.to_string())
            .env("SKYSCAN_BENCH_DEALERS", n_dealers.to_string())
            .stdin(Stdio::null())
            .spawn()
            .context("failed to start a worker")?;
        Ok(Self(child))
    }

    /// Processor time of the process so far.
    ///
    /// # Errors
    /// If it has ended.
    pub fn used(&self) -> Result<Duration> {
        used_by(&self.0.id().to_string())
    }

    /// Memory of the process that is in use now, in bytes.
    ///
    /// # Errors
    /// If it has ended.
    pub fn resident(&self) -> Result<u64> {
        resident(&self.0.id().to_string())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = (self.0.kill(), self.0.wait());
    }
}
