//! A service that runs, and what it is asked.

use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;

use crate::scan::command::{run, stderr, text};
use crate::told::Told;

const PATIENCE: Duration = Duration::from_secs(180);
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// A service of a folder.
pub(super) struct Running {
    process: Told,
    asker: Asker,
}

/// Somebody who asks it, as its admin.
pub(super) struct Asker {
    pub(super) url: String,
    token: PathBuf,
}

impl Deref for Running {
    type Target = Asker;

    fn deref(&self) -> &Asker {
        &self.asker
    }
}

impl Running {
    /// Starts it, and waits until it can be asked.
    pub(super) fn start(data: &Path, more: &[&str]) -> Result<Self, Failed> {
        let words = ["serve", "--data", text(data)?, "--http", "0"];
        let mut process = Told::start(&[&words[..], more].concat())?;
        // Which is no terminal, so the token stays in its file.
        let line = process.until(&["serve: http://", "(its token is in"])?;
        let url = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once("/ ("))
            .map(|(address, _)| format!("http://{address}"))
            .ok_or("no address")?;
        let token = data.join("admin-token");
        Ok(Self {
            process,
            asker: Asker { url, token },
        })
    }

    /// Kills it outright.
    pub(super) fn kill(mut self) -> Result<(), Failed> {
        self.process.kill()?;
        self.process.ended()?;
        Ok(())
    }
}

impl Asker {
    /// Runs a command that asks it.
    pub(super) fn run(&self, words: &[&str]) -> Result<Output, Failed> {
        let more = ["--server", &self.url, "--token-file", text(&self.token)?];
        run(&[words, &more].concat())
    }

    /// The same, for a command that must succeed and prints JSON.
    pub(super) fn json(&self, words: &[&str]) -> Result<Value, Failed> {
        let output = self.run(words)?;
        if output.status.code() != Some(0) {
            return Err(format!("{words:?}: {}: {}", output.status, stderr(&output)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// All scans.
    pub(super) fn scans(&self) -> Result<Vec<Value>, Failed> {
        let listed = self.json(&["status", "--limit", "500", "--format", "json"])?;
        Ok(listed.as_array().cloned().unwrap_or_default())
    }

    /// Waits until its scans are so.
    pub(super) fn until(&self, is_so: impl Fn(&[Value]) -> bool) -> Result<(), Failed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let scans = self.scans()?;
            if is_so(&scans) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("still {scans:#?}").into());
            }
            // The scans that are waited for need the processor.
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
    }
}

/// A file that nobody else can read.
pub(super) fn write_secret(path: &Path, secret: &str) -> Result<(), Failed> {
    // One of an earlier run.
    let _none = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(writeln!(file, "{secret}")?)
}
