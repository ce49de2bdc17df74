//! The page in a browser: each file of tests beside this one is a trial.
//!
//! They are Python, since that is where browsers are driven from, under the interpreter that `SKYSCAN_PYTHON` names
//! (packages: `tests/consumers/requirements.txt`). Where it, or the browser, is missing, they show as ignored; with
//! `CI` set they fail.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");
const FILES: [&str; 4] = ["healpix", "parts", "page", "service"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each has a browser of its own, and some measure how long that takes.
    arguments.test_threads = Some(1);
    let trials = FILES.map(|file| {
        Trial::ignorable_test(format!("page::{file}"), move || match python() {
            Ok(python) => look(&python, file).map(|()| Completion::Completed),
            Err(reason) if env::var_os("CI").is_some() => Err(reason.into()),
            Err(reason) => Ok(Completion::ignored_with(reason)),
        })
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// An interpreter that can drive the browser.
fn python() -> Result<OsString, &'static str> {
    let none = "no Python: SKYSCAN_PYTHON names none, ./test makes one";
    let python = env::var_os("SKYSCAN_PYTHON").ok_or(none)?;
    let packages = "import axe_playwright_python, healpy, playwright, pytest";
    let has = Command::new(&python).args(["-c", packages]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        return Err(
            "no playwright: SKYSCAN_PYTHON lacks packages of tests/consumers/requirements.txt",
        );
    }
    match browser().exists() {
        true => Ok(python),
        false => Err("no browser: chromium is not installed"),
    }
}

fn browser() -> PathBuf {
    env::var_os("CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from)
}

/// The service over an engine that plays, which is built with the tests.
fn fake() -> Result<PathBuf, Failed> {
    let own = env::current_exe()?;
    let profile = own.parent().and_then(Path::parent);
    let fake = profile.ok_or("no folder of builds")?.join("examples/fake");
    match fake.exists() {
        true => Ok(fake),
        false => Err("build it: cargo build --release -p skyscan-service --example fake".into()),
    }
}

fn look(python: &OsString, file: &str) -> Result<(), Failed> {
    let mut command = Command::new(python);
    command
        .args(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"])
        .arg(format!("test_{file}.py"))
        .current_dir(FOLDER)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CHROMIUM", browser())
        .env("FAKE", fake()?);
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stdout).into_owned().into()),
    }
}
