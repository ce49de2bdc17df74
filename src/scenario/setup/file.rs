//! Scenario files: TOML, checked, with a source for every number, into points.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::change::{self, Change};
use super::sources::take_sources;
use super::{
    Clock, Faults, Fleet, HubSetup, Messages, NetworkSetup, Prices, Setup, TransportSetup, Workload,
};
use crate::scan::StragglerPolicy;

/// A scenario that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Name, which is also that of the report's folder.
    pub name: String,
    /// Question that its report answers.
    pub question: String,
    /// What a reader of its figures must know.
    pub remarks: Vec<String>,
    /// Clock of all its points.
    pub clock: Clock,
    /// Seed of the first repeat; each repeat has the next one.
    pub seed: u64,
    /// Whether this is the shrunk form, whose figures say nothing of the size that was asked about.
    pub is_quick: bool,
    /// Whether something was set that its file does not say.
    pub is_changed: bool,
    /// Whether the first repeats of all points come before any second one, so that what changes on the machine
    /// meanwhile changes all points alike.
    pub interleaved: bool,
    /// Where each number comes from, by its path in the file.
    pub sources: BTreeMap<String, String>,
    /// Every point in order, scaled in time.
    pub points: Vec<PlannedPoint>,
}

/// A point that is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedPoint {
    /// Name of its variant; empty without variants.
    pub variant: String,
    /// How often it is run.
    pub repeats: usize,
    /// What is set.
    pub setup: Setup,
}

/// Why a scenario cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// It is not TOML.
    #[error("not TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// It is not a scenario.
    #[error("{variant}{reason}")]
    Senseless {
        /// The variant that makes no sense, with a colon; empty if none does.
        variant: String,
        /// The key, and what is allowed.
        reason: String,
    },
}

/// The file as written, with one variant put in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    question: String,
    #[serde(default)]
    remarks: Vec<String>,
    seed: u64,
    #[serde(default = "once")]
    repeats: usize,
    #[serde(default)]
    interleaved: bool,
    #[serde(default = "real_time")]
    time_scale: f64,
    #[serde(default)]
    clock: Clock,
    #[serde(default)]
    sweep: Sweep,
    workload: Workload,
    messages: Messages,
    transport: TransportSetup,
    #[serde(default)]
    hub: HubSetup,
    fleet: Fleet,
    #[serde(default)]
    policy: StragglerPolicy,
    #[serde(default)]
    faults: Faults,
    #[serde(default)]
    network: NetworkSetup,
    price: Option<Prices>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    #[serde(default)]
    workers: Vec<usize>,
}

fn once() -> usize {
    1
}

fn real_time() -> f64 {
    1.0
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// If it is no TOML, a number has no source, a key is unknown or its value makes no sense.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        Self::parse_changed(text, &[])
    }

    /// Reads a scenario with some of its values changed, in all of its variants.
    ///
    /// # Errors
    /// The same, and if there is nothing that a change could change.
    pub fn parse_changed(text: &str, changes: &[Change]) -> Result<Self, ScenarioError> {
        let mut base: Table = text.parse()?;
        let mut sources = take_sources(&mut base).map_err(|reason| senseless("", reason))?;
        for change in changes {
            sources.insert(change.path(), change::SOURCE.to_owned());
        }
        let variants = take_variants(&mut base).map_err(|reason| senseless("", reason))?;
        let mut scenario: Option<Self> = None;
        for (variant, differences) in variants {
            let mut merged = base.clone();
            merge(&mut merged, differences);
            for change in changes {
                let put = change.put_into(&mut merged);
                put.map_err(|reason| senseless(&variant, reason))?;
            }
            let file: File =
                Value::Table(merged)
                    .try_into()
                    .map_err(|error: toml::de::Error| {
                        senseless(&variant, error.message().to_owned() + &place_of(&error))
                    })?;
            let points = file
                .points(&variant)
                .map_err(|reason| senseless(&variant, reason))?;
            match &mut scenario {
                Some(scenario) if scenario.clock != file.clock => {
                    let reason = "all variants of a scenario share a clock".to_owned();
                    return Err(senseless(&variant, reason));
                }
                Some(scenario) => scenario.points.extend(points),
                None => {
                    scenario = Some(Self {
                        name: file.name,
                        question: file.question,
                        remarks: file.remarks,
                        is_changed: !changes.is_empty(),
                        interleaved: file.interleaved,
                        clock: file.clock,
                        seed: file.seed,
                        is_quick: false,
                        sources: sources.clone(),
                        points,
                    });
                }
            }
        }
        let nothing = || senseless("", "variant = [] leaves nothing to replay".to_owned());
        let mut scenario = scenario.ok_or_else(nothing)?;
        if !changes.is_empty() {
            let shown: Vec<String> = changes.iter().map(Change::shown).collect();
            let remark = format!("Set on the command line: {}.", shown.join(", "));
            scenario.remarks.push(remark);
        }
        Ok(scenario)
    }
}

impl File {
    fn points(&self, variant: &str) -> Result<Vec<PlannedPoint>, String> {
        // Reports go into a folder of this name.
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !self.name.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !self.name.chars().all(is_name)
        {
            return Err(format!(
                "name = {:?} is not of letters, digits, dots, - and _ alone",
                self.name
            ));
        }
        if self.repeats == 0 {
            return Err("repeats = 0 is not at least 1".to_owned());
        }
        if !(self.time_scale > 0.0 && self.time_scale <= 1.0) {
            return Err(format!(
                "time_scale = {} is not above 0 and at most 1",
                self.time_scale
            ));
        }
        let swept: &[usize] = match self.sweep.workers.as_slice() {
            [] => &[self.fleet.workers],
            workers => workers,
        };
        let point = |&workers: &usize| {
            let setup = Setup {
                clock: self.clock,
                workload: self.workload.clone(),
                messages: self.messages.clone(),
                transport: self.transport.clone(),
                hub: self.hub.clone(),
                fleet: Fleet {
                    workers,
                    ..self.fleet.clone()
                },
                policy: self.policy,
                faults: self.faults.clone(),
                network: self.network.clone(),
                price: self.price,
                time_scale: 1.0,
            };
            setup.check()?;
            Ok(PlannedPoint {
                variant: variant.to_owned(),
                repeats: self.repeats,
                setup: setup.scaled(self.time_scale),
            })
        };
        swept.iter().map(point).collect()
    }
}

fn senseless(variant: &str, reason: String) -> ScenarioError {
    let variant = match variant {
        "" => String::new(),
        name => format!("variant {name:?}: "),
    };
    ScenarioError::Senseless { variant, reason }
}

/// The path that an error of the TOML crate tells on a second line.
fn place_of(error: &toml::de::Error) -> String {
    let text = error.to_string();
    match text.trim().rsplit_once("in `") {
        Some((_, path)) => format!(" in {}", path.trim_end_matches(['`', '\n'])),
        None => String::new(),
    }
}

/// The `[[variant]]` tables by name; without any, one that changes nothing.
fn take_variants(base: &mut Table) -> Result<Vec<(String, Table)>, String> {
    let Some(variants) = base.remove("variant") else {
        return Ok(vec![(String::new(), Table::new())]);
    };
    let Value::Array(variants) = variants else {
        return Err("write variants as [[variant]]".to_owned());
    };
    let named = |variant: Value| match variant {
        Value::Table(mut table) => match table.remove("name") {
            Some(Value::String(name)) if !name.is_empty() => Ok((name, table)),
            _ => Err("every [[variant]] needs a name".to_owned()),
        },
        _ => Err("write variants as [[variant]]".to_owned()),
    };
    variants.into_iter().map(named).collect()
}

/// Puts the changes of a variant in: tables key by key, everything else as a whole.
fn merge(base: &mut Table, changes: Table) {
    for (key, change) in changes {
        match (base.get_mut(&key), change) {
            (Some(Value::Table(inner)), Value::Table(changes)) => merge(inner, changes),
            (_, change) => {
                base.insert(key, change);
            }
        }
    }
}

#[cfg(test)]
mod tests;
