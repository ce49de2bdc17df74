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
