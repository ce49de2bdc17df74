//! Scanners and workers as processes of their own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Failed;
use serde_json::Value;

/// A ZeroMQ place on this machine, but for its port.
pub(crate) const FREE_PORT: &str = "zmq://127.0.0.1:";

/// What is scanned, and how finely.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    /// The event that ships with the project.
    Demo,
    /// A real event, where it is at hand.
    Gold,
    /// The event that ships, under systematics, too.
    Varied,
}

impl Subject {
    pub(crate) fn path(self) -> PathBuf {
        let event = match self {
            Self::Demo | Self::Varied => "demo/event.json",
            Self::Gold => "../shared/data/events/run00136766-evt000007637140-GOLD.pkl",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join(event)
    }

    fn scan(self) -> Command {
        let nsides = match self {
            Self::Demo | Self::Varied => "8,64",
            Self::Gold => "8,32",
        };
        let mut command = skyscan();
        command.arg("scan").arg(self.path());
        // The faster one: what travels, and who takes it, is the same.
        command.args([
            "--reco",
            "pandel-mpe",
            "--nside",
            nsides,
            "--format",
            "json",
        ]);
        if matches!(self, Self::Varied) {
            command.args(["--systematics", "tests/fixtures/systematics.json"]);
        }
        command
    }

    /// Hash of the map that a process alone makes.
    pub(crate) fn map_in_memory(self) -> Result<String, Failed> {
        static MAPS: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
        let known = &MAPS[self as usize];
        if let Some(map) = known.get() {
            return Ok(map.clone());
        }
        let map = Scanned::read(&self.scan().output()?.stdout)?.map;
        Ok(known.get_or_init(|| map).clone())
    }
}

/// The program, started at the top of the project.
pub(crate) fn skyscan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    command
}

/// What a complete scan came to.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) map: String,
    /// Leases that were lost with their workers.
    pub(crate) n_lost: u64,
    /// Copies of tasks that took too long.
    pub(crate) n_copies: u64,
}

impl Scanned {
    pub(crate) fn read(stdout: &[u8]) -> Result<Self, Failed> {
        let scan: Value = serde_json::from_slice(stdout)?;
        if scan["complete"] != Value::Bool(true) {
            return Err("the scan is not complete".into());
        }
        Ok(Self {
            map: scan["map_sha256"]
                .as_str()
                .ok_or("no map_sha256")?
                .to_owned(),
            n_lost: scan["tasks"]["lost"].as_u64().ok_or("no lost tasks")?,
            n_copies: (scan["tasks"]["speculated"].as_u64()).ok_or("no copied tasks")?,
        })
    }
}

/// Runs a worker until it has had no scan to serve for so long.
pub(crate) fn worker_gives_up(url: &str, after_s: u32) -> Result<Output, Failed> {
    let after = after_s.to_string();
    Ok(skyscan()
        .args([
            "worker",
            "--slots",
            "1",
            "--give-up",
            &after,
            "--transport",
            url,
        ])
        // Names that nobody knows are looked for, too.
        .env("SKYSCAN_INSECURE", "1")
        .output()?)
}

/// A scan that asks for what nobody offers; killed when dropped.
#[derive(Debug)]
pub(crate) struct Typo {
    scanner: Child,
    told: BufReader<ChildStderr>,
}

impl Typo {
    pub(crate) fn start(url: &str) -> Result<Self, Failed> {
        let mut scanner = skyscan()
            .args(["scan", "demo/event.json", "--reco", "external:typo"])
            .args(["--workers", "0", "--transport", url])
            // Words that never come fail the test that waits for them.
            .args(["--give-up", "100"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let told = BufReader::new(scanner.stderr.take().ok_or("it is piped")?);
        Ok(Self { scanner, told })
    }

    pub(crate) fn wait_for(&mut self, words: &str) -> Result<(), Failed> {
        let mut told = String::new();
        let mut end = 0;
        while !told[end..].contains(words) {
            end = told.len();
            if self.told.read_line(&mut told)? == 0 {
                return Err(format!("ended without {words:?}: {told}").into());
            }
        }
        Ok(())
    }

    /// The first Ctrl-C ends it.
    pub(crate) fn interrupt(mut self) -> Result<(), Failed> {
        let pid = self.scanner.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status()?;
        let mut rest = String::new();
        self.told.read_to_string(&mut rest)?;
        match self.scanner.wait()?.code() {
            Some(3) => Ok(()),
            code => Err(format!("an interrupted scan ended with {code:?}: {rest}").into()),
        }
    }
}

impl Drop for Typo {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.scanner.kill();
        let _ = self.scanner.wait();
    }
}

/// A worker with one slot; killed when dropped.
#[derive(Debug)]
pub(crate) struct Worker(Child);

/// Starts a worker and kills it (SIGKILL) as soon as it evaluates its task of this number, counted
/// from 1: it held a lease then.
pub(crate) fn kill_at_task(url: &str, n_begun: usize) -> Result<(), Failed> {
    let mut child = skyscan()
        .args(["worker", "--slots", "1", "--transport", url])
        .env("SKYSCAN_LOG", "skyscan=debug")
        .stderr(Stdio::piped())
        .spawn()?;
    let told = BufReader::new(child.stderr.take().ok_or("it is piped")?);
    let mut worker = Worker(child);
    let mut begun = told
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.contains("begins a task"));
    if begun.by_ref().take(n_begun).count() < n_begun {
        return Err(format!("the worker ended before its task {n_begun}").into());
    }
    worker.kill()
}

impl Worker {
    pub(crate) fn start(url: &str) -> Result<Self, Failed> {
        let worker = skyscan()
            .args(["worker", "--slots", "1", "--transport", url])
            .spawn()?;
        Ok(Self(worker))
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<(), Failed> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// SIGTERM; it must end well.
    pub(crate) fn leave(mut self) -> Result<(), Failed> {
        let pid = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let status = self.0.wait()?;
        if !status.success() {
            return Err(format!("a worker that was asked to leave ended with {status}").into());
        }
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scanner without slots of its own; killed when dropped.
#[derive(Debug)]
pub(crate) struct Scan {
    scanner: Child,
    told: BufReader<ChildStderr>,
}

impl Scan {
    pub(crate) fn start(subject: Subject, url: &str) -> Result<Self, Failed> {
        // Tasks of a fixed size, so that there are enough of them however fast a worker is.
        let mut scanner = subject
            .scan()
            .args(["--workers", "0", "--chunk", "16", "--transport", url])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let told = BufReader::new(scanner.stderr.take().ok_or("it is piped")?);
        Ok(Self { scanner, told })
    }

    /// Waits until a round has ended, as the scanner tells on stderr.
    pub(crate) fn wait_for_round(&mut self, round: &str) -> Result<(), Failed> {
        let mut line = String::new();
        while !(line.starts_with(round) && line.contains(" pixels/s in ")) {
            line.clear();
            if self.told.read_line(&mut line)? == 0 {
                return Err(format!("the scan ended before the end of {round}").into());
            }
        }
        Ok(())
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Result<Scanned, Failed> {
        let mut told = String::new();
        while self.told.read_line(&mut told)? != 0 {}
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.scanner.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        let status = self.scanner.wait()?;
        if !status.success() {
            return Err(format!("the scanner ended with {status}: {told}").into());
        }
        Scanned::read(&stdout)
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.scanner.kill();
        let _ = self.scanner.wait();
    }
}
