//! `skyscan deploy cloud-init`

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use sha2::{Digest, Sha256};

use super::{InsecureArgument, check_place, from_one, pasted, write_file};
use crate::cli::{Failure, bad_input, failed, print};
use crate::deploy::{Machine, SecretSource};
use crate::transport::keys;

/// Seconds without a scan after which a machine goes.
pub(super) const GIVE_UP: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);

/// What all machines of clouds have in common.
#[derive(Debug, clap::Args)]
pub(super) struct MachineArguments {
    /// Where Scanner and Workers meet, as seen from the machines, without a password
    #[arg(long, value_name = "URL")]
    pub(super) transport: String,
    /// Where machines fetch the program, https:// or http://, without a password: http:// will do, since what arrives
    /// is checked with its SHA-256
    #[arg(long, value_name = "URL", value_parser = program)]
    program: String,
    /// SHA-256 that the program must have, in 64 hexadecimal digits [default: that of this program]
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
    /// How long a machine may stay, whatever happens
    #[arg(long, value_name = "HOURS", default_value = "2", value_parser = from_one::<NonZeroU32>)]
    hours: NonZeroU32,
    /// What the machines are called
    #[arg(long, value_name = "NAME", default_value = "skyscan-workers")]
    name: String,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) out: PathBuf,
    /// Further arguments of skyscan worker, behind --
    #[arg(last = true, value_name = "ARGUMENTS")]
    more: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CloudInit {
    #[command(flatten)]
    machine: MachineArguments,
    #[command(flatten)]
    insecure: InsecureArgument,
    #[command(flatten)]
    secrets: SecretArguments,
    /// A machine goes when there was no scan for so long
    #[arg(long, value_name = "SECONDS", default_value_t = GIVE_UP, value_parser = from_one::<NonZeroU32>)]
    give_up: NonZeroU32,
}

/// Where the machine finds the folder of keys that `skyscan keygen DIR --worker NAME` made; for a broker the
/// password is in it, in a file `amqp-password`.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct SecretArguments {
    /// Folder on the machine (its whole path, from / on), of its image or mounted, with the worker's keys, and for
    /// amqp:// with the broker's password in a file amqp-password
    #[arg(long, value_name = "DIR")]
    keys_at: Option<PathBuf>,
    /// Command that prints that folder on the machine, from a secret store: what you stored is what
    /// `tar -C FOLDER -c . | base64` printed
    #[arg(long, value_name = "COMMAND")]
    keys_from: Option<String>,
    /// For clouds without a secret store: the folder here that `skyscan keygen DIR --token` made and printed,
    /// DIR/for-token-..., whose token is written into the user data. Whoever reads that can join until the token
    /// expires
    #[arg(long, value_name = "DIR/for-token-...")]
    expose_token: Option<PathBuf>,
}

impl CloudInit {
    pub(super) fn write(&self) -> Result<u8, Failure> {
        let arguments = &self.machine;
        let insecure = self.insecure.insecure;
        check_place(&arguments.transport, insecure)?;
        let machine = Machine {
            insecure: insecure && crate::transport::is_open(&arguments.transport),
            secrets: self.secrets.read(&arguments.transport)?,
            ..arguments.read(Some(self.give_up))?
        };
        machine.check().map_err(bad_input)?;
        let name = format!("{}.yaml", machine.name);
        let path = write_file(&arguments.out, &name, &machine.user_data())?;
        let exposed = match machine.secrets {
            Some(SecretSource::Exposed { .. }) => {
                "\n\nIt holds a join token: whoever reads it can join until that expires, or until you remove its file \
                 in the scanner's tokens/."
            }
            _ => "",
        };
        print(&format!(
            "wrote {}; start machines with it as their user data, for example\n\n    \
             gcloud compute instances create NAME --metadata-from-file user-data={}{exposed}",
            path.display(),
            pasted(&path)
        ))?;
        Ok(0)
    }
}

impl SecretArguments {
    fn read(&self, url: &str) -> Result<Option<SecretSource>, Failure> {
        if let Some(dir) = &self.expose_token {
            return self.exposed(dir, url).map(Some);
        }
        let folder = self.keys_at.clone().map(SecretSource::Folder);
        let command = self.keys_from.clone().map(SecretSource::Command);
        let source = folder.or(command);
        if source.is_none() && (url.starts_with("zmqs") || url.starts_with("amqp")) {
            return Err(bad_input(anyhow!(
                "say where the machine finds what {url} asks for: --keys-from COMMAND, of a secret store, or --keys-at \
                 DIR, of its image"
            )));
        }
        Ok(source)
    }

    /// A token expires, and is counted; a key and a password are neither.
    fn exposed(&self, dir: &Path, url: &str) -> Result<SecretSource, Failure> {
        if url.starts_with("amqp") {
            return Err(bad_input(anyhow!(
                "a broker asks for a password, which never stands in user data: give --keys-from or --keys-at"
            )));
        }
        let place = match keys::has_keys(dir) {
            true => dir.display().to_string(),
            false => "DIR".to_owned(),
        };
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read_to_string(&path)
                .with_context(|| {
                    format!(
                        "cannot read {}: give the folder that `skyscan keygen {place} --token` makes and prints, \
                         {place}/for-token-...; keys never stand in user data",
                        path.display()
                    )
                })
                .map_err(bad_input)
        };
        Ok(SecretSource::Exposed {
            token: read("token")?,
            scanner: read("scanner.pub")?,
        })
    }
}

impl MachineArguments {
    /// The machine, without secrets.
    pub(super) fn read(&self, give_up: Option<NonZeroU32>) -> Result<Machine, Failure> {
        let sha256 = match &self.sha256 {
            Some(sha256) => sha256.clone(),
            None => own_sha256().map_err(failed)?,
        };
        Ok(Machine {
            name: self.name.clone(),
            transport: self.transport.clone(),
            insecure: false,
            program: self.program.clone(),
            sha256,
            secrets: None,
            hours: self.hours,
            give_up,
            more: self.more.clone(),
        })
    }
}

fn own_sha256() -> anyhow::Result<String> {
    let program = std::env::current_exe()?;
    let bytes = std::fs::read(&program).with_context(|| program.display().to_string())?;
    let digest = Sha256::digest(bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn program(text: &str) -> Result<String, String> {
    // What arrives is compared with its hash, so a plain way to it is one.
    let is_url = ["https://", "http://"].iter().any(|scheme| {
        let rest = text.strip_prefix(scheme);
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    match is_url {
        true if text.contains(char::is_whitespace) => {
            Err("a URL has no spaces: write %20 for each".to_owned())
        }
        true => Ok(text.to_owned()),
        false => Err(
            "write a URL that machines can fetch, https://HOST/PATH or http://HOST/PATH".to_owned(),
        ),
    }
}

fn sha256(text: &str) -> Result<String, String> {
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("write 64 hexadecimal digits, as sha256sum prints them".to_owned()),
    }
}

#[cfg(test)]
mod tests;
