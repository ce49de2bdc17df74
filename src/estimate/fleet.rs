//! Fleets that a scan may run on: each is a scenario that `skyscan replay` could run as well.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::range::Range;
use super::work::{End, Work};
use crate::scenario::results::{Point, Report, Run};
use crate::scenario::setup::file::{Scenario, ScenarioError};

/// The profiles that ship: name, tables of a scenario.
const SHIPPED: [(&str, &str); 4] = [
    ("cluster", include_str!("profiles/cluster.toml")),
    ("aws", include_str!("profiles/aws.toml")),
    ("google", include_str!("profiles/google.toml")),
    ("azure", include_str!("profiles/azure.toml")),
];
/// The machine at hand.
pub const HERE: &str = "here";
/// Sizes of fleets, in cores, unless others are asked for.
pub const USUAL_CORES: [usize; 4] = [16, 64, 256, 1024];
/// Largest file of a profile, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Stands for the time that it takes to prepare the event.
const PREPARED: &str = "PREPARED";
/// Each end of the intervals is run so often, with other draws.
const REPEATS: usize = 2;

/// A kind of machines: when they come, what they cost, how often they are taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Tables of a scenario, all but the work.
    tables: String,
    /// Cores of a machine.
    cores: usize,
}

/// Why there is no such profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Nothing of this name.
    #[error(
        "no profile {0:?}: there is here, cluster, aws, google and azure, or name a file that ends in .toml"
    )]
    Unknown(String),
    /// A file that cannot be read.
    #[error("cannot read the profile {0}")]
    Unreadable(String, #[source] std::io::Error),
    /// No table of a fleet.
    #[error("the profile {0} is no TOML with a table [fleet]: {1}")]
    Malformed(String, String),
    /// More than a profile ever has.
    #[error("the profile {0} has more than {MOST_BYTES} bytes")]
    Large(String),
    /// Rows and files would have one name.
    #[error("two profiles are named {0}: give the file of one another name")]
    Ambiguous(String),
}

impl Profile {
    /// This machine, of so many cores, and those that ship.
    ///
    /// # Errors
    /// None of them is wrong.
    pub fn usual(cores: usize) -> Result<Vec<Self>, ProfileError> {
        let names = std::iter::once(HERE).chain(SHIPPED.iter().map(|(name, _)| *name));
        names.map(|name| Self::find(name, cores)).collect()
    }

    /// The profiles of these names or files, each once; `cores` are those of the machine at hand.
    ///
    /// # Errors
    /// If one is none, or two that differ have one name.
    pub fn choose(names: &[String], cores: usize) -> Result<Vec<Self>, ProfileError> {
        let mut chosen: Vec<Self> = Vec::new();
        for name in names {
            let profile = Self::find(name, cores)?;
            match chosen.iter().find(|other| other.name == profile.name) {
                None => chosen.push(profile),
                Some(other) if *other == profile => {}
                Some(_) => return Err(ProfileError::Ambiguous(profile.name)),
            }
        }
        Ok(chosen)
    }

    /// The profile of a name, or of a file; `cores` are those of the machine at hand.
    ///
    /// # Errors
    /// If there is none, or it is none.
    pub fn find(name: &str, cores: usize) -> Result<Self, ProfileError> {
        if name == HERE {
            return Ok(Self::here(cores));
        }
        if let Some((name, tables)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            return Self::of(name, tables);
        }
        let path = Path::new(name);
        if path.extension().is_none_or(|extension| extension != "toml") {
            return Err(ProfileError::Unknown(name.to_owned()));
        }
        let unreadable = |error| ProfileError::Unreadable(name.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        let mut bounded = file.take(MOST_BYTES + 1);
        bounded.read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(ProfileError::Large(name.to_owned()));
        }
        let tables = String::from_utf8(bytes)
            .map_err(|error| ProfileError::Malformed(name.to_owned(), error.to_string()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::of(&stem, &tables)
    }

    /// The machine at hand: it is there, costs nothing, and prepares the event before the first pixel.
    fn here(cores: usize) -> Self {
        Self {
            name: HERE.to_owned(),
            tables: format!(
                "[transport]\nkind = \"memory\"\n\n[fleet]\nworkers = 1\nslots = {cores}\n\
                 boot_s = {PREPARED}\nramp = {{ kind = \"linear\", workers_per_s = 1 }}\nsource = \"this machine\"\n"
            ),
            cores,
        }
    }

    fn of(name: &str, tables: &str) -> Result<Self, ProfileError> {
        let wrong = |reason: String| ProfileError::Malformed(name.to_owned(), reason);
        let table: toml::Table = tables
            .parse()
            .map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let fleet = table.get("fleet").and_then(toml::Value::as_table);
        let fleet = fleet.ok_or_else(|| wrong("it has none".to_owned()))?;
        let cores = fleet.get("slots").and_then(toml::Value::as_integer);
        Ok(Self {
            name: name.to_owned(),
            tables: tables.to_owned(),
            cores: cores
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(1)
                .max(1),
        })
    }

    /// The scenario of a scan on fleets of so many cores, in TOML. Machines come whole.
    pub fn scenario(
        &self,
        work: &Work,
        cores: &[usize],
        payload_bytes: usize,
        event: &str,
    ) -> String {
        let mut machines: Vec<usize> = match self.name == HERE {
            true => vec![1],
            false => cores.iter().map(|n| n.div_ceil(self.cores)).collect(),
        };
        machines.sort_unstable();
        machines.dedup();
        let mut text = format!(
            "name = \"{}\"\nquestion = \"What does a scan of {event} take?\"\nclock = \"virtual\"\nseed = 1\n\
             repeats = {REPEATS}\nsource = \"skyscan estimate\"\n\n",
            self.name
        );
        let prepared = format!("{:.6}", work.prepare_seconds);
        text += self.tables.trim_end().replace(PREPARED, &prepared).as_str();
        text += "\n\n[messages]\nevent = \"by_ref\"\n";
        // What goes to a string cannot fail.
        let _ = write!(
            text,
            "payload_bytes = {payload_bytes}\nsource = \"the packed event\"\n\n\
             [sweep]\nworkers = {machines:?}\nsource = \"asked for\"\n\n\
             [workload]\nadaptive_tasks = true\n{}source = \"{} pixels fitted by skyscan estimate\"\n",
            workload(work, End::Expected),
            work.n_fitted,
        );
        for (name, end) in VARIANTS {
            let _ = write!(text, "\n[[variant]]\nname = \"{name}\"\n");
            if end != End::Expected {
                let one_line = workload(work, end).trim_end().replace('\n', ", ");
                let _ = write!(
                    text,
                    "workload = {{ {one_line} }}\nsource = \"end of the 90 % interval\"\n"
                );
            }
        }
        text
    }

    /// The same, understood.
    ///
    /// # Errors
    /// If a profile of one's own makes no scenario.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse(text)
    }
}

const VARIANTS: [(&str, End); 3] = [
    ("expected", End::Expected),
    ("less", End::Low),
    ("more", End::High),
];

fn workload(work: &Work, end: End) -> String {
    let service = work.service(end);
    let law = match service.sigma {
        Some(sigma) => format!("law = \"lognormal\", sigma = {sigma:.4}"),
        None => "law = \"constant\"".to_owned(),
    };
    format!(
        "waves = {:?}\nservice = {{ {law}, mean_s = {:.6}, cap_s = {:.6} }}\n",
        work.waves(end),
        service.mean_s.max(1e-6),
        service.cap_s.unwrap_or(f64::MAX),
    )
}

/// What a scan takes on a fleet. Times are since the fleet was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fleet {
    /// Profile of its machines.
    pub profile: String,
    /// Cores that come.
    pub cores: usize,
    /// Machines that come.
    pub machines: usize,
    /// When half of the pixels have their results, in seconds.
    pub t50_s: Range,
    /// When 90 % of them have.
    pub t90_s: Range,
    /// When all of them have.
    pub t100_s: Range,
    /// Core hours that are paid for.
    pub core_hours: Range,
    /// Dollars, for machines, hub and transfer; absent where nothing is paid.
    pub dollars: Option<Range>,
    /// Whether all runs of it were complete.
    pub complete: bool,
}

/// A fleet that was not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingFleet {
    /// Profile of its machines.
    pub profile: String,
    /// Cores that would have come.
    pub cores: usize,
    /// Machines that would have come.
    pub machines: usize,
}

/// The fleets of a report that were run to their end, at each end of the intervals.
pub fn fleets(report: &Report) -> Vec<Fleet> {
    let expected = |point: &&Point| point.variant == VARIANTS[0].0;
    let points = report.points.iter().filter(expected);
    points.filter_map(|point| fleet(report, point)).collect()
}

/// The fleets of a scenario that are not among those that were run.
pub fn missing(scenario: &Scenario, run: &[Fleet]) -> Vec<MissingFleet> {
    let all = (scenario.points.iter()).filter(|point| point.variant == VARIANTS[0].0);
    all.map(|point| MissingFleet {
        profile: scenario.name.clone(),
        cores: point.setup.n_slots(),
        machines: point.setup.fleet.workers,
    })
    .filter(|fleet| !run.iter().any(|other| other.machines == fleet.machines))
    .collect()
}

fn fleet(report: &Report, point: &Point) -> Option<Fleet> {
    let same = |other: &&Point| other.setup.fleet.workers == point.setup.fleet.workers;
    let all: Vec<&Run> = report
        .points
        .iter()
        .filter(same)
        .flat_map(|point| &point.runs)
        .collect();
    if all.len() < REPEATS * VARIANTS.len() || all.iter().any(|run| run.void.is_some()) {
        return None;
    }
    let range = |of: &dyn Fn(&Run) -> f64| {
        let n = point.runs.len().max(1) as f64;
        Range {
            expected: point.runs.iter().map(of).sum::<f64>() / n,
            low: all.iter().map(|run| of(run)).fold(f64::INFINITY, f64::min),
            high: all.iter().map(|run| of(run)).fold(0.0, f64::max),
        }
    };
    let is_paid = all.iter().all(|run| run.account.dollars.is_some());
    Some(Fleet {
        profile: report.scenario.clone(),
        cores: point.workers,
        machines: point.setup.fleet.workers,
        t50_s: range(&|run| run.t50_s),
        t90_s: range(&|run| run.t90_s),
        t100_s: range(&|run| run.makespan_s),
        core_hours: range(&|run| run.account.core_hours.map_or(0.0, |hours| hours.billed)),
        dollars: is_paid
            .then(|| range(&|run| run.account.dollars.as_ref().map_or(0.0, |d| d.total))),
        complete: all.iter().all(|run| run.complete),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::work::tests::work;
    use crate::sky::Nside;

    #[test]
    fn every_profile_is_a_scenario_with_a_source_for_each_number() {
        let profiles = Profile::usual(2).unwrap();
        assert_eq!(profiles.len(), 1 + SHIPPED.len());
        for profile in profiles {
            let text = profile.scenario(&work(), &[16, 40], 20_000, "an event");
            let scenario = Profile::parse(&text).unwrap();
            let slots: Vec<usize> = scenario
                .points
                .iter()
                .map(|point| point.setup.n_slots())
                .collect();
            let sizes = match profile.name.as_str() {
                HERE => vec![2],
                "cluster" => vec![16, 40],
                _ => vec![16, 48],
            };
            assert_eq!(slots, sizes.repeat(VARIANTS.len()), "{}", profile.name);
            let is_paid = scenario
                .points
                .iter()
                .all(|point| point.setup.price.is_some());
            assert_eq!(is_paid, !["here", "cluster"].contains(&&*profile.name));
            assert_eq!(scenario.points[0].setup.workload.waves, [192, 100]);
        }
    }
    #[test]
    fn each_profile_is_there_once_and_within_bounds() {
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Profile::choose(&names, 2)
        };
        assert_eq!(chosen(&["aws", "here", "aws"]).unwrap().len(), 2);
        let folder = std::env::temp_dir().join(format!("skyscan-profiles-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, tables, told) in [
            ("aws.toml", "[fleet]\nslots = 1".to_owned(), "another name"),
            ("big.toml", " ".repeat((1 << 20) + 1), "1048576 bytes"),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, tables).unwrap();
            let error = chosen(&["aws", path.to_str().unwrap()]).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn fleets_without_all_of_their_runs_are_missing() {
        let text = Profile::find("aws", 2)
            .unwrap()
            .scenario(&work(), &[16, 16, 40], 20_000, "x");
        let scenario = Profile::parse(&text).unwrap();
        let missing = missing(&scenario, &[]);
        let told: Vec<(usize, usize)> = (missing.iter())
            .map(|fleet| (fleet.cores, fleet.machines))
            .collect();
        assert_eq!(told, [(16, 1), (48, 3)]);
    }

    #[test]
    fn what_stands_for_the_work_tells_whether_a_profile_makes_sense() {
        let aws = SHIPPED[1].1;
        let stand_in = Work::stand_in(&[Nside::try_from(4).unwrap()]);
        for (from, to, told) in [
            (
                "boot_s = 120",
                "boot_s = 1e12",
                "fleet.boot_s = 1000000000000 is not from 0 to 86400",
            ),
            (
                "rtt_s = 0.0008",
                "rtt_s = 1e6",
                "rtt_s of zone \"the region\" = 1000000 is not from 0 to 60",
            ),
            (
                "per_min = 0.0000012",
                "per_min = 50",
                "fleet.boot_s = 120 is longer than a worker lives, 1.2 s",
            ),
            (
                "per_min = 0.0000012",
                "per_min = 0.9",
                "longer than a worker lives",
            ),
            (
                "workers_per_s = 1.39",
                "workers_per_s = 1e-9",
                "fleet.ramp.workers_per_s",
            ),
        ] {
            assert!(aws.contains(from), "{from}");
            let profile = Profile::of("mine", &aws.replacen(from, to, 1)).unwrap();
            let text = profile.scenario(&stand_in, &[16], 20_000, "an event");
            let error = Profile::parse(&text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
