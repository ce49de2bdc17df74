//! Scans that can be killed at any time, of a likelihood that is fast and counts what it is asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;
use skyscan::journal;

use crate::external_reco::program::{self, COUNTS};
use crate::external_reco::scan::signal;
use crate::scan::command::{DEMO, empty_folder};

/// A pixel a task would hide what chunks may lose; many a task would hide what a kill may.
pub(super) const CHUNK: u64 = 4;
/// 768 pixels, and 3,072.
const COARSE: u32 = 8;
const FINE: u32 = 16;
/// What is sure to happen does so within this time.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pixels evaluated at once.
pub(super) const SLOTS: u64 = 2;

/// Where a scan is kept, and what counts its evaluations.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) out: PathBuf,
    counter: PathBuf,
    nside: u32,
}

impl Site {
    pub(super) fn new(name: &str) -> Result<Self, Failed> {
        Self::at_nside(name, COARSE)
    }

    /// The same with more pixels, for what has to happen before it is done.
    pub(super) fn finer(name: &str) -> Result<Self, Failed> {
        Self::at_nside(name, FINE)
    }

    fn at_nside(name: &str, nside: u32) -> Result<Self, Failed> {
        let out = empty_folder(name)?;
        let counter = out.with_extension("counter");
        let _ = std::fs::remove_file(&counter);
        Ok(Self {
            out,
            counter,
            nside,
        })
    }

    /// Pixels that were evaluated, by whomever.
    pub(super) fn n_evaluated(&self) -> u64 {
        std::fs::metadata(&self.counter).map_or(0, |metadata| metadata.len())
    }

    pub(super) fn program(&self) -> String {
        program::command(&format!("{COUNTS}{}", self.counter.display()))
    }

    pub(super) fn journal(&self) -> Result<PathBuf, Failed> {
        let entries = std::fs::read_dir(&self.out)?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut journals = paths.filter(|path| is_journal(path));
        Ok(journals.next().ok_or("no journal")?)
    }

    /// Goes on if there is a journal, and begins if not.
    pub(super) fn scan(&self) -> Command {
        let mut command = skyscan();
        command.arg("scan");
        match self.journal() {
            Ok(_) => command.arg("--resume").arg(&self.out),
            Err(_) => {
                let asked = [
                    "--strategy",
                    "direct",
                    "--reco",
                    "external:test-1",
                    "--nside",
                ];
                command.arg(DEMO).args(asked).arg(self.nside.to_string());
                command.arg("--out").arg(&self.out)
            }
        };
        command.args(["--chunk", &CHUNK.to_string(), "--format", "json"]);
        command
    }

    /// A worker for scans at this place.
    pub(super) fn worker(&self, url: &str) -> Command {
        let mut worker = skyscan();
        worker.args(["worker", "--transport", url, "--slots", &SLOTS.to_string()]);
        worker.args(["--reco", "external", "--external-program"]);
        worker.arg(self.program());
        worker
    }

    /// The same, with workers of its own.
    pub(super) fn scan_alone(&self) -> Command {
        let mut command = self.scan();
        command.args(["--workers", &SLOTS.to_string()]);
        command.arg("--external-program").arg(self.program());
        command
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Left behind it harms nobody.
        let _ = std::fs::remove_file(&self.counter);
        let _ = std::fs::remove_dir_all(&self.out);
    }
}

pub(super) fn is_journal(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".scan.db")
}

pub(super) fn skyscan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running process whose stderr is read as it comes; killed when dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    told: Receiver<String>,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Result<Self, Failed> {
        let mut child = command.spawn()?;
        let stderr = BufReader::new(child.stderr.take().ok_or("it is piped")?);
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody may want to know any more.
                let _ = tell.send(line);
            }
        });
        Ok(Self { child, told })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, name: &str) -> Result<(), Failed> {
        signal(name, self.child.id())
    }

    /// Waits for a line with these words.
    pub(super) fn wait_for(&self, words: &str) -> Result<String, Failed> {
        let mut told = Vec::new();
        loop {
            match self.told.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return Ok(line),
                Ok(line) => told.push(line),
                Err(_) => return Err(format!("nothing of {words:?}: {told:#?}").into()),
            }
        }
    }

    /// Waits until so many pixels were evaluated.
    pub(super) fn wait_for_evaluated(&self, site: &Site, n_pixels: u64) -> Result<(), Failed> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if site.n_evaluated() >= n_pixels {
                return Ok(());
            }
            // What it tells meanwhile is of no interest; so long is waited until the next look.
            let _ = self.told.recv_timeout(Duration::from_millis(1));
        }
        Err(format!("no {n_pixels} pixels were evaluated").into())
    }

    /// Waits until the journal of a site holds so many pixels.
    pub(super) fn wait_for_pixels(&self, site: &Site, n_pixels: usize) -> Result<(), Failed> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let n_held = site
                .journal()
                .ok()
                .and_then(|path| journal::read(&path).ok());
            if n_held.is_some_and(|contents| contents.atlas.len() >= n_pixels) {
                return Ok(());
            }
            // What it tells meanwhile is of no interest; so long is waited until the next look.
            let _ = self.told.recv_timeout(Duration::from_millis(10));
        }
        Err(format!("no {n_pixels} pixels came").into())
    }

    pub(super) fn finish(mut self) -> Result<Output, Failed> {
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        let status = self.child.wait()?;
        let told: Vec<String> = self.told.iter().collect();
        let stderr = told.join("\n").into_bytes();
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills what is started after so long, unless it has ended by itself: then what it printed comes back.
pub(super) fn killed_after(
    mut command: Command,
    after: Duration,
) -> Result<Option<Output>, Failed> {
    let child = command.spawn()?;
    let pid = child.id().to_string();
    let (tell, ended) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let output = child.wait_with_output();
        // Nobody may want to know any more.
        let _ = tell.send(());
        output
    });
    let is_over = ended.recv_timeout(after).is_ok();
    if !is_over {
        // It may be gone at this very moment.
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
    }
    let output = waiting.join().map_err(|_| "the thread panicked")??;
    Ok((is_over || output.status.code().is_some()).then_some(output))
}

/// What a scan that ended well printed.
pub(super) fn result(output: &Output) -> Result<Value, Failed> {
    if output.status.code() != Some(0) {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {told}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The refusal of a command that must end with code 2.
pub(super) fn refusal(mut command: Command) -> Result<String, Failed> {
    let output = command.output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(2) => Ok(told),
        code => Err(format!("ended with {code:?}: {told}").into()),
    }
}

/// The map and the time of a scan that nobody disturbs.
pub(super) fn undisturbed(site: &Site) -> Result<(String, Duration), Failed> {
    static KNOWN: Mutex<BTreeMap<u32, (String, Duration)>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().map_err(|_| "another one panicked")?;
    if let Some(known) = known.get(&site.nside) {
        return Ok(known.clone());
    }
    let alone = Site::at_nside(&format!("journal-undisturbed-{}", site.nside), site.nside)?;
    let begun = Instant::now();
    let map = map_of(&result(&alone.scan_alone().output()?)?)?;
    known.insert(site.nside, (map.clone(), begun.elapsed()));
    Ok((map, begun.elapsed()))
}

pub(super) fn map_of(scan: &Value) -> Result<String, Failed> {
    Ok(scan["map_sha256"]
        .as_str()
        .ok_or("no map_sha256")?
        .to_owned())
}
