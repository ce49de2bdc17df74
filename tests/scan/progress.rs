//! What is told during a scan: lines where there is no terminal, bars where there is one.

use std::ffi::OsString;
use std::process::Command;

use libtest_mimic::Failed;

use crate::Check;
use crate::command::{DEMO, run, stderr};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![("each_round_is_told_in_a_line", lines)]
}

pub(crate) fn terminal_checks() -> Vec<(&'static str, Check)> {
    vec![("each_round_has_a_bar_with_rate_and_time_left", bars)]
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

/// Runs the program on a pseudo terminal of 100 columns, stdout aside.
const ON_TERMINAL: &str = "
import fcntl, os, pty, struct, subprocess, sys, termios
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 100, 0, 0))
child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
os.close(theirs)
seen = b''
while True:
    try:
        some = os.read(ours, 65536)
    except OSError:
        break
    if not some:
        break
    seen += some
assert child.stdout.read().startswith(b'Run '), 'no summary on stdout'
assert child.wait() == 0, child.returncode
sys.stdout.buffer.write(seen)
";

fn bars() -> Result<(), Failed> {
    let python = python().ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let output = Command::new(python)
        .args(["-c", ON_TERMINAL, env!("CARGO_BIN_EXE_skyscan")])
        .args(["scan", DEMO, "--nside", "4,32"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TERM", "xterm")
        .output()?;
    assert!(output.status.success(), "{}", stderr(&output));
    let seen = String::from_utf8(output.stdout)?;
    for nside in ["nside 4 [", "nside 32 ["] {
        let drawn: Vec<&str> = seen
            .split(['\r', '\n', '\u{1b}'])
            .filter(|line| line.contains(nside))
            .collect();
        let running = drawn
            .iter()
            .filter(|line| line.contains("pixels/s") && line.contains("s left"));
        assert!(running.count() > 1, "{nside}: {drawn:?}");
        let last = drawn.last().ok_or("no bar")?;
        assert!(last.contains("pixels/s  in "), "{nside}: {last}");
    }
    assert!(seen.contains("best so far RA "), "{seen}");
    Ok(())
}
