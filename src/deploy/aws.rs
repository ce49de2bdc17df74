//! Spot machines of AWS: the requests that are made, as files, and a script that makes them.
//!
//! The machines' role may read one secret, with the workers' keys; nobody may come to them; they end by
//! themselves.

mod requests;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::template::{fill, quoted};
use super::{DeployError, Machine, SecretSource, plain_text};

/// Overrides that a fleet may have: types of machines in subnets.
const MOST_OVERRIDES: usize = 300;

/// Machines that come and go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// What each of them is, but for its secrets, which come from AWS's Secrets Manager.
    pub machine: Machine,
    /// Region that all is in.
    pub region: String,
    /// Subnets, one for each zone.
    pub subnets: Vec<String>,
    /// Types of machines, such as `c7a.4xlarge`.
    pub types: Vec<String>,
    /// Image: its number, or the parameter of AWS's Systems Manager that has it.
    pub image: String,
    /// Cores that are asked for at first.
    pub cores: NonZeroU32,
    /// Whether machines that are gone are replaced.
    pub maintain: bool,
    /// Host and port of the scanner, or of the broker.
    pub scanner: String,
}

impl Fleet {
    /// Checks what people give.
    ///
    /// # Errors
    /// If something cannot be written into the files, or AWS would refuse it.
    pub fn check(&self) -> Result<(), DeployError> {
        self.machine.check()?;
        let texts = [&self.region, &self.image, &self.scanner];
        let mut texts = texts.into_iter().chain(&self.subnets);
        texts.try_for_each(|text| plain_text(text))?;
        for name in &self.types {
            requests::cores(name).ok_or_else(|| DeployError::MachineType(name.clone()))?;
        }
        for names in [&self.types, &self.subnets] {
            // AWS takes a pool, a type of machines in a subnet, once only.
            let mut seen = BTreeSet::new();
            if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
                return Err(DeployError::Twice(twice.clone()));
            }
        }
        match self.types.len() * self.subnets.len() {
            n if n > MOST_OVERRIDES => Err(DeployError::Overrides(n)),
            _ => Ok(()),
        }
    }

    /// The files, by their names.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let mut files = vec![
            ("fleet.sh", self.script()),
            ("user-data.yaml", self.user_data()),
        ];
        files.extend(requests::all(self));
        files
    }

    /// The secret is fetched by a script, with what the machine's role gives.
    fn user_data(&self) -> String {
        let script = fill(
            include_str!("aws/secret.py"),
            &[("REGION", self.region.clone()), ("SECRET", self.secret())],
        );
        let machine = Machine {
            secrets: Some(SecretSource::Script(script)),
            ..self.machine.clone()
        };
        machine.user_data()
    }

    fn script(&self) -> String {
        fill(
            include_str!("aws/fleet.sh"),
            &[
                ("NAME", self.machine.name.clone()),
                ("REGION", quoted(&self.region)),
                ("HOURS", self.machine.hours.to_string()),
                ("CORES", self.cores.to_string()),
                ("IMAGE", quoted(&self.image)),
                (
                    "SUBNET",
                    quoted(self.subnets.first().map_or("", String::as_str)),
                ),
            ],
        )
    }

    fn secret(&self) -> String {
        format!("{}-keys", self.machine.name)
    }
}

#[cfg(test)]
mod tests;
