//! `skyscan deploy aws`

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, anyhow};

use super::machine::{GIVE_UP, MachineArguments};
use super::{check_place, from_one, pasted, plain, write_file};
use crate::cli::{Failure, bad_input, failed, print};
use crate::deploy::Fleet;
use crate::transport;

/// Types of machines that have cores for their money, of several makers and generations: some are always to be had.
const TYPES: &str = "c5.4xlarge,c5.9xlarge,c5a.4xlarge,c5a.8xlarge,c6i.4xlarge,c6i.8xlarge,c6a.4xlarge,c6a.8xlarge,\
                     c7i.4xlarge,c7i.8xlarge,c7a.4xlarge,c7a.8xlarge,m5.4xlarge,m5.8xlarge,m5a.4xlarge,m5a.8xlarge,\
                     m6i.4xlarge,m6i.8xlarge,m6a.4xlarge,m6a.8xlarge,m7i.4xlarge,m7i.8xlarge,m7a.4xlarge,m7a.8xlarge";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Aws {
    #[command(flatten)]
    machine: MachineArguments,
    /// Region, such as us-east-2
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: String,
    /// Subnets from which the scanner and HTTPS are reached, one for each zone
    #[arg(long, value_name = "SUBNETS", value_delimiter = ',', required = true, value_parser = subnet)]
    subnets: Vec<String>,
    /// Cores (vCPUs) that are asked for at first
    #[arg(long, value_name = "N", value_parser = from_one::<NonZeroU32>)]
    cores: NonZeroU32,
    /// Types of machines, of the program's architecture; the more, the more likely there are some
    #[arg(long, value_name = "TYPES", value_delimiter = ',', default_value = TYPES, hide_default_value = true)]
    types: Vec<String>,
    /// Image with cloud-init and systemd in which the program runs: its number, ami-..., or the parameter of AWS's
    /// Systems Manager that has it
    #[arg(
        long,
        value_name = "IMAGE",
        default_value = "/aws/service/debian/release/12/latest/amd64",
        value_parser = image
    )]
    image: String,
    /// Replace machines that AWS takes away, and keep them until the end, with a scan or without [default: one that
    /// is taken away is not replaced, and one without a scan for 600 s goes]
    #[arg(long)]
    maintain: bool,
}

impl Aws {
    pub(super) fn write(&self) -> Result<u8, Failure> {
        let url = &self.machine.transport;
        check_place(url, false)?;
        let sealed = url.starts_with("zmqs") || url.starts_with("amqp");
        let scanner = transport::address(url).filter(|_| sealed).ok_or_else(|| {
            bad_input(anyhow!(
                "give zmqs://HOST:PORT or amqps://USER@HOST/VHOST: what travels to a cloud is sealed"
            ))
        })?;
        // Whoever goes is replaced there: going would only be coming again.
        let give_up = (!self.maintain).then_some(GIVE_UP);
        let fleet = Fleet {
            machine: self.machine.read(give_up)?,
            region: self.region.clone(),
            subnets: self.subnets.clone(),
            types: self.types.clone(),
            image: self.image.clone(),
            cores: self.cores,
            maintain: self.maintain,
            scanner,
        };
        fleet.check().map_err(bad_input)?;
        let folder = self.machine.out.join(&fleet.machine.name);
        let files = fleet.files();
        check_untouched(&folder, &files)?;
        for (name, text) in files {
            let path = write_file(&folder, name, &text)?;
            if name.ends_with(".sh") {
                std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755))
                    .with_context(|| format!("cannot make {} a program", path.display()))
                    .map_err(failed)?;
            }
        }
        let script = pasted(&folder.join("fleet.sh"));
        print(&format!(
            "wrote {}/; start the machines with\n\n    {script} start KEYS\n\nKEYS is the folder of the workers' \
             keys{}; {script} end ends them all",
            folder.display(),
            match url.starts_with("amqp") {
                true => ", with the broker's password in a file amqp-password",
                false => "",
            }
        ))?;
        Ok(0)
    }
}

/// That no file would be lost which somebody has changed: they are theirs.
fn check_untouched(folder: &Path, files: &[(&str, String)]) -> Result<(), Failure> {
    for (name, text) in files {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(there) if there != text.as_bytes() => {
                return Err(bad_input(anyhow!(
                    "{0} is there and differs from what would be written, so nothing is: it may be changed by hand, or \
                     of other options. Move {1} away, or give another --name or --out",
                    path.display(),
                    folder.display()
                )));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let told = format!("cannot read {}", path.display());
                return Err(failed(anyhow::Error::new(error).context(told)));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Regions of China and of the government are partitions of their own, with other names for everything.
fn region(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let has_parts = text.split('-').count() >= 3;
    let is_apart = ["cn-", "us-gov-", "us-iso"]
        .iter()
        .any(|apart| text.starts_with(apart));
    match has_parts && !is_apart && text.chars().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err("write a region of AWS's common partition, such as us-east-2".to_owned()),
    }
}

fn subnet(text: &str) -> Result<String, String> {
    match text.starts_with("subnet-") {
        true => plain(text),
        false => Err("write subnets as subnet-0a1b2c3d,subnet-1a2b3c4d".to_owned()),
    }
}

fn image(text: &str) -> Result<String, String> {
    match text.starts_with("ami-") || text.starts_with('/') {
        true => plain(text),
        false => Err("write ami-..., or the name of a parameter, /aws/service/...".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_is_named_and_stays() {
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().join("d aws'$(id)");
        let files = [("fleet.sh", "a".to_owned()), ("fleet.json", "b".to_owned())];
        assert!(check_untouched(&folder, &files).is_ok());
        for (name, text) in &files {
            write_file(&folder, name, text).unwrap();
        }
        assert!(check_untouched(&folder, &files).is_ok());
        let changed = write_file(&folder, "fleet.json", "mine").unwrap();
        let told = check_untouched(&folder, &files)
            .unwrap_err()
            .error
            .to_string();
        assert!(told.contains(&changed.display().to_string()), "{told}");
        assert_eq!(
            shlex::split(&pasted(&changed)),
            Some(vec![changed.display().to_string()])
        );
    }
}
