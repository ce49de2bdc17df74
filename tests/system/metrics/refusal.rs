//! Addresses at which nothing can be served.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::prometheus::Result;

pub(crate) fn address_is_taken() -> Result<()> {
    let holder = TcpListener::bind("127.0.0.1:0")?;
    let address = holder.local_addr()?.to_string();
    let ended = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .args([
            "scan",
            "demo/event.json",
            "--nside",
            "8",
            "--metrics",
            &address,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&ended.stderr);
    match ended.status.code() == Some(2) && told.contains(&address) && told.contains("--metrics") {
        true => Ok(()),
        false => Err(format!("{}: {told}", ended.status).into()),
    }
}

/// One worker of a machine gets the address; the others work all the same.
pub(crate) fn a_worker_goes_on_without() -> Result<()> {
    let holder = TcpListener::bind("127.0.0.1:0")?;
    let address = holder.local_addr()?.to_string();
    let (code, told) = worker(&address)?;
    match code == Some(0) && told.contains(&address) && told.contains("; goes on without") {
        true => Ok(()),
        false => Err(format!("{code:?}: {told}").into()),
    }
}

pub(crate) fn a_free_port_is_told() -> Result<()> {
    let (code, told) = worker("127.0.0.1:0")?;
    let port = told
        .split_once("metrics at http://127.0.0.1:")
        .map(|(_, rest)| rest);
    let port: Option<u16> = port.and_then(|rest| rest.split_once('/')?.0.parse().ok());
    match (code, port) {
        (Some(0), Some(1..)) => Ok(()),
        _ => Err(format!("{code:?}: {told}").into()),
    }
}

/// A worker that finds no scan and gives up soon.
fn worker(metrics: &str) -> Result<(Option<i32>, String)> {
    let ended = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .args(["worker", "--transport", "zmq://127.0.0.1:1", "--slots", "1"])
        .args(["--give-up", "0.2", "--metrics", metrics])
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    Ok((ended.status.code(), told))
}
