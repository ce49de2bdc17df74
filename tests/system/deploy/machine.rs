//! User data of machines: what cloud-init makes of it, and what becomes of machines that have it.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;
use skyscan_free_ports::free_ports;

use super::command::{empty_folder, skyscan, written};
use super::consumer;
use crate::transports::remote::Subject;

/// Where machines of tests find the program.
const PROGRAM: [&str; 2] = ["--program", "http://127.0.0.1:8099/skyscan"];
/// Debian with what a machine of a cloud has, for containers: `deploy/base-images machine`.
const IMAGE: &str = "skyscan-test-machine";

/// The keys of a place, with those of its workers, in a folder of the test's own.
fn keys(folder: &Path, more: &[&str]) -> Result<PathBuf, Failed> {
    let made = skyscan(folder)
        .args(["keygen", "keys"])
        .args(more)
        .output()?;
    match made.status.success() {
        true => Ok(folder.join("keys")),
        false => Err(String::from_utf8_lossy(&made.stderr).into_owned().into()),
    }
}

/// cloud-init takes every form of it.
pub(crate) fn schema() -> Result<(), Failed> {
    let folder = empty_folder("cloud-init")?;
    let keys = keys(&folder, &["--token"])?;
    let token = std::fs::read_dir(keys)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("token").exists())
        .ok_or("no token was made")?;
    let token = token.to_str().ok_or("not UTF-8")?;
    let fit = r#"python3 'my fit.py' "$HOME" #: {x}"#;
    for (name, more) in [
        ("command", &["--keys-from", "cat '/a b' | base64"][..]),
        ("folder", &["--keys-at", "/etc/my keys", "--hours", "1"]),
        ("token", &["--expose-token", token]),
        (
            "words",
            &["--keys-at", "/keys", "--", "--external-program", fit],
        ),
    ] {
        let given = ["cloud-init", "--transport", "zmqs://scanner.example:5555"];
        let given = [&given[..], &PROGRAM, &["--name", name], more].concat();
        let (file, text) = written(&folder, &given)?;
        let checked = Command::new("cloud-init")
            .args(["schema", "--config-file"])
            .arg(&file)
            .output()?;
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{name}: {told}");
        assert_eq!(
            text.contains("skyscan-join-token:"),
            name == "token",
            "{text}"
        );
    }
    Ok(())
}

/// As its unit says, without systemd: it joins a sealed place with keys that a command prints, leaves with the cloud's
/// notice, and the next one ends the scan.
pub(crate) fn lives() -> Result<(), Failed> {
    let folder = empty_folder("machine")?;
    let keys = keys(&folder, &["--worker", "zone-1"])?;
    let from = format!(
        "tar -C '{}' -c . | base64",
        keys.join("for-zone-1").display()
    );
    let given = ["cloud-init", "--transport", "zmqs://127.0.0.1:5555"];
    let (file, _) = written(
        &folder,
        &[&given[..], &PROGRAM, &["--keys-from", &from]].concat(),
    )?;
    let mut apart = Command::new("unshare");
    apart.args(["--mount", "--net"]);
    let lived = consumer(apart, "machine_lives.py", |command| {
        command
            .arg(env!("CARGO_BIN_EXE_skyscan"))
            .args([&file, &keys, &Subject::Demo.path()])
    })?;
    judge(&lived, &|_| Ok(Subject::Demo.map_in_memory()?.into()))
}

/// Booted by cloud-init and systemd, in containers; the token stands in the user data.
pub(crate) fn boots() -> Result<(), Failed> {
    let folder = empty_folder("machine-boots")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    done(Command::new(root.join("deploy/base-images")).arg("machine"))?;
    let [port] = free_ports::<1>()?;
    // This machine's name in containers; where it listens.
    let url = format!("zmqs://host.docker.internal:{port}");
    let listens = format!("zmqs://0.0.0.0:{port}");
    let keys = keys(&folder, &["--token"])?;
    let token = std::fs::read_dir(&keys)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("token").exists())
        .ok_or("no token was made")?;
    let token = token.to_str().ok_or("not UTF-8")?;
    let given = ["cloud-init", "--transport", &url, "--give-up", "5"];
    let (file, _) = written(
        &folder,
        &[&given[..], &PROGRAM, &["--expose-token", token]].concat(),
    )?;
    let booted = consumer(Command::new("env"), "machine_boots.py", |command| {
        command
            .args([env!("CARGO_BIN_EXE_skyscan"), IMAGE])
            .args([&file, &keys, &Subject::Demo.path()])
            .arg(&listens)
    })?;
    judge(&booted, &|booted| Ok(booted["alone"].clone()))
}

/// The first machine left with the notice, the second one ended the scan; nothing was lost.
fn judge(printed: &[Value], map: &dyn Fn(&Value) -> Result<Value, Failed>) -> Result<(), Failed> {
    let [lived] = printed else {
        return Err(format!("not one life: {printed:?}").into());
    };
    let said = |n: usize| lived["said"][n].as_str().unwrap_or_default();
    assert!(
        said(0).contains("worker: the machine goes in "),
        "{}",
        said(0)
    );
    assert!(said(1).contains("worker: serves scan "), "{}", said(1));
    assert!(said(0).contains("worker: serves scan "), "{}", said(0));
    assert_eq!(lived["map"], map(lived)?);
    // What the first had begun it may have given back, and nothing else.
    assert!(
        lived["lost"].as_u64().is_some_and(|n_lost| n_lost <= 4),
        "{lived}"
    );
    Ok(())
}

fn done(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}
