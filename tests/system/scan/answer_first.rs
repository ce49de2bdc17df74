//! The answer comes first, whatever becomes of the files; a folder that cannot take them is refused
//! before the scan. Several events are several answers.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, map_sha256, run, scan, skyscan, stderr, text};

/// A handful of pixels.
const SHORT: [&str; 7] = [
    "--strategy",
    "direct",
    "--nside",
    "8",
    "--near",
    "30,7",
    "--within=10",
];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "answer_first::a_folder_without_room_is_refused_before_the_scan",
            no_room,
        ),
        (
            "answer_first::a_folder_that_cannot_be_is_refused_before_the_scan",
            no_folder,
        ),
        (
            "answer_first::a_file_that_fails_is_named_and_the_others_are_there",
            one_fails,
        ),
        (
            "answer_first::a_disk_that_fills_up_costs_files_and_no_answer",
            fills_up,
        ),
        ("answer_first::several_events_are_several_answers", several),
        ("answer_first::times_tell_processor_and_slots_apart", times),
    ]
}

fn no_room() -> Result<(), Failed> {
    let folder = empty_folder("no-room")?;
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1000; exec \"$@\"", "sh"])
        .args([
            env!("CARGO_BIN_EXE_skyscan"),
            "scan",
            DEMO,
            "--out",
            text(&folder)?,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(output.stdout.is_empty());
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains(text(&folder)?) && told.contains("File too large"),
        "{told}"
    );
    assert_eq!(std::fs::read_dir(&folder)?.count(), 0);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn no_folder() -> Result<(), Failed> {
    let output = run(&["scan", DEMO, "--out", "/proc/skyscan"])?;
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(output.stdout.is_empty());
    assert!(
        told.starts_with("skyscan: failed to create folder /proc/skyscan"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    Ok(())
}

/// A folder stands where a picture is to be.
fn one_fails() -> Result<(), Failed> {
    let folder = empty_folder("one-fails")?;
    let picture = folder.join("run00000000.evt000000000010.SYNTHETIC.zoom.png");
    std::fs::create_dir_all(picture.join("occupied"))?;
    let arguments = [&["scan", DEMO, "--out", text(&folder)?], SHORT.as_slice()].concat();
    let output = run(&[arguments.as_slice(), &["--format", "json"]].concat())?;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(told["complete"], true);
    map_sha256(&told)?;
    let failed = told["files_failed"].as_array().ok_or("a list")?;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["path"], text(&picture)?);
    assert!(
        failed[0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("irectory"))
    );
    let files = told["files"].as_array().ok_or("a list")?;
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        assert!(
            Path::new(file.as_str().ok_or("a path")?).is_file(),
            "{file}"
        );
    }
    assert!(stderr(&output).contains("1 of "), "{}", stderr(&output));

    let people = run(&arguments)?;
    assert_eq!(people.status.code(), Some(1));
    let people = String::from_utf8(people.stdout)?;
    let (answer, files) = people.split_once("  Files   ").ok_or("no line for files")?;
    assert!(answer.contains("\n  sha256  "), "{people}");
    assert!(
        files.contains(&format!("  FAILED  {}: ", text(&picture)?)),
        "{people}"
    );
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// From the first round on no file may be larger than some bytes, as on a disk that fills up: the scan
/// pauses, and who does not want to make room gets the answer so far.
fn fills_up() -> Result<(), Failed> {
    let folder = empty_folder("fills-up")?;
    let mut child = skyscan()
        .args(["scan", DEMO, "--nside", "4,8,32", "--format", "json"])
        .args(["--out", text(&folder)?])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut told = BufReader::new(child.stderr.take().ok_or("it is piped")?);
    let mut line = String::new();
    while !line.starts_with("nside 4: ") {
        line.clear();
        if told.read_line(&mut line)? == 0 {
            return Err("it ended early".into());
        }
    }
    let pid = i32::try_from(child.id())?;
    rlimit::prlimit(pid, rlimit::Resource::FSIZE, Some((30_000, 30_000)), None)?;
    while !line.contains("the scan pauses") {
        line.clear();
        if told.read_line(&mut line)? == 0 {
            return Err("it ended before it paused".into());
        }
    }
    Command::new("kill")
        .args(["-TERM", &pid.to_string()])
        .status()?;
    let mut rest = String::new();
    told.read_to_string(&mut rest)?;
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(1), "{rest}");
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(answer["complete"], false);
    assert_eq!(answer["ending"], "stopped");
    map_sha256(&answer)?;
    let failed = answer["files_failed"].as_array().ok_or("a list")?;
    assert!(!failed.is_empty());
    for file in failed {
        assert!(
            file["error"]
                .as_str()
                .is_some_and(|error| error.contains("File too large")),
            "{file}"
        );
    }
    let files = answer["files"].as_array().ok_or("a list")?;
    let small = |end: &str| {
        files
            .iter()
            .any(|file| file.as_str().is_some_and(|path| path.ends_with(end)))
    };
    assert!(small(".errors.json"), "{files:?}");
    let parts = std::fs::read_dir(&folder)?.filter_map(Result::ok);
    let parts = parts.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0, "half a file is left");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn several() -> Result<(), Failed> {
    let folder = empty_folder("several")?;
    let events = ["scan", DEMO, "no-such-event.json", DEMO];
    let short = [&events, SHORT.as_slice(), &["--out", text(&folder)?]].concat();
    let output = run(&[short.as_slice(), &["--format", "json"]].concat())?;
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let answers = String::from_utf8(output.stdout)?;
    let answers: Vec<Value> = answers
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(answers.len(), 3);
    assert_eq!(map_sha256(&answers[0])?, map_sha256(&answers[2])?);
    assert_eq!(answers[1]["input"], "no-such-event.json");
    assert!(answers[1]["error"].is_string());
    assert!(told.contains("no-such-event.json"), "{told}");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.sort();
    let stem = "run00000000.evt000000000010.SYNTHETIC";
    assert_eq!(
        folders,
        [folder.join(stem), folder.join(format!("{stem}-2"))]
    );

    let people = run(&short)?;
    assert_eq!(people.status.code(), Some(2));
    let people = String::from_utf8(people.stdout)?;
    assert_eq!(people.matches("\n  sha256  ").count(), 2, "{people}");
    let (_, table) = people.split_once("Run and event").ok_or("no table")?;
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(
        rows[0].starts_with("0 10 ") && rows[0] == rows[2],
        "{table}"
    );
    assert!(rows[1].ends_with("NOT SCANNED"), "{table}");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// One slot that is busy all the time takes about as much of the processor; a process without slots
/// takes next to nothing.
fn times() -> Result<(), Failed> {
    let told = scan(DEMO, &["--nside", "4", "--workers", "1"])?;
    let seconds = |key: &str| told[key].as_f64().ok_or("a number");
    let (cpu, busy, wall) = (
        seconds("cpu_seconds")?,
        seconds("busy_seconds")?,
        seconds("wall_seconds")?,
    );
    assert!(0.0 < busy && busy <= wall, "{busy} {wall}");
    assert!(0.0 < cpu && cpu < 2.0 * wall + 1.0, "{cpu} {wall}");
    Ok(())
}
