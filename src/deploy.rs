//! Files that start workers elsewhere: a submit file of HTCondor, a batch script of Slurm, a
//! manifest of Kubernetes, user data for machines of a cloud, requests to AWS; and what a broker has to be
//! told first.
//!
//! None of them holds a password or a key: the worker is told where to read them from. All of them let a
//! worker leave in peace: SIGTERM makes it give back what it holds, within a second.
//!
//! Decision: Files for clusters let workers leave by SIGTERM (`docs/decisions.md`).

mod aws;
mod htcondor;
mod kubernetes;
mod machine;
mod rabbitmq;
mod slurm;
mod template;

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

pub use aws::Fleet;
pub use htcondor::submit_file;
pub use kubernetes::{growing_manifest, manifest};
pub use machine::{Machine, SecretSource};
pub use rabbitmq::broker_script;
pub use slurm::batch_script;
pub(crate) use template::quoted;

/// The worker reads the broker's password from the file that this variable names.
const PASSWORD_FILE: &str = "SKYSCAN_AMQP_PASSWORD_FILE";
/// The worker takes its keys from the folder that this variable names.
const KEYS: &str = "SKYSCAN_KEYS";
/// Time between SIGTERM and SIGKILL that is asked for. A worker needs one second, a busy machine
/// perhaps ten.
const GRACE_SECONDS: u32 = 30;
/// Arguments of `skyscan worker` that the files set, and that are checked before.
const SETTLED: [&str; 3] = ["--transport", "--keys", "--insecure"];

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
    /// A type of machine that tells no number of cores.
    #[error("{0:?} is no type of machine such as c7a.4xlarge, whose name tells its cores")]
    MachineType(String),
    /// More pools than a fleet may have.
    #[error("a fleet may have 300 pools, and these types in these subnets are {0}: name fewer")]
    Overrides(usize),
    /// An argument of the worker that is none of the further ones.
    #[error(
        "{0} cannot stand behind --: where workers come to, with which keys, is checked and said before it"
    )]
    Settled(&'static str),
    /// A folder on a machine that depends on where somebody is.
    #[error("--keys-at {0} is no place on a machine: write its whole path, from / on")]
    Relative(String),
    /// A URL with a user or a password, which it does not repeat.
    #[error(
        "leave user and password out of --program, whoever reads the user data could read them: what machines fetch is \
         checked with its SHA-256, and may be open to all"
    )]
    Login,
    /// Something that is named twice.
    #[error("{0} is named twice: once is enough")]
    Twice(String),
}

impl Workers {
    /// Checks what people give.
    ///
    /// # Errors
    /// If something cannot be written into the files.
    pub fn check(&self) -> Result<(), DeployError> {
        plain_name(&self.name)?;
        further_words(&self.more)?;
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

/// That a name is one that every system takes.
fn plain_name(name: &str) -> Result<(), DeployError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = name.chars().all(plain)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.len() <= 50;
    match is_name {
        true => Ok(()),
        false => Err(DeployError::Name(name.to_owned())),
    }
}

/// That the worker's further arguments leave alone what is settled: a second place would be an unchecked one.
fn further_words(words: &[String]) -> Result<(), DeployError> {
    let is = |word: &String, name: &str| {
        word.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let settled = SETTLED
        .into_iter()
        .find(|name| words.iter().any(|word| is(word, name)));
    settled.map_or(Ok(()), |name| Err(DeployError::Settled(name)))
}

/// That a text stays within its line, also where other separators of lines count.
fn plain_text(text: &str) -> Result<(), DeployError> {
    let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
    match text.contains(breaks) {
        true => Err(DeployError::ControlCharacter(text.to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
