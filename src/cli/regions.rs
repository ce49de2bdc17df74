//! Arguments that say how regions are made.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::input::warn;
use super::{Failure, bad_input};
use crate::sky::region::{Coverage, LARGEST_COVERAGE, RegionMethod};

/// The coverage file that ships with this version, if one does.
const SHIPPED: Option<&[u8]> = None;

/// How regions are made.
#[derive(Debug, clap::Args)]
pub(super) struct RegionArguments {
    /// What the levels of the 50 % and the 90 % region stand on. wilks: Wilks' theorem, 2 dllh of 1.39 and
    /// 4.61; calibrated: 2 dllh of 22.2 and 64.2, simulated for IceCube's IC160427A with varied ice;
    /// posterior: the smallest region with that share of exp(-llh); coverage=FILE: levels and a floor
    /// that held the source of simulated events (docs/validation.md) [default: wilks]
    #[arg(long, value_name = "METHOD", value_parser = choice)]
    regions: Option<Choice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Wilks,
    Calibrated,
    Posterior,
    Coverage(Option<PathBuf>),
}

fn choice(text: &str) -> Result<Choice, String> {
    match text.split_once('=') {
        None => match text {
            "wilks" => Ok(Choice::Wilks),
            "calibrated" => Ok(Choice::Calibrated),
            "posterior" => Ok(Choice::Posterior),
            "coverage" if SHIPPED.is_none() => {
                Err("no coverage file ships with this version: give coverage=FILE".to_owned())
            }
            "coverage" => Ok(Choice::Coverage(None)),
            _ => Err("write wilks, calibrated, posterior or coverage=FILE".to_owned()),
        },
        Some(("coverage", file)) if !file.is_empty() => Ok(Choice::Coverage(Some(file.into()))),
        Some(_) => Err("only coverage=FILE has a file".to_owned()),
    }
}

/// What was asked for, with its file.
#[derive(Clone, Debug)]
pub(super) enum Regions {
    /// The same for every event.
    Same(RegionMethod),
    /// Levels by reconstruction and hit DOMs.
    Coverage(Coverage),
    /// Nobody asked: from the file that ships if it knows the reconstruction and the detector.
    Usual(Option<Coverage>),
}

impl RegionArguments {
    /// Reads the file, if there is one.
    pub(super) fn read(&self) -> Result<Regions, Failure> {
        let shipped = || {
            SHIPPED
                .map(Coverage::from_json)
                .transpose()
                .map_err(bad_input)
        };
        Ok(match &self.regions {
            None => Regions::Usual(shipped()?),
            Some(Choice::Wilks) => Regions::Same(RegionMethod::Wilks),
            Some(Choice::Calibrated) => Regions::Same(RegionMethod::Calibrated),
            Some(Choice::Posterior) => Regions::Same(RegionMethod::Posterior),
            Some(Choice::Coverage(Some(path))) => Regions::Coverage(read(path)?),
            Some(Choice::Coverage(None)) => {
                Regions::Coverage(shipped()?.ok_or_else(|| bad_input(anyhow!("no file ships")))?)
            }
        })
    }
}

fn read(path: &Path) -> Result<Coverage, Failure> {
    let read = || -> anyhow::Result<Coverage> {
        let mut text = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(LARGEST_COVERAGE + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST_COVERAGE {
            return Err(anyhow!("it has more than {LARGEST_COVERAGE} bytes"));
        }
        Ok(Coverage::from_json(&text)?)
    };
    read()
        .with_context(|| format!("cannot use {}", path.display()))
        .map_err(bad_input)
}

impl Regions {
    /// The method for one event; names may be empty where they are unknown.
    pub(super) fn of_event(
        &self,
        reco: &str,
        detector: &str,
        hit_doms: Option<usize>,
    ) -> Result<RegionMethod, Failure> {
        let levels = match self {
            Self::Same(method) => return Ok(method.clone()),
            Self::Usual(shipped) => {
                let levels = shipped
                    .as_ref()
                    .filter(|coverage| detector.is_empty() || coverage.table().detector == detector)
                    .and_then(|coverage| coverage.levels(reco, hit_doms).ok());
                match levels {
                    Some(levels) => levels,
                    None => return Ok(RegionMethod::Wilks),
                }
            }
            Self::Coverage(coverage) => {
                let theirs = &coverage.table().detector;
                if !detector.is_empty() && theirs != detector {
                    warn(&format!(
                        "the levels were found for {theirs}, the event is of {detector}"
                    ));
                }
                coverage.levels(reco, hit_doms).map_err(bad_input)?
            }
        };
        Ok(RegionMethod::Coverage(Arc::new(levels)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_chosen_by_name() {
        assert_eq!(choice("posterior"), Ok(Choice::Posterior));
        let file = Some(PathBuf::from("levels=1.json"));
        assert_eq!(choice("coverage=levels=1.json"), Ok(Choice::Coverage(file)));
        for wrong in ["", "wilk", "wilks=file", "coverage="] {
            assert!(choice(wrong).is_err(), "{wrong}");
        }
    }
}
