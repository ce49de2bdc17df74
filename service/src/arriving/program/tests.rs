//! Programs end, flood, talk nonsense and leave children behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::doors::tests::{FakeDesk, until};
use crate::doors::{Brought, NotTaken};
use crate::engine::Refused;

const SOON: Pace = Pace {
    first: Duration::from_millis(20),
    most: Duration::from_millis(40),
};

fn shell(script: &str) -> Program {
    Program::new(&format!("sh -c {}", shlex::try_quote(script).unwrap())).unwrap()
}

fn run(program: Program, desk: &Arc<FakeDesk>) -> AlertProgram {
    let desk: Arc<dyn Desk> = Arc::clone(desk) as _;
    AlertProgram::run(program, SOON, desk).unwrap()
}

/// A file that a script writes.
struct Told {
    folder: tempfile::TempDir,
}

impl Told {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("told")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn each_line_is_answered() {
    let desk = FakeDesk::with(|submission| match &submission.event {
        Brought::Bytes(bytes) if bytes == b"{}" => {
            Err(Refused::Event("nothing in it".into()).into())
        }
        _ => Ok(()),
    });
    let told = Told::new();
    let script = r#"
        ask() { echo "$1"; read -r answer; echo "$answer" >>FILE; }
        ask '{"event": {"n": 1}, "priority": "urgent"}'
        echo; ask '{"event": {"n": 1}}'
        ask '{"event": {}}'
        ask 'hello'
        exec sleep 600"#;
    let file = told.file();
    let _program = run(
        shell(&script.replace("FILE", file.to_str().unwrap())),
        &desk,
    );
    until(|| told.lines().len() == 4);
    let answers: Vec<serde_json::Value> = told
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let scan = r#"{"n":1}"#;
    assert_eq!(
        answers[0],
        serde_json::json!({"line": 1, "scan": scan, "is_new": true})
    );
    assert_eq!(
        answers[1],
        serde_json::json!({"line": 3, "scan": scan, "is_new": false})
    );
    assert_eq!(
        answers[2],
        serde_json::json!({"line": 4, "refused": "nothing in it"})
    );
    assert!(answers[3]["refused"].as_str().unwrap().contains("no alert"));
    let brought = desk.brought();
    assert_eq!(brought[0].priority, crate::settings::Priority::Urgent);
    assert_eq!(brought[0].from, "program sh");
}

#[test]
fn a_program_that_ends_is_started_again() {
    let desk = FakeDesk::willing();
    let _program = run(shell(r#"echo "{\"event\": {\"n\": $$}}""#), &desk);
    until(|| desk.n_brought() >= 3);
    let mut texts = desk.texts();
    texts.dedup();
    assert!(texts.len() >= 3, "{texts:?}");
}

#[test]
fn a_program_that_is_missing_is_tried_again() {
    let (desk, told) = (FakeDesk::willing(), Told::new());
    let file = told.file();
    let _program = run(Program::new(file.to_str().unwrap()).unwrap(), &desk);
    let ready = told.folder.path().join("ready");
    fs::write(&ready, "#!/bin/sh\necho '{\"event\": {\"n\": 1}}'\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&ready, executable).unwrap();
    fs::rename(ready, file).unwrap();
    until(|| desk.n_brought() >= 1);
}

#[test]
fn a_program_is_ended_with_what_it_started() {
    let (desk, told) = (FakeDesk::willing(), Told::new());
    let script = "trap '' TERM; sleep 600 & echo $! >FILE; echo '{\"event\": {}}'; wait; wait";
    let file = told.file();
    let program = run(
        shell(&script.replace("FILE", file.to_str().unwrap())),
        &desk,
    );
    until(|| desk.n_brought() == 1);
    let grandchild = told.lines().remove(0);
    assert!(is_alive(&grandchild));
    let begun = Instant::now();
    drop(program);
    assert!(begun.elapsed() < Duration::from_secs(4));
    until(|| !is_alive(&grandchild));
}

#[test]
fn a_guard_is_told_by_its_input() {
    let (desk, told) = (FakeDesk::willing(), Told::new());
    let file = told.file();
    let guard = r#""$@" </dev/null & cat >/dev/null; echo closed >FILE; kill -9 $!; wait"#;
    let guard = guard.replace("FILE", file.to_str().unwrap());
    let guard = ["sh", "-c", &guard, "guard"].map(std::ffi::OsString::from);
    let program = shell("echo '{\"event\": {}}'; exec sleep 600").guarded_by(guard);
    let program = run(program, &desk);
    until(|| desk.n_brought() == 1);
    drop(program);
    until(|| told.lines() == ["closed"]);
}

#[test]
fn what_a_program_left_elsewhere_does_not_keep_it_from_being_started_again() {
    let (desk, told) = (FakeDesk::willing(), Told::new());
    // A group of its own, with the same output.
    let script = "setsid sleep 600 & echo $! >>FILE; echo \"{\\\"event\\\": {\\\"n\\\": $$}}\"";
    let file = told.file();
    let program = run(
        shell(&script.replace("FILE", file.to_str().unwrap())),
        &desk,
    );
    until(|| desk.n_brought() >= 2);
    drop(program);
    for pid in told.lines() {
        let pid = nix::unistd::Pid::from_raw(pid.parse().unwrap());
        // One of them may not have left the group in time.
        let _ended = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
}

#[test]
fn a_flood_of_strays_holds_nothing_up() {
    let desk = FakeDesk::willing();
    let script = "yes stray | head -n 200000; echo '{\"event\": {\"n\": 1}}'; exec sleep 600";
    let _program = run(shell(script), &desk);
    until(|| desk.n_brought() == 1);
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let desk = FakeDesk::willing();
    let script = "head -c 70000000 /dev/zero | tr '\\0' x; echo; echo '{\"event\": {\"n\": 1}}'; exec sleep 600";
    let _program = run(shell(script), &desk);
    until(|| desk.n_brought() == 1);
    assert_eq!(desk.texts(), [r#"{"n":1}"#]);
}

#[test]
fn a_program_need_not_read_its_answers() {
    let desk = FakeDesk::willing();
    let script = "i=0; while [ $i -lt 3000 ]; do echo \"{\\\"event\\\": {\\\"n\\\": $i}}\"; i=$((i+1)); done; exec sleep 600";
    let _program = run(shell(script), &desk);
    until(|| desk.n_brought() == 3000);
    assert_eq!(desk.texts()[2999], r#"{"n":2999}"#);
}

#[test]
fn what_cannot_be_taken_now_is_brought_again() {
    let n_asked = AtomicUsize::new(0);
    let desk = FakeDesk::with(move |_| match n_asked.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err(NotTaken::NotNow("the disk is full".to_owned())),
        _ => Ok(()),
    });
    let script = "echo '{\"event\": {\"n\": 1}}'; echo '{\"event\": {\"n\": 2}}'; exec sleep 600";
    let _program = run(shell(script), &desk);
    until(|| desk.n_brought() == 4);
    let (one, two) = (r#"{"n":1}"#, r#"{"n":2}"#);
    assert_eq!(desk.texts(), [one, one, one, two]);
}

#[test]
fn only_the_first_strays_of_a_minute_are_told() {
    let mut strays = Strays::default();
    for _ in 0..MOST_STRAYS + 5 {
        strays.tell("program", b"stray", "it is no alert");
    }
    assert_eq!((strays.n_told, strays.n_untold), (MOST_STRAYS, 5));
    strays.tell_untold("program");
    assert_eq!(strays.n_untold, 0);
}
