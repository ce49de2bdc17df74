//! A process of the fleet: this program again, told what to do on its input, ended by the end of it.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use super::{FleetOrder, FleetReport};
use crate::telemetry;

/// The hidden subcommand that a replay starts its fleets with.
pub const SUBCOMMAND: &str = "fleet";

/// A running process of the fleet, killed when dropped.
#[derive(Debug)]
pub(in crate::scenario) struct FleetProcess(Option<Child>);

impl FleetProcess {
    /// Starts one.
    pub(in crate::scenario) fn start(order: &FleetOrder) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SUBCOMMAND)
            // Two cannot be at one address.
            .env_remove(telemetry::ADDRESS_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut line = serde_json::to_string(order)?;
        line.push('\n');
        let written = match child.stdin.as_mut() {
            Some(input) => input.write_all(line.as_bytes()),
            None => Ok(()),
        };
        let process = Self(Some(child));
        written?;
        Ok(process)
    }

    /// Number of the process; `None` once it was killed.
    pub(in crate::scenario) fn pid(&self) -> Option<u32> {
        self.0.as_ref().map(Child::id)
    }

    /// Whether it has ended on its own.
    pub(in crate::scenario) fn has_ended(&mut self) -> bool {
        match &mut self.0 {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Ends it at once, by SIGKILL.
    pub(in crate::scenario) fn kill(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended on its own.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Tells it to end and waits for what it has to tell; nothing if it was killed.
    pub(in crate::scenario) async fn end(mut self) -> Option<FleetReport> {
        let mut child = self.0.take()?;
        drop(child.stdin.take());
        let waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = waiting.await.ok()?.ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }
}

impl Drop for FleetProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
