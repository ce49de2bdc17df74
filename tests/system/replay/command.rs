//! The program, and what it reports.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Failed;
use skyscan::scenario::results::Report;

/// `skyscan replay`, started at the top of the project.
pub(crate) fn replay(arguments: &[&str]) -> Result<Output, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

/// Replays a scenario in its quick form.
pub(crate) fn quick(path: &str) -> Result<Report, Failed> {
    let output = replay(&[path, "--quick", "--format", "json"])?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{path} ended with {}: {told}", output.status).into());
    }
    let reports: Vec<Report> = serde_json::from_slice(&output.stdout)?;
    let report = reports.into_iter().next();
    report.ok_or_else(|| "there is no report".into())
}

/// A fleet around a master that has enough of half of it.
pub(crate) const CLOSED_LOOP: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/closed-loop.toml"
));

/// A scenario with some of its text put in place of other text, which must stand there.
pub(crate) fn changed(scenario: &str, changes: &[(&str, &str)]) -> String {
    changes
        .iter()
        .fold(scenario.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
}

/// A file of a test's own, gone with it.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Writes it.
    pub(crate) fn new(text: &str) -> Result<Self, Failed> {
        static WRITTEN: AtomicU32 = AtomicU32::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let name = format!("skyscan-replay-{}-{number}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing more can be done about it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A folder of a test's own, gone with it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes an empty one.
    pub(crate) fn new() -> Result<Self, Failed> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("skyscan-replay-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The report of a scenario that was replayed into it.
    pub(crate) fn report(&self, scenario: &str) -> PathBuf {
        self.0.join(scenario).join("report.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing more can be done about it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A shipped scenario's text.
pub(crate) fn shipped(name: &str) -> Result<String, Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(name);
    Ok(std::fs::read_to_string(path)?)
}

/// The same without its variants: the point that they change.
pub(crate) fn shipped_point(name: &str) -> Result<String, Failed> {
    let text = shipped(name)?;
    Ok(text
        .split("[[variant]]")
        .next()
        .unwrap_or_default()
        .to_owned())
}
