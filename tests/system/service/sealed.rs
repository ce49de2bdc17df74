//! A service behind a reverse proxy with TLS.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use super::running::Running;
use crate::scan::command::{empty_folder, skyscan, stderr, text};

/// It is asked by those who trust the authority of the proxy's certificate; others are told why not.
pub(super) fn is_asked() -> Result<(), Failed> {
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let data = empty_folder("service-sealed")?;
    let service = Running::start(&data, &[])?;
    let port = service.url.rsplit(':').next().ok_or("no port")?;
    let authority = data.join("authority.pem");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers/proxy_of_tls.py");
    let mut proxy = Command::new(python)
        .arg("-B")
        .arg(script)
        .args([port, text(&authority)?])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = proxy.stdout.take().ok_or("it is piped")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let url = format!("https://127.0.0.1:{}", line.trim());
    let ask = |authority: &Path| {
        let mut status = skyscan();
        status.args(["status", "--server", &url, "--token-file"]);
        status.arg(data.join("admin-token"));
        status.env("SSL_CERT_FILE", authority).output()
    };
    let trusted = ask(&authority)?;
    let foreign = ask(&data.join("admin-token"))?;
    // Which ends it.
    drop(proxy.stdin.take());
    proxy.wait()?;
    if trusted.status.code() != Some(0) || foreign.status.code() != Some(1) {
        return Err(format!("{}\n{}", stderr(&trusted), stderr(&foreign)).into());
    }
    match stderr(&foreign).contains("no service answers at https://") {
        true => Ok(()),
        false => Err(stderr(&foreign).into()),
    }
}
