//! Runs the commands of a page.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use libtest_mimic::Failed;

use crate::page::Block;
use crate::places::Places;

/// What a scan is made coarser by, where the page does not say how fine.
const COARSE: &str = "--nside 4,8";
/// Seconds that a command may take.
const PATIENCE: &str = "120";

/// Runs a page's blocks in a folder that has what they speak of.
pub(crate) fn all(stem: &str, blocks: &[Block]) -> Result<(), Failed> {
    let folder = furnished(stem)?;
    for block in blocks {
        run(&folder, block).map_err(|error| {
            let told = error.message().unwrap_or_default();
            format!("line {}: {:?}: {told}", block.line, block.commands)
        })?;
    }
    Ok(())
}

/// Commands run in turn; a scan that waits for workers, and these, side by side.
fn run(folder: &Path, block: &Block) -> Result<(), Failed> {
    let mut places = Places::new()?;
    let mut remote = Vec::new();
    for command in &block.commands {
        let command = places.here(command)?;
        if command.contains("--workers 0") || command.contains("skyscan worker ") {
            remote.push(command);
        } else {
            succeeded(&shell(folder, &command).output()?)?;
        }
    }
    if remote.is_empty() {
        return Ok(());
    }
    let transport = |command: &String| {
        let mut words = command.split_whitespace();
        words
            .find(|word| *word == "--transport")
            .and_then(|_| words.next())
            .map(str::to_owned)
    };
    let url = remote.iter().find_map(transport).ok_or("no --transport")?;
    // Whoever is alone on the page gets a partner.
    if !remote
        .iter()
        .any(|command| command.contains("skyscan scan "))
    {
        let asks = |words: &str| remote.iter().any(|command| command.contains(words));
        let reco = match (asks("--reco external"), asks("line_fit.py")) {
            (true, true) => "--reco external:line-fit-1",
            (true, false) => "--reco external:straight-track-1",
            (false, _) => "",
        };
        let keys = match url.starts_with("zmqs://") {
            true => "--keys place-keys",
            false => "",
        };
        remote.push(format!(
            "skyscan scan alert.json --workers 0 {reco} --transport {url} {keys}"
        ));
    }
    if !remote
        .iter()
        .any(|command| command.contains("skyscan worker "))
    {
        remote.push(format!("skyscan worker --transport {url}"));
    }
    let (workers, scans): (Vec<String>, Vec<String>) = remote
        .into_iter()
        .partition(|command| command.contains("skyscan worker "));
    let start = |command: &String| Started::start(folder, command);
    let workers = workers.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    let scans = scans.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    for scan in scans {
        succeeded(&scan.finish()?)?;
    }
    for worker in workers {
        Command::new("kill")
            .args(["-TERM", &worker.0.id().to_string()])
            .status()?;
        succeeded(&worker.finish()?)?;
    }
    Ok(())
}

/// A command that runs; killed when dropped.
struct Started(Child);

impl Started {
    fn start(folder: &Path, command: &str) -> Result<Self, Failed> {
        // In the place of the shell, so that a signal reaches it; settings stand in front.
        let command = match command.split_once("skyscan ") {
            Some((settings, rest)) => format!("{settings} exec skyscan {rest}"),
            None => return Err("not a command of ours".into()),
        };
        let settings = command
            .split_once(" exec ")
            .map_or("", |(settings, _)| settings);
        let command = match settings.trim() {
            "" => command,
            settings => format!("export {settings}; {}", &command[settings.len()..]),
        };
        let mut shell = shell(folder, &command);
        Ok(Self(
            shell
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?,
        ))
    }

    fn finish(mut self) -> Result<Output, Failed> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let pipes = (self.0.stdout.take(), self.0.stderr.take());
        if let (Some(mut out), Some(mut err)) = pipes {
            // Neither prints so much that the other one's pipe fills up.
            std::io::Read::read_to_end(&mut out, &mut stdout)?;
            std::io::Read::read_to_end(&mut err, &mut stderr)?;
        }
        let status = self.0.wait()?;
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shell(folder: &Path, command: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    // A scan whose workers have left would wait for ever.
    let mut shell = Command::new("timeout");
    shell
        .args([
            "--foreground",
            PATIENCE,
            "bash",
            "-euo",
            "pipefail",
            "-c",
            command,
        ])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env("HOME", folder)
        .stdin(Stdio::null());
    shell
}

fn succeeded(output: &Output) -> Result<(), Failed> {
    match output.status.success() {
        true => Ok(()),
        false => {
            let told = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}: {told}", output.status).into())
        }
    }
}

/// A folder with the project's files that pages name, an alert, the result of a scan, a password,
/// and programs by the names that pages give them.
fn furnished(stem: &str) -> Result<PathBuf, Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("documentation")
        .join(stem);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(folder.join("bin"))?;
    for name in ["demo", "detectors", "examples", "scenarios", "deploy"] {
        symlink(root.join(name), folder.join(name))?;
    }
    for (from, to) in [
        ("demo/event.json", "alert.json"),
        ("examples/straight_track.py", "fit.py"),
    ] {
        std::fs::copy(root.join(from), folder.join(to))?;
    }
    std::fs::write(folder.join("amqp-password"), "secret\n")?;
    let ours = env!("CARGO_BIN_EXE_skyscan");
    let python = std::env::var("SKYSCAN_PYTHON").unwrap_or_default();
    for (name, script) in [
        (
            "skyscan",
            format!(
                "case \"$1 $*\" in *--nside* | *--resume*) ;; 'scan '*) set -- \"$@\" {COARSE};; esac\n\
                 exec '{ours}' \"$@\""
            ),
        ),
        // What is built by these tests is what cargo would run.
        (
            "cargo",
            "[ \"$1 $2 $3\" = 'run --release --' ]\nshift 3\nexec skyscan \"$@\"".to_owned(),
        ),
        ("python3", format!("exec '{python}' \"$@\"")),
    ] {
        let file = folder.join("bin").join(name);
        std::fs::write(&file, format!("#!/bin/bash -e\n{script}\n"))?;
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755))?;
    }
    if !stem.ends_with("reference-md") {
        return Ok(folder);
    }
    // A place that lets in the worker whose keys examples name.
    let keys = "skyscan keygen place-keys --worker zone-1 && mv place-keys/for-zone-1 .";
    succeeded(&shell(&folder, keys).output()?)?;
    succeeded(&shell(&folder, "skyscan scan alert.json --out results").output()?)?;
    let result = |ending: &str| {
        let entries = std::fs::read_dir(folder.join("results"))
            .into_iter()
            .flatten();
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.find(|path| path.to_string_lossy().ends_with(ending))
    };
    // By the names in the examples of --help.
    for (ending, copies) in [
        ("_4_8.json", &["result.json"][..]),
        (
            "_4_8.npz",
            &[
                "results/run00136766.evt000007637140.GOLD_4_8_16_32_64_128_256_512.npz",
                "results/run00000000.evt000000000010.SYNTHETIC_4_8_16_32_64_128_256_512.npz",
                "other.npz",
            ],
        ),
    ] {
        let from = result(ending).ok_or("no result file")?;
        for copy in copies {
            std::fs::copy(&from, folder.join(copy))?;
        }
    }
    Ok(folder)
}
