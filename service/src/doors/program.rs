//! A program of the operator's: how it is called, started and ended.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use parking_lot::{Condvar, Mutex};

/// Our own settings, secrets among them, are not handed on.
const OWN_SETTINGS: &str = "SKYSCAN_";
/// How long a program may take to end after it was asked to.
const FAREWELL: Duration = Duration::from_secs(1);

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    words: Vec<OsString>,
    name: String,
    is_guarded: bool,
}

/// A command line that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no command: a program and its arguments are wanted, quoted as in a shell")]
pub struct BadCommand(String);

impl Program {
    /// Splits a command line into words as a shell does; no shell runs.
    ///
    /// # Errors
    /// If quotes do not match, or there is no word.
    pub fn new(command: &str) -> Result<Self, BadCommand> {
        let words = shlex::split(command).unwrap_or_default();
        let Some(name) = words.first().cloned() else {
            return Err(BadCommand(command.to_owned()));
        };
        Ok(Self {
            words: words.into_iter().map(OsString::from).collect(),
            name,
            is_guarded: false,
        })
    }

    /// The same program below a guard: what these words start runs the words after them, and ends
    /// them, with all that they started, once its own standard input is closed, such as when this
    /// process is killed outright. Without a guard a program is ended when this process can do so,
    /// and what it started as far as its process group goes.
    #[must_use]
    pub fn guarded_by(mut self, guard: impl IntoIterator<Item = OsString>) -> Self {
        self.words.splice(0..0, guard);
        self.is_guarded = true;
        self
    }

    /// Its file, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts it, with its output and its errors to be read.
    pub(crate) fn start(&self, environment: &[(&str, &str)], input: Input) -> io::Result<Started> {
        let (file, arguments) = self
            .words
            .split_first()
            .ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(file);
        command.args(arguments);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with(OWN_SETTINGS) {
                command.env_remove(variable);
            }
        }
        command.envs(environment.iter().copied());
        // Ctrl-C on a terminal is for the service, which ends its programs by itself.
        command.process_group(0);
        command.stdin(match input {
            Input::Pipe => Stdio::piped(),
            Input::File(file) => file.into(),
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Started::watch(command.spawn()?, self.is_guarded)
    }
}

/// What a program reads.
#[derive(Debug)]
pub(crate) enum Input {
    /// What it is told while it runs.
    Pipe,
    /// A file, from where it stands.
    File(File),
}

/// A program that was started. Dropped, it is ended, with its process group.
#[derive(Debug)]
pub(crate) struct Started {
    group: Pid,
    is_guarded: bool,
    end: Arc<End>,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

#[derive(Debug, Default)]
struct End {
    /// How it ended. As long as there is nothing in here, its number is not given to another process.
    status: Mutex<Option<ExitStatus>>,
    came: Condvar,
}

impl Started {
    fn watch(mut child: Child, is_guarded: bool) -> io::Result<Self> {
        let group = i32::try_from(child.id()).map_err(io::Error::other)?;
        let mut started = Self {
            group: Pid::from_raw(group),
            is_guarded,
            end: Arc::default(),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        let (group, end) = (started.group, Arc::clone(&started.end));
        let watching = Builder::new().name("program's end".to_owned());
        if let Err(error) = watching.spawn(move || watch(child, group, &end)) {
            // Nobody will say when it has ended.
            let _ended = killpg(group, Signal::SIGKILL);
            *started.end.status.lock() = Some(ExitStatus::from_raw(Signal::SIGKILL as i32));
            started.stdin = None;
            return Err(error);
        }
        Ok(started)
    }

    /// Its end, if it comes within the time.
    pub(crate) fn wait(&self, time: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + time;
        let mut status = self.end.status.lock();
        while status.is_none() && !self.end.came.wait_until(&mut status, until).timed_out() {}
        *status
    }

    /// Asks it to end, and ends it a moment later; returns how it ended, if that was seen.
    pub(crate) fn end(&mut self) -> Option<ExitStatus> {
        // A guard takes that as its sign; a signal would end the guard alone.
        self.stdin = None;
        if !self.is_guarded {
            self.signal(Signal::SIGTERM);
        }
        if self.wait(FAREWELL).is_none() {
            self.signal(Signal::SIGKILL);
        }
        self.wait(FAREWELL)
    }

    fn signal(&self, signal: Signal) {
        let status = self.end.status.lock();
        if status.is_none() {
            // It may have ended this moment.
            let _sent = killpg(self.group, signal);
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ended = self.end();
    }
}

/// Waits for a program's end, and ends what it leaves behind in its group.
fn watch(mut child: Child, group: Pid, end: &End) {
    // Its number stays its own until it is taken leave of.
    while waitid(Id::Pid(group), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {
    }
    let mut status = end.status.lock();
    let _ended = killpg(group, Signal::SIGKILL);
    let waited = child.wait();
    *status = Some(waited.unwrap_or_else(|_| ExitStatus::from_raw(Signal::SIGKILL as i32)));
    end.came.notify_all();
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    fn shell(script: &str) -> Started {
        let program =
            Program::new(&format!("sh -c {}", shlex::try_quote(script).unwrap())).unwrap();
        program
            .start(&[("GREETING", "hello")], Input::Pipe)
            .unwrap()
    }

    fn first_line(started: &mut Started) -> String {
        let mut line = String::new();
        BufReader::new(started.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        line.trim().to_owned()
    }

    fn is_alive(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    /// A signal takes a moment.
    fn ends(pid: &str) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while is_alive(pid) && Instant::now() < until {
            std::thread::yield_now();
        }
        !is_alive(pid)
    }

    #[test]
    fn commands_are_split_as_in_a_shell() {
        let program = Program::new("python3 'my script.py' --x").unwrap();
        assert_eq!(program.words, ["python3", "my script.py", "--x"]);
        assert_eq!(program.name(), "python3");
        assert!(Program::new("").is_err());
        assert!(
            Program::new("sh 'open")
                .unwrap_err()
                .to_string()
                .contains("sh 'open")
        );
        let guarded = program.guarded_by(["env".into(), "A=b".into()]);
        assert_eq!(guarded.words[..3], ["env", "A=b", "python3"]);
        assert_eq!(guarded.name(), "python3");
    }

    #[test]
    fn its_end_is_seen() {
        let mut started = shell("echo $GREETING; exit 3");
        assert_eq!(first_line(&mut started), "hello");
        assert_eq!(
            started.wait(Duration::from_secs(10)).unwrap().code(),
            Some(3)
        );
    }

    #[test]
    fn it_is_ended_with_what_it_started() {
        let mut started = shell("trap '' TERM; sleep 600 & echo $!; wait; wait");
        let grandchild = first_line(&mut started);
        assert!(is_alive(&grandchild));
        let begun = Instant::now();
        assert_eq!(
            started.end().unwrap().signal(),
            Some(Signal::SIGKILL as i32)
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(ends(&grandchild));
    }

    #[test]
    fn what_it_leaves_behind_is_ended() {
        let mut started = shell("sleep 600 & echo $!");
        let grandchild = first_line(&mut started);
        assert!(started.wait(Duration::from_secs(10)).unwrap().success());
        assert!(ends(&grandchild));
    }

    #[test]
    fn it_does_not_inherit_our_settings() {
        let name = "SKYSCAN_NOT_FOR_PROGRAMS";
        if std::env::var(name).is_ok() {
            let mut started = shell("echo \"<$SKYSCAN_NOT_FOR_PROGRAMS>\"");
            assert_eq!(first_line(&mut started), "<>");
            return;
        }
        // Once more in a process that has one.
        let this = "doors::program::tests::it_does_not_inherit_our_settings";
        let again = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(name, "secret")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout);
        assert!(
            again.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
