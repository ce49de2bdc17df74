//! Scans and workers as processes of their own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;

/// What is sure to happen does so within this time.
const SOON: Duration = Duration::from_secs(20);

/// The program, started at the top of the project.
pub(crate) fn skyscan(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SKYSCAN_LOG", "skyscan=debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a scan that ended well printed with `--format json`.
pub(crate) fn result(output: &Output) -> Result<Value, Failed> {
    if output.status.code() != Some(0) {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {told}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A running process whose log is read as it comes; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: Option<std::thread::JoinHandle<()>>,
    lines: std::sync::mpsc::Receiver<String>,
    /// All lines so far.
    pub(crate) told: Vec<String>,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, Failed> {
        let mut child = skyscan(arguments).spawn()?;
        let stderr = BufReader::new(child.stderr.take().ok_or("it is piped")?);
        let (sender, lines) = std::sync::mpsc::channel();
        let log = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // The receiver goes when nobody wants to know any more.
                let _ = sender.send(line);
            }
        });
        Ok(Self {
            child,
            log: Some(log),
            lines,
            told: Vec::new(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads the log until so many more lines with these words have come.
    pub(crate) fn wait_for(&mut self, words: &str, n: usize) -> Result<(), Failed> {
        let mut left = n;
        while left > 0 {
            let Ok(line) = self.lines.recv() else {
                return Err(format!("ended before {words:?}: {:#?}", self.told).into());
            };
            left -= usize::from(line.contains(words));
            self.told.push(line);
        }
        Ok(())
    }

    /// The external programs that it runs and that have told their name: each below its guard.
    pub(crate) fn programs(&self) -> Vec<u32> {
        let pid = |line: &String| {
            let (_, rest) = line.split_once("an external program is up")?;
            let digits = rest.split_once("pid=")?.1.split_whitespace().next()?;
            digits.parse::<u32>().ok()
        };
        let ours = |pid: &u32| parent(*pid) == Some(self.pid());
        let guards = self.told.iter().filter_map(pid).filter(ours);
        guards.flat_map(children).collect()
    }

    /// Waits for the end and gives what it printed.
    pub(crate) fn finish(mut self) -> Result<(Output, Vec<String>), Failed> {
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        let status = self.child.wait()?;
        if let Some(log) = self.log.take() {
            log.join().map_err(|_| "the log's thread panicked")?;
        }
        let mut told = std::mem::take(&mut self.told);
        told.extend(self.lines.try_iter());
        let output = Output {
            status,
            stdout,
            stderr: told.join("\n").into_bytes(),
        };
        Ok((output, told))
    }

    /// SIGTERM; it must end well.
    pub(crate) fn leave(self) -> Result<(), Failed> {
        signal("TERM", self.pid())?;
        let (output, _) = self.finish()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("ended with {}", output.status).into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes that live right below this one.
fn children(pid: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten();
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|child| parent(*child) == Some(pid)).collect()
}

/// Waits until a process is gone.
pub(crate) fn wait_until_gone(pid: u32) -> Result<(), Failed> {
    let begun = Instant::now();
    while let Some(parent) = parent(pid) {
        if begun.elapsed() > SOON {
            return Err(format!("{pid} lives on below {parent}").into());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the end of another's process wakes nobody here"
        )]
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Parent of a process that lives.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| Some(status.lines().find_map(|l| l.strip_prefix(name))?.trim());
    match field("State:")?.starts_with('Z') {
        true => None,
        false => field("PPid:")?.parse().ok(),
    }
}

pub(crate) fn signal(name: &str, pid: u32) -> Result<(), Failed> {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()?;
    match sent.success() {
        true => Ok(()),
        false => Err(format!("cannot send SIG{name} to {pid}").into()),
    }
}
