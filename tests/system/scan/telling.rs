//! Telling never ends what it tells about: stderr may be closed, full, or a pipe that nobody reads.
//! What stdout cannot take is an error, but for a reader who has left.

use std::fs::OpenOptions;
use std::io::{PipeReader, Write};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, map_sha256, skyscan, stderr, text};

/// A handful of pixels.
const SHORT: [&str; 9] = [
    "scan",
    DEMO,
    "--strategy",
    "direct",
    "--nside",
    "8",
    "--near",
    "30,7",
    "--within=10",
];
/// What a pipe holds that nobody reads.
const PIPE_BYTES: usize = 65_536;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("telling::nobody_on_stderr_ends_no_scan", scans),
        ("telling::nobody_on_stderr_ends_no_worker", worker),
        ("telling::nobody_on_stderr_ends_no_replay", replay),
        ("telling::a_full_stdout_is_an_error", full_stdout),
        ("telling::a_reader_who_left_is_none", left),
        ("telling::empty_variables_are_unset", empty_variables),
        ("telling::too_few_files_are_told", few_files),
    ]
}

fn full() -> Result<Stdio, Failed> {
    Ok(OpenOptions::new().write(true).open("/dev/full")?.into())
}

/// A pipe that nobody reads any more.
fn left_pipe() -> Result<Stdio, Failed> {
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    Ok(writer.into())
}

/// A pipe that is full, and stays so while the reader is kept.
fn stuck_pipe() -> Result<(PipeReader, Stdio), Failed> {
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all(&vec![b'.'; PIPE_BYTES])?;
    Ok((reader, writer.into()))
}

/// Runs it with a stderr that takes nothing, at the most talkative level; it must succeed.
fn untold(command: &mut Command, stderr: Stdio) -> Result<Output, Failed> {
    let child = command
        .env("SKYSCAN_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()?;
    let output = child.wait_with_output()?;
    match output.status.code() {
        Some(0) => Ok(output),
        _ => Err(format!("{command:?}: {}", output.status).into()),
    }
}

/// The hash that a scan of a handful of pixels printed.
fn hash(output: &Output) -> Result<String, Failed> {
    map_sha256(&serde_json::from_slice(&output.stdout)?)
}

fn scans() -> Result<(), Failed> {
    let short = || {
        let mut command = skyscan();
        command.args(SHORT).args(["--format", "json"]);
        command
    };
    let told = short().output()?;
    assert!(!told.stderr.is_empty());
    let expected = hash(&told)?;
    let (reader, stuck) = stuck_pipe()?;
    for stderr in [full()?, left_pipe()?, stuck] {
        assert_eq!(hash(&untold(&mut short(), stderr)?)?, expected);
    }
    drop(reader);
    let closed = Command::new("sh")
        .args([
            "-c",
            "exec \"$@\" 2>&-",
            "sh",
            env!("CARGO_BIN_EXE_skyscan"),
        ])
        .args(SHORT)
        .args(["--format", "json", "--progress", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    assert_eq!(hash(&closed)?, expected);
    Ok(())
}

/// A worker that can say nothing serves a scan.
fn worker() -> Result<(), Failed> {
    let socket = std::env::temp_dir().join(format!("skyscan-untold-{}", std::process::id()));
    let url = format!("zmq+ipc://{}", text(&socket)?);
    let (reader, stuck) = stuck_pipe()?;
    let mut worker = skyscan()
        .args(["worker", "--slots", "1", "--transport", &url])
        .env("SKYSCAN_LOG", "trace")
        .stderr(stuck)
        .spawn()?;
    let scanned = skyscan()
        .args(SHORT)
        .args(["--format", "json", "--workers", "0", "--transport", &url])
        .output();
    worker.kill()?;
    worker.wait()?;
    drop(reader);
    let scanned = scanned?;
    assert_eq!(scanned.status.code(), Some(0), "{}", stderr(&scanned));
    hash(&scanned).map(|_| ())
}

/// A few tasks of nothing, in virtual time.
const SCENARIO: &str = r#"
name = "untold"
question = "Does it end?"
clock = "virtual"
seed = 1
source = "a test"
[workload]
pixels = 40
service = { law = "constant", mean_s = 1 }
source = "a test"
[messages]
event = "by_ref"
payload_bytes = 1000
task_bytes = 100
source = "a test"
[transport]
kind = "zeromq"
credit = 1
lease_term_s = 60
source = "a test"
[fleet]
workers = 4
source = "a test"
"#;

fn replay() -> Result<(), Failed> {
    let folder = empty_folder("untold")?;
    let scenario = folder.join("untold.toml");
    std::fs::write(&scenario, SCENARIO)?;
    let (reader, stuck) = stuck_pipe()?;
    for stderr in [full()?, stuck] {
        let mut command = skyscan();
        command.args(["replay", text(&scenario)?, "--format", "json"]);
        let output = untold(&mut command, stderr)?;
        let reports: Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(reports[0]["complete"], true);
    }
    drop(reader);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn full_stdout() -> Result<(), Failed> {
    for format in ["text", "json"] {
        let output = skyscan()
            .args(SHORT)
            .args(["--format", format])
            .stdout(full()?)
            .stderr(Stdio::piped())
            .output()?;
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let line = told.lines().last().unwrap_or_default();
        assert!(
            line.starts_with("skyscan: cannot print the result: No space left"),
            "{told}"
        );
    }
    Ok(())
}

fn left() -> Result<(), Failed> {
    let output = skyscan()
        .args(SHORT)
        .stdout(left_pipe()?)
        .stderr(Stdio::piped())
        .output()?;
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("skyscan: "), "{told}");
    Ok(())
}

/// As `${SKYSCAN_METRICS:-}` in a compose file has them.
fn empty_variables() -> Result<(), Failed> {
    let variables = [
        "TRANSPORT",
        "METRICS",
        "SLOTS",
        "LOG",
        "UPSTREAM",
        "LISTEN",
        "ZONE",
        "AMQP_PASSWORD",
        "AMQP_PASSWORD_FILE",
    ];
    let emptied = |arguments: &[&str]| {
        let names = variables.map(|name| (format!("SKYSCAN_{name}"), ""));
        skyscan().args(arguments).envs(names).output()
    };
    let scanned = emptied(&SHORT)?;
    assert_eq!(scanned.status.code(), Some(0), "{}", stderr(&scanned));
    // What is needed is missed as if the variable were not there.
    for (arguments, missed) in [
        (&["worker"][..], "--transport <URL>"),
        (
            &["relay", "--listen", "zmq://127.0.0.1:1"],
            "--upstream <URL>",
        ),
    ] {
        let refused = emptied(arguments)?;
        assert_eq!(refused.status.code(), Some(2));
        let told = stderr(&refused);
        assert!(told.contains("required") && told.contains(missed), "{told}");
    }
    Ok(())
}

/// A limit that leaves no room for a runtime is no panic.
fn few_files() -> Result<(), Failed> {
    for limit in ["6", "12", "20"] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -n $0; exec \"$@\""])
            .args([limit, env!("CARGO_BIN_EXE_skyscan")])
            .args(SHORT)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()?;
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("ulimit -n") && !told.contains("panicked"),
            "{told}"
        );
    }
    Ok(())
}
