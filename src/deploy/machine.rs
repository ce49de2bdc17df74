//! User data for cloud-init: what makes a machine of any cloud a worker, for a limited time.
//!
//! Decision: A machine of a cloud ends itself (`docs/decisions.md`).

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::template::{fill, quoted};
use super::{DeployError, GRACE_SECONDS, further_words, plain_name, plain_text};

/// A file of its own for a secret's script.
const SECRET_SCRIPT: &str = "/usr/local/sbin/skyscan-secret";
/// Where a token is that the user data holds.
const TOKEN_AT: &str = "/etc/skyscan/keys";

/// A machine that is a worker as long as it lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// What it is called.
    pub name: String,
    /// Where Scanner and Workers meet, without a password.
    pub transport: String,
    /// Whether that may be open to a network.
    pub insecure: bool,
    /// URL of the program.
    pub program: String,
    /// SHA-256 of the program, in hexadecimal digits.
    pub sha256: String,
    /// Where what is secret comes from, if anything is.
    pub secrets: Option<SecretSource>,
    /// How long it may stay.
    pub hours: NonZeroU32,
    /// Seconds without a scan after which it goes; for ever if there are none.
    pub give_up: Option<NonZeroU32>,
    /// Further arguments of `skyscan worker`.
    pub more: Vec<String>,
}

/// Where a machine finds the folder of its worker's keys, with the broker's password in `amqp-password`.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// A folder that its image has, or that is mounted.
    Folder(PathBuf),
    /// A command that prints it, as `tar -c | base64` does.
    Command(String),
    /// A script that does so.
    Script(String),
    /// A join token and the scanner's public key, which stand in the user data.
    Exposed {
        /// Content of the file `token`.
        token: String,
        /// Content of the file `scanner.pub`.
        scanner: String,
    },
}

impl Machine {
    /// Checks what people give.
    ///
    /// # Errors
    /// If something cannot be written into the user data, or cannot work on the machine.
    pub fn check(&self) -> Result<(), DeployError> {
        plain_name(&self.name)?;
        further_words(&self.more)?;
        if has_login(&self.program) {
            return Err(DeployError::Login);
        }
        let source = match &self.secrets {
            Some(SecretSource::Folder(folder)) if !folder.is_absolute() => {
                return Err(DeployError::Relative(folder.display().to_string()));
            }
            Some(SecretSource::Folder(folder)) => folder.to_string_lossy().into_owned(),
            Some(SecretSource::Command(command)) => command.clone(),
            Some(SecretSource::Script(_) | SecretSource::Exposed { .. }) | None => String::new(),
        };
        let given = [source, self.program.clone()];
        let mut words = self.arguments().into_iter().chain(given);
        words.try_for_each(|word| plain_text(&word))
    }

    /// The user data.
    pub fn user_data(&self) -> String {
        let hours = self.hours.to_string();
        let idle = self
            .give_up
            .map_or_else(String::new, |seconds| format!(" for {seconds} s"));
        let common = [
            ("NAME", self.name.clone()),
            ("HOURS", hours),
            ("GRACE", GRACE_SECONDS.to_string()),
            ("IDLE", idle),
        ];
        let part = |template: &str, more: &[(&'static str, String)]| -> String {
            indented(&fill(template, &[&common[..], more].concat()))
        };
        let arguments: Vec<String> = self.arguments().iter().map(|word| quoted(word)).collect();
        let page = [
            (
                "PREPARE",
                part(include_str!("machine/prepare.sh"), &self.prepared()),
            ),
            (
                "WORKER",
                part(
                    include_str!("machine/worker.sh"),
                    &[("ARGUMENTS", arguments.join(" "))],
                ),
            ),
            ("UNIT", part(include_str!("machine/worker.service"), &[])),
            ("END", part(include_str!("machine/end.service"), &[])),
            ("TIMER", part(include_str!("machine/end.timer"), &[])),
            ("FILES", self.files()),
            ("SAID", self.said().to_owned()),
        ];
        let words = [&common[..], &page].concat();
        fill(include_str!("machine/user-data.yaml"), &words)
    }

    /// Words behind `skyscan`. Slots are the machine's cores, since none are named.
    fn arguments(&self) -> Vec<String> {
        let give_up = self.give_up.map(|seconds| seconds.to_string());
        let give_up = give_up.iter().flat_map(|seconds| ["--give-up", seconds]);
        ["worker", "--transport", &self.transport, "--notice", "auto"]
            .into_iter()
            .chain(give_up)
            .chain(self.insecure.then_some("--insecure"))
            .chain(self.more.iter().map(String::as_str))
            .map(str::to_owned)
            .collect()
    }

    /// Words of the script that brings the program and the secrets.
    fn prepared(&self) -> [(&'static str, String); 3] {
        let source = self.secrets.as_ref().map(|source| match source {
            SecretSource::Folder(folder) => {
                format!("cp {}/* \"$keys\"", quoted(&folder.to_string_lossy()))
            }
            SecretSource::Exposed { .. } => format!("cp {TOKEN_AT}/* \"$keys\""),
            SecretSource::Command(command) => unpacked(command),
            SecretSource::Script(_) => unpacked(SECRET_SCRIPT),
        });
        let keys = source.map_or_else(String::new, |source| {
            fill(include_str!("machine/keys.sh"), &[("SOURCE", source)])
        });
        [
            ("SHA256", self.sha256.clone()),
            ("URL", quoted(&self.program)),
            ("KEYS", keys.trim_end().to_owned()),
        ]
    }

    /// Files that some sources need.
    fn files(&self) -> String {
        let files = match &self.secrets {
            Some(SecretSource::Script(script)) => vec![written(SECRET_SCRIPT, "0755", script)],
            Some(SecretSource::Exposed { token, scanner }) => vec![
                written(&format!("{TOKEN_AT}/token"), "0600", token),
                written(&format!("{TOKEN_AT}/scanner.pub"), "0600", scanner),
            ],
            Some(SecretSource::Folder(_) | SecretSource::Command(_)) | None => vec![],
        };
        files.join("\n")
    }

    /// What whoever reads the file has to know of its secrets.
    fn said(&self) -> &'static str {
        match &self.secrets {
            Some(SecretSource::Exposed { .. }) => {
                "IT HOLDS A JOIN TOKEN:\n# whoever reads it can join until that is withdrawn or expires."
            }
            _ => "No secret is in here.",
        }
    }
}

/// Whether a URL names a user, and perhaps a password: either may be a secret.
fn has_login(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next();
    authority.is_some_and(|authority| authority.contains('@'))
}

/// Lines of a script that unpack what a command prints, which is never an argument.
fn unpacked(command: &str) -> String {
    format!(
        "secret=$({command})\n\
         printf '%s' \"$secret\" | base64 --decode | tar -x --no-same-owner -C \"$keys\""
    )
}

/// An entry of `write_files`.
fn written(path: &str, permissions: &str, content: &str) -> String {
    format!(
        "  - path: {path}\n    permissions: \"{permissions}\"\n    content: |\n{}",
        indented(content)
    )
}

/// As the content of a file in YAML: without a last line break, which the template has.
fn indented(text: &str) -> String {
    let line = |line: &str| match line {
        "" => String::new(),
        line => format!("      {line}"),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
