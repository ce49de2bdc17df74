//! Ctrl-C: the first one ends a scan with what there is, the second one ends the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, number, skyscan, text};

/// The last round takes minutes: no scan of these tests is done before it is interrupted.
const LONG: [&str; 4] = ["scan", DEMO, "--nside", "4,8,128"];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("an_interrupt_leaves_a_partial_map", partial_map),
        ("an_interrupt_is_told_in_the_text", told_in_text),
        ("an_interrupt_begins_no_further_event", no_further_event),
        ("an_interrupt_ends_a_scan_without_workers", without_workers),
        ("a_second_interrupt_kills", second_kills),
    ]
}

fn interrupt(child: &Child) -> Result<(), Failed> {
    let done = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()?;
    done.success().then_some(()).ok_or("kill failed".into())
}

/// Starts a scan and waits until its last round has begun.
fn in_last_round(
    more: &[&str],
    stdout: impl Into<Stdio>,
) -> Result<(Child, BufReader<ChildStderr>), Failed> {
    let mut child = skyscan()
        .args(LONG)
        .args(more)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()?;
    let mut told = BufReader::new(child.stderr.take().ok_or("it is piped")?);
    let mut line = String::new();
    while !(line.starts_with("nside 8: ") && line.contains(" pixels/s in ")) {
        line.clear();
        if told.read_line(&mut line)? == 0 {
            return Err("the scan ended before its last round".into());
        }
    }
    Ok((child, told))
}

fn partial_map() -> Result<(), Failed> {
    let folder = empty_folder("interrupted")?;
    let (child, mut told) = in_last_round(
        &["--format", "json", "--out", text(&folder)?],
        Stdio::piped(),
    )?;
    interrupt(&child)?;
    let mut rest = String::new();
    told.read_to_string(&mut rest)?;
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(3), "{rest}");
    let scan: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(scan["complete"], false);
    assert_eq!(scan["pixels"]["4"], 192);
    assert!(number(&scan["best_fit"]["llh"])?.is_finite());
    let files = scan["files"].as_array().ok_or("files are a list")?;
    assert_ne!(files.len(), 0);
    assert_eq!(
        std::fs::read_dir(&folder)?.count(),
        files.len(),
        "a part file is left"
    );
    let result = std::fs::read(files[0].as_str().ok_or("a path")?)?;
    let result: Value = serde_json::from_slice(&result)?;
    assert_eq!(result["nside-4"]["metadata"]["complete"], true);
    // Whether a pixel of the last round was done in time is up to the machine.
    if let Some(last) = result.get("nside-128") {
        assert_eq!(last["metadata"]["complete"], false);
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn told_in_text() -> Result<(), Failed> {
    let (child, told) = in_last_round(&[], Stdio::piped())?;
    interrupt(&child)?;
    let output = child.wait_with_output()?;
    drop(told);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout)?;
    assert!(text.starts_with("WARNING: INCOMPLETE SCAN"), "{text}");
    Ok(())
}

fn no_further_event() -> Result<(), Failed> {
    let (child, mut told) = in_last_round(&[DEMO, "--format", "json"], Stdio::piped())?;
    interrupt(&child)?;
    let mut rest = String::new();
    told.read_to_string(&mut rest)?;
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(3), "{rest}");
    assert!(rest.contains("stopped; 1 events were not begun"), "{rest}");
    let answers = String::from_utf8(output.stdout)?;
    assert_eq!(answers.lines().count(), 1, "{answers}");
    let answer: Value = serde_json::from_str(&answers)?;
    assert_eq!(answer["complete"], false);
    assert!(
        answer["quality"]
            .as_array()
            .is_some_and(|q| q.contains(&json!("incomplete")))
    );
    Ok(())
}

fn without_workers() -> Result<(), Failed> {
    // The system's own folder: a socket's path may have 107 bytes.
    let socket = std::env::temp_dir().join(format!("skyscan-alone-{}", std::process::id()));
    let url = format!("zmq+ipc://{}", text(&socket)?);
    let mut child = skyscan()
        .args(["scan", DEMO, "--workers", "0", "--format", "json"])
        .args(["--transport", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let caught = wait_until_caught(&child);
    interrupt(&child)?;
    if caught.is_err() {
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    let is_left = std::fs::remove_file(&socket).is_ok();
    caught?;
    assert!(!is_left, "the socket's file is left");
    assert_eq!(output.status.code(), Some(3));
    let scan: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(
        (&scan["complete"], &scan["best_fit"]),
        (&json!(false), &Value::Null)
    );
    Ok(())
}

/// Waits until the program has asked for interrupts, as the kernel tells.
fn wait_until_caught(child: &Child) -> Result<(), Failed> {
    let path = format!("/proc/{}/status", child.id());
    let begun = std::time::Instant::now();
    while begun.elapsed().as_secs() < 60 {
        let status = std::fs::read_to_string(&path)?;
        if status.contains("State:\tZ") {
            return Err("the program ended on its own".into());
        }
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .ok_or("no SigCgt")?;
        // Signal 2 is the second bit from below.
        if u64::from_str_radix(caught.trim(), 16)? & 0b10 != 0 {
            return Ok(());
        }
        std::thread::yield_now();
    }
    Err("interrupts are not caught".into())
}

/// A pipe that is full holds the program up at the very end, whatever the machine's speed.
fn second_kills() -> Result<(), Failed> {
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all(&vec![b'.'; 65_536])?;
    let (mut child, mut told) = in_last_round(&[], writer)?;
    interrupt(&child)?;
    // The rounds are told to their end, then the program waits for its reader.
    let mut line = String::new();
    while !line.starts_with("nside 128") {
        line.clear();
        told.read_line(&mut line)?;
    }
    interrupt(&child)?;
    let status = child.wait()?;
    drop(reader);
    assert_eq!(status.code(), Some(130), "{line}");
    Ok(())
}
