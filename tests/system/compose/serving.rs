//! The service of the compose file with four workers: an alert goes in through its published port, and is scanned.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::compose::project::{Project, run, until};
use crate::compose::{Result, SKYSCAN, Transport, same_map};

const N_WORKERS: usize = 4;
/// Takes no time worth speaking of.
const QUICK: [&str; 2] = ["--nside", "4,8,16"];

pub(crate) fn check(project: &Project<'_>, transport: &Transport) -> Result<()> {
    let scale = format!("worker={N_WORKERS}");
    run(project
        .compose()
        .args(["up", "-d", "--no-build", "--scale", &scale])
        .args(transport.services))?;
    let address = published(project)?;
    let token = project.scratch.join("token");
    let show = ["exec", "-T", "service", "cat", "/data/admin-token"];
    let shown = until(|| run(project.compose().args(show)))?;
    fs::write(&token, shown)?;
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
    let ask = |address: &str, words: &[&str]| {
        let mut command = Command::new(SKYSCAN);
        command.args(words).args(["--server", address]);
        run(command.arg("--token-file").arg(&token))
    };
    until(|| ask(&address, &["status"]))?;
    let submit = ["submit", "demo/event.json", "--wait", "--format", "json"];
    same_map(&ask(&address, &[&submit[..], &QUICK].concat())?, &QUICK)?;

    // A container that is made again finds what was scanned: it is in the volume.
    let again = ["up", "-d", "--no-build", "--no-deps", "--force-recreate"];
    run(project.compose().args(again).arg("service"))?;
    let address = published(project)?;
    let listed = until(|| ask(&address, &["status", "--format", "json"]))?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    match listed.as_array().map(Vec::as_slice) {
        Some([scan]) if scan["state"] == "done" => Ok(()),
        _ => Err(format!("one scan was to be there, not {listed}").into()),
    }
}

/// Where the service listens on this machine, once it does.
fn published(project: &Project<'_>) -> Result<String> {
    let containers = project.containers("service", "--all")?;
    let [container] = containers.as_slice() else {
        return Err(format!("one service was asked for, not {containers:?}").into());
    };
    let published = run(Command::new("docker").args(["port", container, "8080"]))?;
    let address = published.lines().next().ok_or("no port is published")?;
    Ok(format!("http://{address}"))
}
