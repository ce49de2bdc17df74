//! Files that start workers elsewhere: a submit file of HTCondor, a batch script of Slurm, a
//! manifest of Kubernetes; and what a broker has to be told first.
//!
//! None of them holds a password or a key: the worker is told where to read them from. All of them let a
//! worker leave in peace: SIGTERM makes it give back what it holds, within a second.
//!
//! Decision: Files for clusters let workers leave by SIGTERM (`docs/decisions.md`).

mod htcondor;
mod kubernetes;
mod rabbitmq;
mod slurm;
mod template;

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

pub use htcondor::submit_file;
pub use kubernetes::manifest;
pub use rabbitmq::broker_script;
pub use slurm::batch_script;

/// The worker reads the broker's password from the file that this variable names.
const PASSWORD_FILE: &str = "SKYSCAN_AMQP_PASSWORD_FILE";
/// The worker takes its keys from the folder that this variable names.
const KEYS: &str = "SKYSCAN_KEYS";
/// Time between SIGTERM and SIGKILL that is asked for. A worker needs one second, a busy machine
/// perhaps ten.
const GRACE_SECONDS: u32 = 30;
/// Workers to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Workers {
    /// What they are called.
    pub name: String,
    /// How many processes.
    pub n: NonZeroU32,
    /// Tasks that each evaluates at once, and cores that it asks for.
    pub slots: NonZeroU16,
    /// Where Scanner and Workers meet, without a password.
    pub transport: String,
    /// Whether that may be open to a network.
    pub insecure: bool,
    /// Memory for each, in MiB.
    pub memory_mib: NonZeroU32,
    /// Further arguments of `skyscan worker`.
    pub more: Vec<String>,
}

/// Where the program is, on machines that run programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// The program's file.
    pub program: PathBuf,
    /// File whose first line is the broker's password.
    pub password_file: Option<PathBuf>,
    /// Folder of the workers' keys.
    pub keys: Option<PathBuf>,
}

/// Secrets of Kubernetes, by their names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Secrets<'a> {
    /// Its key `password` is the broker's.
    pub password: Option<&'a str>,
    /// Made of the folder of the workers' keys.
    pub keys: Option<&'a str>,
}

/// What cannot be written into such files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// A text with a line break or worse.
    #[error("{0:?} holds a control character, which no such file can carry")]
    ControlCharacter(String),
    /// A name that a cluster does not take.
    #[error("the name {0:?} must be 1 to 50 small letters, digits and dashes, a letter first")]
    Name(String),
}

impl Workers {
    /// Checks what people give.
    ///
    /// # Errors
    /// If something cannot be written into the files.
    pub fn check(&self) -> Result<(), DeployError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = self.name.chars().all(plain)
            && self.name.starts_with(|c: char| c.is_ascii_lowercase())
            && !self.name.ends_with('-')
            && self.name.len() <= 50;
        if !is_name {
            return Err(DeployError::Name(self.name.clone()));
        }
        self.arguments()
            .iter()
            .try_for_each(|word| plain_text(word))
    }

    /// Words behind `skyscan`.
    fn arguments(&self) -> Vec<String> {
        let slots = self.slots.to_string();
        let fixed = ["worker", "--transport", &self.transport, "--slots", &slots];
        let insecure = self.insecure.then_some("--insecure");
        let more = self.more.iter().map(String::as_str);
        fixed
            .into_iter()
            .chain(insecure)
            .chain(more)
            .map(str::to_owned)
            .collect()
    }

    /// What templates have in common, and more.
    fn words<const M: usize>(
        &self,
        more: [(&'static str, String); M],
    ) -> Vec<(&'static str, String)> {
        let common = [
            ("NAME", self.name.clone()),
            ("N", self.n.to_string()),
            ("SLOTS", self.slots.to_string()),
            ("MEMORY", self.memory_mib.to_string()),
            ("GRACE", GRACE_SECONDS.to_string()),
        ];
        common.into_iter().chain(more).collect()
    }
}

impl Installed {
    /// Checks what people give.
    ///
    /// # Errors
    /// If a path cannot be written into the files.
    pub fn check(&self) -> Result<(), DeployError> {
        let paths = [
            Some(&self.program),
            self.password_file.as_ref(),
            self.keys.as_ref(),
        ];
        let mut paths = paths.into_iter().flatten();
        paths.try_for_each(|path| plain_text(&path.to_string_lossy()))
    }
}

/// That a text stays within its line.
fn plain_text(text: &str) -> Result<(), DeployError> {
    match text.contains(char::is_control) {
        true => Err(DeployError::ControlCharacter(text.to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
