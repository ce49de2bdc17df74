//! The guard of a running program: ends it, with all that it started, once its worker is gone.
//!
//! A worker that is killed outright can end nothing, and the system would let its programs live. So each
//! runs below a guard, a small process of this program. Guard and program have the same pipe as their input; the
//! guard never reads from it, but the system tells it when nobody is left who could write. On Linux it
//! is a subreaper: what a program leaves behind, in whatever process group, becomes the guard's child
//! and is found.
//!
//! Decision: An external program runs below a guard (`docs/decisions.md`).

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::process::{Child, Command};
#[cfg(target_os = "linux")]
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stdout};

/// Exit code of a guard whose program could not be started: that of a shell.
pub const NOT_STARTED: i32 = 127;
/// Exit code of a guard whose worker is gone. Nobody is left to read it.
const ABANDONED: i32 = 1;
/// How often the guard looks for what it has not ended yet, and how many times at most.
#[cfg(target_os = "linux")]
const LOOK_AGAIN: Duration = Duration::from_millis(5);
#[cfg(target_os = "linux")]
const MOST_LOOKS: u32 = 400;

/// How a guarded program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardedEnd {
    /// It left with this code.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
}

impl GuardedEnd {
    /// Ends this process by the same signal, if it was one; otherwise returns the code to leave with.
    pub fn imitate(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => {
                let _ended = raise(signal);
                // As a shell tells it, where the signal did not end this process.
                128 + signal as i32
            }
        }
    }
}

/// Runs a program on this process's standard streams until it ends, and ends what it leaves behind.
/// When the other end of the standard input is gone, everything is ended, this process included.
///
/// # Errors
/// If the program cannot be started or the system gives no thread.
pub fn guard(file: &OsString, arguments: &[OsString]) -> io::Result<GuardedEnd> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    let program = Command::new(file).args(arguments).spawn()?;
    // Whoever reads the program's answers shall see when it closes its output.
    dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    std::thread::Builder::new().spawn(|| {
        wait_until_nobody_writes();
        end_all();
        std::process::exit(ABANDONED);
    })?;
    let end = wait_for(&program)?;
    end_all();
    Ok(end)
}

/// Waits until the other end of the standard input is gone, whether or not there is something to read.
fn wait_until_nobody_writes() {
    let stdin = io::stdin();
    let is_over = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    loop {
        let mut input = [PollFd::new(stdin.as_fd(), PollFlags::empty())];
        let polled = poll(&mut input, PollTimeout::NONE);
        let [input] = input;
        match polled {
            Ok(_)
                if input
                    .revents()
                    .is_some_and(|events| events.intersects(is_over)) =>
            {
                return;
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// Waits for the program's end; takes leave of everything else that ends meanwhile.
fn wait_for(program: &Child) -> io::Result<GuardedEnd> {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if is(pid, program) => {
                return Ok(GuardedEnd::Code(code));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if is(pid, program) => {
                return Ok(GuardedEnd::Signal(signal));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn is(pid: Pid, program: &Child) -> bool {
    u32::try_from(pid.as_raw()).is_ok_and(|pid| pid == program.id())
}

/// Ends whatever lives below this process, until nothing does. What loses its parent meanwhile
/// becomes this process's child.
#[cfg(target_os = "linux")]
fn end_all() {
    for _ in 0..MOST_LOOKS {
        let alive = below(Pid::this());
        if alive.is_empty() {
            return;
        }
        for pid in alive {
            // It may have ended by itself.
            let _ended = nix::sys::signal::kill(pid, Signal::SIGKILL);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the guard has nothing else to do, and no runtime"
        )]
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Elsewhere the process group is what can be found, and this process leads it.
#[cfg(not(target_os = "linux"))]
fn end_all() {
    let _ended = nix::sys::signal::killpg(nix::unistd::getpgrp(), Signal::SIGKILL);
}

/// Every process that descends from this one and lives.
#[cfg(target_os = "linux")]
fn below(ancestor: Pid) -> Vec<Pid> {
    let processes = procfs::process::all_processes().into_iter().flatten();
    let stats = processes.filter_map(|process| process.ok()?.stat().ok());
    // What has ended only waits for being counted.
    let alive: Vec<_> = stats
        .filter(|stat| !matches!(stat.state, 'Z' | 'X'))
        .collect();
    let mut found = vec![ancestor.as_raw()];
    let mut n_looked_at = 0;
    while let Some(&parent) = found.get(n_looked_at) {
        n_looked_at += 1;
        let children = alive.iter().filter(|stat| stat.ppid == parent);
        found.extend(children.map(|stat| stat.pid));
    }
    found.into_iter().skip(1).map(Pid::from_raw).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn grandchildren_are_below() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = io::BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        io::BufRead::read_line(&mut told, &mut line).unwrap();
        let grandchild = Pid::from_raw(line.trim().parse().unwrap());
        let found = below(Pid::this());
        assert!(found.contains(&grandchild), "{found:?}");
        shell.kill().unwrap();
        shell.wait().unwrap();
        nix::sys::signal::kill(grandchild, Signal::SIGKILL).unwrap();
    }
}
