//! One running program: its streams, its answers, its end.

use std::collections::VecDeque;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::super::PixelRequest;
use super::error::ProgramError;
use super::guard::NOT_STARTED;
use super::program::{Limits, Program};
use super::wire::{
    EventAnswer, EventText, FitMessage, Framing, Hello, MOST_BYTES, MOST_TEXT, TaskAnswer,
    TaskMessage, shortened, stray,
};
use skyscan_sky::map::PixelOutcome;

/// Our own settings, passwords among them, are not handed on.
const OWN_SETTINGS: &str = "SKYSCAN_";
/// How long the end of a program and its last words are waited for.
const FAREWELL: Duration = Duration::from_secs(1);
/// Lines of stderr that are told with an error.
const LAST_LINES: usize = 3;
/// Longer lines of stderr are cut.
const MOST_LINE_BYTES: u64 = 4096;

/// A program that has said hello. Dropped, it is killed, with all that it started: by its guard, which
/// sees that its input has gone, or without one as far as its process group goes.
#[derive(Debug)]
pub(super) struct Running {
    /// The guard, if there is one.
    child: Child,
    /// Process group of a program without a guard.
    group: Option<Pid>,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: Stderr,
    framing: Framing,
    name: String,
    /// Number of the event that it was told last.
    event: Option<u64>,
    has_answered: bool,
    limits: Limits,
}

#[derive(Debug)]
struct Stderr {
    last_lines: Arc<Mutex<VecDeque<String>>>,
    reading: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended already, which is as good.
        if let Some(group) = self.group.filter(|_| self.is_alive()) {
            let _ended = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Running {
    /// Starts the program and waits for its hello.
    pub(super) async fn start(program: &Program) -> Result<Self, ProgramError> {
        let mut command = program.command();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on a terminal is for the worker, which ends its programs by itself.
            .process_group(0)
            .kill_on_drop(!program.is_guarded());
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with(OWN_SETTINGS) {
                command.env_remove(variable);
            }
        }
        let failed = |source| ProgramError::Start {
            command: program.file().to_owned(),
            source,
        };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let id = child.id().unwrap_or_default();
        let mut running = Self {
            group: i32::try_from(id)
                .ok()
                .filter(|id| *id > 0 && !program.is_guarded())
                .map(Pid::from_raw),
            child,
            stdin,
            stdout: BufReader::new(stdout),
            stderr: Stderr::read(stderr, id),
            framing: Framing::JsonLines,
            name: String::new(),
            event: None,
            has_answered: false,
            limits: program.limits(),
        };
        match running.meet().await {
            Err(ProgramError::Ended {
                status, last_words, ..
            }) if program.is_guarded() && status.and_then(|s| s.code()) == Some(NOT_STARTED) => {
                return Err(failed(io::Error::other(last_words)));
            }
            met => met?,
        }
        tracing::debug!(pid = id, name = running.name, "an external program is up");
        Ok(running)
    }

    async fn meet(&mut self) -> Result<(), ProgramError> {
        let hello: Hello = self
            .in_time(self.limits.start, "started", async |running| {
                let first = running.stdout.fill_buf().await?.first().copied();
                let first = first.ok_or(io::ErrorKind::UnexpectedEof)?;
                running.framing = match Framing::by_first_byte(first) {
                    Some(framing) => framing,
                    None => return Err(running.stray("hello", Vec::new()).await),
                };
                running.read("hello").await
            })
            .await?;
        hello.check().map_err(|reason| rubbish("hello", reason))?;
        self.name = hello.name;
        Ok(())
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this event was the last one that it was told.
    pub(super) fn knows(&self, event: u64) -> bool {
        self.event == Some(event)
    }

    /// Whether it has answered a task well.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Whether it runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Tells it an event, unless it knows it.
    pub(super) async fn take_event(
        &mut self,
        event: u64,
        text: &EventText,
    ) -> Result<(), ProgramError> {
        if self.knows(event) {
            return Ok(());
        }
        self.event = None;
        let answer = self
            .in_time(self.limits.start, "took the event", async |running| {
                running
                    .stdin
                    .write_all(text.framed(running.framing))
                    .await?;
                running.read("answer to the event").await
            })
            .await?;
        match answer {
            EventAnswer::Ready(true) => self.event = Some(event),
            EventAnswer::Ready(false) => {
                return Err(rubbish("answer to the event", "ready is false".to_owned()));
            }
            EventAnswer::Refused(reason) => {
                return Err(ProgramError::Refused(shortened(&reason).to_owned()));
            }
        }
        Ok(())
    }

    /// Asks it for a task, which may take so long.
    pub(super) async fn evaluate(
        &mut self,
        requests: &[PixelRequest],
        limit: Duration,
    ) -> Result<Vec<PixelOutcome>, ProgramError> {
        let task = self.framing.encode(&TaskMessage::new(requests));
        let answer: TaskAnswer = self
            .in_time(limit, "evaluated a task", async |running| {
                running.stdin.write_all(&task).await?;
                running.read("answer to a task").await
            })
            .await?;
        if answer.fits.len() != requests.len() {
            let reason = format!("{} fits for {} pixels", answer.fits.len(), requests.len());
            return Err(rubbish("answer to a task", reason));
        }
        self.has_answered = true;
        Ok(answer.fits.into_iter().map(FitMessage::outcome).collect())
    }

    /// Does something within a time. After an error the program is of no use any more.
    async fn in_time<T>(
        &mut self,
        limit: Duration,
        doing: &'static str,
        what: impl AsyncFnOnce(&mut Self) -> Result<T, Broken>,
    ) -> Result<T, ProgramError> {
        match timeout(limit, what(self)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Broken::Rubbish { expected, reason })) => Err(rubbish(expected, reason)),
            Ok(Err(Broken::Ended)) => {
                // Without its streams a program may still live.
                let status = timeout(FAREWELL, self.child.wait()).await;
                Err(ProgramError::Ended {
                    doing,
                    status: status.ok().and_then(Result::ok),
                    last_words: self.stderr.last_words().await,
                })
            }
            Err(_) => Err(ProgramError::Late {
                doing,
                limit,
                last_words: self.stderr.lines(),
            }),
        }
    }

    async fn read<M: serde::de::DeserializeOwned>(
        &mut self,
        expected: &'static str,
    ) -> Result<M, Broken> {
        let too_long = || Broken::Rubbish {
            expected,
            reason: format!("the message is longer than {MOST_BYTES} bytes"),
        };
        let mut body = Vec::new();
        match self.framing {
            Framing::JsonLines => {
                let mut bounded = (&mut self.stdout).take(MOST_BYTES as u64 + 1);
                bounded.read_until(b'\n', &mut body).await?;
                if body.len() > MOST_BYTES {
                    return Err(too_long());
                }
                if !body.ends_with(b"\n") {
                    return Err(Broken::Ended);
                }
            }
            Framing::Msgpack => {
                let n_bytes = self.stdout.read_u32().await? as usize;
                let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
                let length = (n_bytes as u32).to_be_bytes();
                if length.iter().all(is_text) {
                    return Err(self.stray(expected, length.to_vec()).await);
                }
                if n_bytes > MOST_BYTES {
                    return Err(too_long());
                }
                let mut bounded = (&mut self.stdout).take(n_bytes as u64);
                if bounded.read_to_end(&mut body).await? < n_bytes {
                    return Err(Broken::Ended);
                }
            }
        }
        let decoded = self.framing.decode(&body);
        decoded.map_err(|reason| Broken::Rubbish { expected, reason })
    }

    /// Reads on to the end of a line that is no message.
    async fn stray(&mut self, expected: &'static str, mut text: Vec<u8>) -> Broken {
        let mut bounded = (&mut self.stdout).take(MOST_TEXT as u64);
        // What there is has to do.
        let _broken = bounded.read_until(b'\n', &mut text).await;
        Broken::Rubbish {
            expected,
            reason: stray(&text),
        }
    }
}

/// Why nothing more is to be had from a program.
enum Broken {
    Ended,
    Rubbish {
        expected: &'static str,
        reason: String,
    },
}

/// A pipe breaks when the program at its other end is gone.
impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Ended
    }
}

impl From<io::ErrorKind> for Broken {
    fn from(_: io::ErrorKind) -> Self {
        Self::Ended
    }
}

fn rubbish(expected: &'static str, reason: String) -> ProgramError {
    ProgramError::Rubbish { expected, reason }
}

impl Stderr {
    /// Hands line by line to the log and keeps the last ones.
    fn read(stderr: ChildStderr, pid: u32) -> Self {
        let last_lines = Arc::<Mutex<VecDeque<String>>>::default();
        let kept = Arc::clone(&last_lines);
        let reading = tokio::spawn(async move {
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            while let Ok(1..) = (&mut stderr)
                .take(MOST_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .await
            {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                tracing::info!(target: "skyscan::external", pid, "{text}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LAST_LINES {
                    kept.pop_front();
                }
                kept.push_back(text);
            }
        });
        Self {
            last_lines,
            reading,
        }
    }

    /// What it said last, when it has ended.
    async fn last_words(&mut self) -> String {
        // What it started may still hold the stream.
        let _ = timeout(FAREWELL, &mut self.reading).await;
        self.lines()
    }

    fn lines(&self) -> String {
        let lines = self
            .last_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(|line| shortened(line.trim())).collect();
        let said = lines.join(" / ");
        // The end of what it said is what matters.
        let first = (said.len().saturating_sub(MOST_TEXT)..said.len())
            .find(|at| said.is_char_boundary(*at));
        said[first.unwrap_or(0)..].to_owned()
    }
}
