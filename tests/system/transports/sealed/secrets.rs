//! Canaries: no secret is in anything that is told, served or written, whatever goes wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use super::{Place, Running};
use crate::transports::remote::{Subject, skyscan};

/// As loud as it gets.
const LOUD: &str = "trace";
const PASSWORD: &str = "canary-of-a-password";

/// What is in the secret files of a place, behind the word that says what it is.
fn canaries(dir: &Path) -> Result<Vec<String>, Failed> {
    let mut canaries = vec![PASSWORD.to_owned()];
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            // The name of a token is none of it.
            let secret = match text.trim().strip_prefix("skyscan-join-token:") {
                Some(token) => token.split_once('.').map(|(_, secret)| secret),
                None => text.trim().strip_prefix("skyscan-secret-key:"),
            };
            canaries.extend(secret.map(str::to_owned));
        }
    }
    match canaries.len() {
        4 => Ok(canaries),
        n => Err(format!("{n} canaries").into()),
    }
}

fn is_silent(what: &str, told: &[u8], canaries: &[String]) -> Result<(), Failed> {
    let told = String::from_utf8_lossy(told);
    match canaries.iter().find(|canary| told.contains(*canary)) {
        None => Ok(()),
        Some(_) => Err(format!("a secret is in {what}").into()),
    }
}

/// What is told by a command that ends by itself.
fn told(command: &mut Command) -> Result<Vec<u8>, Failed> {
    let output = command.env("SKYSCAN_LOG", LOUD).output()?;
    Ok([output.stdout, output.stderr].concat())
}

/// Logs, metrics, results and journals of a scan, and of those who come with a key and with a token.
pub(crate) fn are_in_nothing_that_a_scan_tells_or_writes() -> Result<(), Failed> {
    let place = Place::new("secrets")?;
    place.keygen(&["--token", "--uses", "1"])?;
    let canaries = canaries(&place.dir)?;
    let token = std::fs::read_dir(&place.dir)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().contains("for-token"))
        .ok_or("no token")?;
    let metrics_token = place.dir.join("metrics-token");
    std::fs::write(&metrics_token, format!("{PASSWORD}\n"))?;
    std::fs::set_permissions(
        &metrics_token,
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )?;
    let out = place.dir.join("out");
    let mut scan = Running(
        skyscan()
            .arg("scan")
            .arg(Subject::Demo.path())
            .args(["--nside", "8,64", "--format", "json", "--workers", "0"])
            .args(["--transport", &place.url, "--keys"])
            .arg(&place.dir)
            .args(["--metrics", "0.0.0.0:0", "--metrics-token-file"])
            .arg(&metrics_token)
            .arg("--out")
            .arg(&out)
            .env("SKYSCAN_LOG", LOUD)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let mut lines = BufReader::new(scan.0.stderr.take().ok_or("it is piped")?);
    let mut log = String::new();
    let port = loop {
        let begin = log.len();
        if lines.read_line(&mut log)? == 0 {
            return Err(format!("it ended: {log}").into());
        }
        let told = log[begin..].split_once("metrics at http://0.0.0.0:");
        if let Some((port, _)) = told.and_then(|(_, rest)| rest.split_once('/')) {
            break port.parse::<u16>()?;
        }
    };
    // Who brings no token gets nothing, and the answer shows none.
    let page = |headers: &str| -> Result<String, Failed> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        write!(stream, "GET /metrics HTTP/1.1\r\n{headers}\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(page)
    };
    let refused = page("Authorization: Bearer wrong\r\n")?;
    if !refused.starts_with("HTTP/1.1 401 ") || refused.contains("skyscan_build_info") {
        return Err(refused.into());
    }
    let given = page(&format!("Authorization: Bearer {PASSWORD}\r\n"))?;
    if !given.contains("skyscan_build_info") {
        return Err(given.into());
    }
    is_silent("the metrics", (refused + &given).as_bytes(), &canaries)?;
    let workers = [place.dir.join("for-here"), token].map(|keys| {
        let worker = skyscan()
            .args(["worker", "--slots", "1", "--give-up", "5", "--transport"])
            .args([&place.url, "--keys"])
            .arg(keys)
            .env("SKYSCAN_LOG", LOUD)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        worker.map(|worker| std::thread::spawn(|| worker.wait_with_output()))
    });
    lines.read_to_string(&mut log)?;
    is_silent("the scan's log", log.as_bytes(), &canaries)?;
    let mut stdout = Vec::new();
    let pipe = scan.0.stdout.as_mut().ok_or("it is piped")?;
    pipe.read_to_end(&mut stdout)?;
    is_silent("the result", &stdout, &canaries)?;
    for worker in workers {
        let output = worker?.join().map_err(|_| "a thread panicked")??;
        is_silent("a worker's log", &output.stderr, &canaries)?;
    }
    let mut n_files = 0;
    for entry in std::fs::read_dir(&out)? {
        let path = entry?.path();
        if path.is_file() {
            n_files += 1;
            is_silent("a file", &std::fs::read(&path)?, &canaries)?;
        }
    }
    match n_files {
        5.. => Ok(()),
        n => Err(format!("{n} files were written").into()),
    }
}

/// What is told by those who cannot even begin, and by `--help`.
pub(crate) fn are_in_no_error_and_no_help() -> Result<(), Failed> {
    let place = Place::new("errors")?;
    place.keygen(&["--token"])?;
    let canaries = canaries(&place.dir)?;
    let keys = place.dir.to_string_lossy().into_owned();
    let password = format!("amqp://me:{PASSWORD}@127.0.0.1:1/v?patience=1");
    let open = format!("amqp://me:{PASSWORD}@192.0.2.1/v");
    let event = Subject::Demo.path().to_string_lossy().into_owned();
    for arguments in [
        vec![
            "scan",
            &event,
            "--transport",
            "zmqs://127.0.0.1:1",
            "--keys",
            "/nowhere",
        ],
        vec![
            "worker",
            "--transport",
            "zmqs://127.0.0.1:1",
            "--keys",
            &keys,
        ],
        vec!["worker", "--give-up", "1", "--transport", &password],
        vec!["worker", "--transport", &open],
        vec![
            "scan",
            &event,
            "--transport",
            &open,
            "--metrics-token-file",
            "/nowhere",
        ],
        vec![
            "deploy",
            "slurm",
            "--workers",
            "1",
            "--transport",
            &password,
        ],
        vec!["scan", "--help"],
        vec!["worker", "--help"],
        vec!["relay", "--help"],
        vec!["keygen", &keys],
    ] {
        let told = told(
            skyscan()
                .args(&arguments)
                .env("SKYSCAN_AMQP_PASSWORD", PASSWORD)
                .env("SKYSCAN_TRANSPORT", &password)
                .env("SKYSCAN_UPSTREAM", &password)
                .env("SKYSCAN_LISTEN", &password),
        )?;
        is_silent(&arguments.join(" "), &told, &canaries)?;
    }
    Ok(())
}
