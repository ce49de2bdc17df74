//! What one trial starts, and its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::compose::{PASSWORD, ROOT, Result, Transport};

/// For one scan, on a machine with other work to do; a broker's start included.
const PATIENCE: Duration = Duration::from_secs(600);

/// For containers to come up, or to be seen, on a machine with other work to do.
const PATIENCE_TO_COME_UP: Duration = Duration::from_secs(300);
/// Nothing new is seen sooner.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Containers, network and volume of one trial; gone when dropped.
pub(crate) struct Project<'a> {
    compose: &'a [&'a str],
    image: &'a str,
    name: String,
    transport: Option<&'static str>,
    /// A folder.
    pub(crate) scratch: PathBuf,
}

impl<'a> Project<'a> {
    /// Has an empty folder made; containers are up to the caller.
    pub(crate) fn new(
        transport: &Transport,
        compose: &'a [&'a str],
        image: &'a str,
    ) -> Result<Self> {
        let name = format!("skyscan-test-{}-{}", transport.name, std::process::id());
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        fs::create_dir_all(&scratch)?;
        Ok(Self {
            compose,
            image,
            name,
            transport: transport.url,
            scratch,
        })
    }

    /// The compose command for this project.
    pub(crate) fn compose(&self) -> Command {
        let mut command = Command::new(self.compose[0]);
        command.args(&self.compose[1..]);
        self.environment(&mut command);
        if let Some(url) = self.transport {
            command.env("SKYSCAN_TRANSPORT", url);
        }
        command
    }

    /// Has a command work on this project, without what the caller's environment may say.
    pub(crate) fn environment(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let is_ours = |start| name.to_string_lossy().starts_with(start);
            // With which broker, `./test long` says.
            let is_broker = name == "SKYSCAN_RABBITMQ_IMAGE";
            if !is_broker && (is_ours("SKYSCAN_") || is_ours("COMPOSE_")) {
                command.env_remove(name);
            }
        }
        command
            .current_dir(ROOT)
            // So that what it starts is told of and removed as well.
            .env("COMPOSE_PROFILES", "relay,monitoring,service")
            .env("COMPOSE_PROJECT_NAME", &self.name)
            .env("SKYSCAN_IMAGE", self.image)
            .env("SKYSCAN_FORMAT", "json")
            .env("SKYSCAN_AMQP_PASSWORD", PASSWORD)
            // Whatever port is free.
            .env("SKYSCAN_PROMETHEUS_LISTEN", "127.0.0.1:0")
            .env("SKYSCAN_SERVICE_LISTEN", "127.0.0.1:0");
    }

    pub(crate) fn containers(&self, service: &str, which: &str) -> Result<Vec<String>> {
        let label =
            |key: &str, value: &str| format!("--filter=label=com.docker.compose.{key}={value}");
        let listed = run(Command::new("docker")
            .args(["ps", "--quiet", which])
            .arg(label("project", &self.name))
            .arg(label("service", service)))?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// The exit code of a container, when it has ended.
    pub(crate) fn wait(&self, container: &str) -> Result<String> {
        let mut command = Command::new("docker");
        command.args(["wait", container]);
        Ok(run_within(PATIENCE, command)?.trim().to_owned())
    }

    /// The last lines that every container wrote.
    pub(crate) fn last_words(&self) -> String {
        let logs = self.compose().args(["logs", "--tail", "5"]).output();
        logs.map_or_else(|error| error.to_string(), |logs| both(&logs))
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        // A failure is not hidden by what is left behind, and is told where it can be seen.
        let down = ["down", "--volumes", "--remove-orphans", "--timeout", "10"];
        if let Err(error) = run(self.compose().args(down)) {
            #[expect(clippy::print_stderr, reason = "a drop can return nothing")]
            {
                eprintln!("left behind: {error}");
            }
        }
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// Standard output of a command that has to succeed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let ended = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !ended.status.success() {
        return Err(format!("{command:?}: {}\n{}", ended.status, both(&ended)).into());
    }
    Ok(String::from_utf8(ended.stdout)?)
}

/// The same, but not for ever. Who takes longer is left to end by itself.
pub(crate) fn run_within(patience: Duration, mut command: Command) -> Result<String> {
    let what = format!("{command:?}");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(run(&mut command).map_err(|error| error.to_string())));
    let ended = receiver.recv_timeout(patience);
    Ok(ended.map_err(|_| format!("{what}: no end after {patience:?}"))??)
}

/// Looks again until it is well, and says in the end why it is not.
pub(crate) fn until<T>(mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match look() {
            Err(_fault) if begun.elapsed() < PATIENCE_TO_COME_UP => {
                thread::park_timeout(LOOK_EVERY);
            }
            seen => return seen,
        }
    }
}

fn both(ended: &Output) -> String {
    [&ended.stdout, &ended.stderr]
        .map(|stream| String::from_utf8_lossy(stream))
        .concat()
}
