//! Arguments that say how regions are made.
//!
//! Decision: Levels come from simulated events (`docs/decisions.md`).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::{Failure, bad_input};
use crate::scan::NUMERICS;
use crate::sky::region::{CONTAINMENTS, Coverage, LARGEST_COVERAGE, RegionChoice, RegionMethod};

/// The coverage file that ships with this version: what held the source of simulated events (`docs/validation.md`).
const SHIPPED: &[u8] = include_bytes!("../../detectors/icecube86-coverage.json");

/// How regions are made.
#[derive(Debug, clap::Args)]
pub(super) struct MethodArguments {
    /// What the levels of the regions stand on. coverage: levels and a floor that held the source of simulated
    /// events (docs/validation.md); coverage=FILE: those of a study of your own; wilks: Wilks' theorem, 2 dllh of
    /// 1.39 for 50 %, 4.61 for 90 %; calibrated: 2 dllh of 22.2 and 64.2, simulated for IceCube's IC160427A with
    /// varied ice, 50 and 90 % only; posterior: the smallest region with that share of exp(-llh) [default:
    /// coverage for photon-mpe and IceCube-86, else wilks]
    #[arg(long, value_name = "METHOD", value_parser = choice)]
    regions: Option<Choice>,
}

/// Which regions are made, and how.
#[derive(Debug, clap::Args)]
pub(super) struct RegionArguments {
    #[command(flatten)]
    method: MethodArguments,
    /// Regions that hold these shares of the probability, in percent; a scan makes room for those above
    /// 90 %, and the region of a map that has no such room is open
    #[arg(
        long,
        value_name = "PERCENT,...",
        value_delimiter = ',',
        default_value = "50,90"
    )]
    levels: Vec<f64>,
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
            "coverage" => Ok(Choice::Coverage(None)),
            _ => Err("write coverage, coverage=FILE, wilks, calibrated or posterior".to_owned()),
        },
        Some(("coverage", file)) if !file.is_empty() => Ok(Choice::Coverage(Some(file.into()))),
        Some(_) => Err("only coverage=FILE has a file".to_owned()),
    }
}

/// What was asked for, with its file.
#[derive(Clone, Debug)]
pub(super) struct Regions {
    made: Made,
    /// Of the probability, between 0 and 1.
    shares: Vec<f64>,
}

#[derive(Clone, Debug)]
enum Made {
    /// The same for every event.
    Same(RegionMethod),
    /// Levels by reconstruction and hit DOMs.
    Coverage(Coverage),
    /// Nobody asked: from the file that ships if it knows the reconstruction and the detector.
    Usual(Coverage),
}

impl MethodArguments {
    /// The 50 % and the 90 % region; reads the file, if there is one.
    pub(super) fn read(&self) -> Result<Regions, Failure> {
        let shipped = || Coverage::from_json(SHIPPED).map_err(bad_input);
        let made = match &self.regions {
            None => Made::Usual(shipped()?),
            Some(Choice::Wilks) => Made::Same(RegionMethod::Wilks),
            Some(Choice::Calibrated) => Made::Same(RegionMethod::Calibrated),
            Some(Choice::Posterior) => Made::Same(RegionMethod::Posterior),
            Some(Choice::Coverage(Some(path))) => Made::Coverage(read(path)?),
            Some(Choice::Coverage(None)) => Made::Coverage(shipped()?),
        };
        Ok(Regions {
            made,
            shares: CONTAINMENTS.to_vec(),
        })
    }
}

impl RegionArguments {
    /// Reads the file, if there is one; what no event can have is told before one is read.
    pub(super) fn read(&self) -> Result<Regions, Failure> {
        let shares: Vec<f64> = self.levels.iter().map(|percent| percent / 100.0).collect();
        let made = self.method.read()?.made;
        let method = match &made {
            Made::Same(method) => method.clone(),
            Made::Coverage(_) | Made::Usual(_) => RegionMethod::Wilks,
        };
        RegionChoice::new(method, shares.clone()).map_err(bad_input)?;
        Ok(Regions { made, shares })
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
    /// The regions for one event; names may be empty where they are unknown.
    pub(super) fn of_event(
        &self,
        reco: &str,
        detector: &str,
        hit_doms: Option<usize>,
    ) -> Result<RegionChoice, Failure> {
        self.warn_of_levels(detector);
        let method = self.method(reco, detector, hit_doms)?;
        if matches!(method, RegionMethod::Coverage(_)) && hit_doms.is_none() {
            tracing::warn!("how many DOMs saw light is not known: the widest levels are taken");
        }
        RegionChoice::new(method, self.shares.clone()).map_err(bad_input)
    }

    /// The method for one event.
    pub(super) fn method(
        &self,
        reco: &str,
        detector: &str,
        hit_doms: Option<usize>,
    ) -> Result<RegionMethod, Failure> {
        let levels = match &self.made {
            Made::Same(method) => return Ok(method.clone()),
            Made::Usual(shipped) => {
                let is_known = detector.is_empty() || shipped.table().detector == detector;
                match shipped.levels(reco, hit_doms) {
                    Ok(levels) if is_known => levels,
                    Ok(_) | Err(_) => return Ok(RegionMethod::Wilks),
                }
            }
            Made::Coverage(coverage) => coverage.levels(reco, hit_doms).map_err(bad_input)?,
        };
        Ok(RegionMethod::Coverage(Arc::new(levels)))
    }

    /// Says what a file of levels that was asked for does not fit.
    pub(super) fn warn_of_levels(&self, detector: &str) {
        let Made::Coverage(coverage) = &self.made else {
            return;
        };
        let numerics = coverage.table().study.numerics;
        if numerics != NUMERICS {
            tracing::warn!(
                "the levels were found with numerics {numerics}, this release has {NUMERICS}: count them again with skyscan \
                 reco validate"
            );
        }
        let theirs = &coverage.table().detector;
        if !detector.is_empty() && theirs != detector {
            tracing::warn!("the levels were found for {theirs}, the event is of {detector}");
        }
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
