//! What is told during a scan: lines where there is no terminal, bars where there is one.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::needs::Check;
use crate::scan::command::{self, DEMO, empty_folder, run, skyscan, stderr, text};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("each_round_is_told_in_a_line", lines),
        ("programs_are_told_in_json", json_lines),
        ("a_killed_scan_leaves_its_interim_map", killed),
    ]
}

pub(crate) fn terminal_checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "each_round_has_a_bar_that_fits_and_stands_still_when_it_has_ended",
            bars,
        ),
        ("a_dumb_terminal_gets_lines", dumb),
    ]
}

/// The interpreter for what needs one.
pub(crate) fn python() -> Option<OsString> {
    std::env::var_os("SKYSCAN_PYTHON")
}

fn lines() -> Result<(), Failed> {
    let output = run(&["scan", DEMO, "--nside", "4,16"])?;
    let told = stderr(&output);
    assert!(!told.contains('\u{1b}') && !told.contains('\r'), "{told:?}");
    let ends: Vec<&str> = told
        .lines()
        .filter(|line| line.contains(" pixels/s in "))
        .collect();
    assert_eq!(ends.len(), 2, "{told}");
    assert!(
        ends[0].starts_with("nside 4: 192 of 192 pixels, "),
        "{told}"
    );
    assert!(ends[1].starts_with("nside 16: "), "{told}");
    Ok(())
}

/// The objects told on stderr so far; every line must be one.
fn objects(told: impl BufRead) -> impl Iterator<Item = Result<Value, Failed>> {
    told.lines().map(|line| {
        let object: Value = serde_json::from_str(&line?)?;
        if object["skyscan_progress"] != json!(1) {
            return Err(format!("{object} is of no known version").into());
        }
        Ok(object)
    })
}

fn json_lines() -> Result<(), Failed> {
    let output = run(&[
        "scan",
        DEMO,
        "--nside",
        "4,32",
        "--progress",
        "json",
        "--format",
        "json",
    ])?;
    let result: Value = serde_json::from_slice(&output.stdout)?;
    let told: Vec<Value> = objects(&output.stderr[..]).collect::<Result<_, _>>()?;
    let of = |kind: &str| -> Vec<&Value> { told.iter().filter(|o| o["kind"] == kind).collect() };
    let (states, interims) = (of("state"), of("interim"));
    let last = states.last().ok_or("no state")?;
    assert_eq!(
        last["rounds"][0],
        json!({"nside": 4, "done": 192, "planned": 192, "systematics": false})
    );
    assert_eq!(last["rounds"][1]["done"], result["pixels"]["32"]);
    assert_eq!(last["rounds"][1]["planned"], result["pixels"]["32"]);
    assert_eq!(last["tasks"], result["tasks"]);
    for key in [
        "slots",
        "tasks_out",
        "is_tail",
        "pixels_per_s",
        "round_left_s",
    ] {
        assert!(last.get(key).is_some(), "{key} is missing: {last}");
    }
    let interim = interims.first().ok_or("no interim map")?;
    assert_eq!(interim["regions"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        interim["is_stable"], false,
        "the first one stands beside none"
    );
    assert_eq!(interim["files"], json!([]));
    assert_eq!(told.last().map(|o| &o["kind"]), Some(&json!("end")));
    let times: Vec<f64> = told
        .iter()
        .filter_map(|o| o["elapsed_s"].as_f64())
        .collect();
    assert_eq!(times.len(), told.len());
    assert!(times.is_sorted(), "{times:?}");
    Ok(())
}

/// What was known when the program was killed can be read.
fn killed() -> Result<(), Failed> {
    let folder = empty_folder("killed")?;
    let mut child = skyscan()
        .args(["scan", DEMO, "--reco", "pandel-mpe", "--nside", "4,8,128"])
        .args(["--progress", "json"])
        .args(["--out", text(&folder)?])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let told = BufReader::new(child.stderr.take().ok_or("it is piped")?);
    let mut files = None;
    for object in objects(told) {
        let object = object?;
        if object["kind"] == "interim" {
            files = object["files"].as_array().cloned();
            break;
        }
    }
    child.kill()?;
    child.wait()?;
    let files = files.ok_or("no interim map")?;
    assert_eq!(files.len(), 3);
    let result = files[0].as_str().ok_or("a path")?;
    let shown = command::json(&["map", "show", result, "--format", "json"])?;
    assert_eq!(shown["complete"], false);
    assert_eq!(shown["pixels"]["4"], 192);
    assert!(shown["best_fit"]["ra_deg"].is_number(), "{shown}");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Runs the program on a pseudo terminal of 120 columns, stdout aside, and makes it 60 columns wide
/// once a round at nside 32 is drawn; a line of `RESIZED` stands in what was seen by then.
const ON_TERMINAL: &str = "
import fcntl, os, pty, struct, subprocess, sys, termios
ours, theirs = pty.openpty()
def size(columns):
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
size(120)
child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
os.close(theirs)
seen = b''
resized = False
while True:
    try:
        some = os.read(ours, 65536)
    except OSError:
        break
    if not some:
        break
    seen += some
    if not resized and b'nside 32 [' in seen:
        resized = True
        size(60)
        seen += b'\\nRESIZED\\n'
assert child.stdout.read().startswith(b'Run '), 'no summary on stdout'
assert child.wait() == 0, child.returncode
sys.stdout.buffer.write(seen)
";

fn bars() -> Result<(), Failed> {
    let seen = on_terminal("xterm")?;
    let (wide, narrow) = seen.split_once("RESIZED").ok_or("no second round")?;
    let (wide, narrow) = (drawn(wide, 120), drawn(narrow, 60));
    for (lines, nside, rest) in [
        (&wide, "nside 4 [", " slot"),
        (&narrow, "nside 32 [", " left"),
    ] {
        let bars: Vec<&String> = lines.iter().filter(|line| line.contains(nside)).collect();
        assert!(bars.len() > 4, "{nside}: {bars:?}");
        // How much time is left is not known at first.
        assert!(bars.iter().any(|line| line.contains(rest)), "{bars:?}");
    }
    // A round that has ended stands still.
    let ended = narrow
        .iter()
        .skip(8)
        .filter(|line| line.contains("nside 4  192 pixels in "));
    let ended: BTreeSet<&str> = ended.map(|line| line.trim()).collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(
        narrow.iter().any(|line| line.contains("nside 32  ")),
        "{seen}"
    );
    assert!(seen.contains("best so far RA "), "{seen}");
    Ok(())
}

fn dumb() -> Result<(), Failed> {
    let seen = on_terminal("dumb")?;
    assert!(
        !seen.contains('\u{1b}') && seen.contains("nside 4: 192 of 192 pixels, "),
        "{seen:?}"
    );
    Ok(())
}

/// Lines of a terminal of so many columns, without what moves the cursor: a line that is full is one,
/// though nothing ends it.
fn drawn(seen: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for piece in seen.split(['\r', '\n', '\u{1b}']) {
        let moved = piece.strip_prefix('[');
        let moved = moved.and_then(|rest| rest.split_once(['K', 'A', 'B', 'C', 'D']));
        let text = match moved {
            Some((number, text)) if number.bytes().all(|byte| byte.is_ascii_digit()) => text,
            _ => piece,
        };
        let text: Vec<char> = text.chars().collect();
        lines.extend(
            text.chunks(columns)
                .map(|line| line.iter().collect::<String>()),
        );
    }
    lines
}

fn on_terminal(term: &str) -> Result<String, Failed> {
    let python = python().ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let output = Command::new(python)
        .args(["-c", ON_TERMINAL, env!("CARGO_BIN_EXE_skyscan")])
        .args(["scan", DEMO, "--nside", "4,32"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TERM", term)
        .output()?;
    assert!(output.status.success(), "{}", stderr(&output));
    Ok(String::from_utf8(output.stdout)?)
}
