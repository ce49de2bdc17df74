//! Arguments that name an event and the detector that saw it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::{Failure, bad_input};
use crate::event::detector::Detector;
use crate::event::{self, Event, ReadOptions};
use crate::reco::{self, Reco};
use crate::sky::region::RegionMethod;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct EventArguments {
    /// Alert JSON or pickle, scanner startup.json, .i3 (plain, .gz, .bz2, .zst) or skyscan's own
    /// event JSON
    #[arg(value_name = "EVENT")]
    path: PathBuf,
    /// Event number, where the file holds several [default: the first]
    #[arg(long, value_name = "ID")]
    event: Option<u32>,
    /// Key of the pulse series [default: by the alert's version, else the first of
    /// SplitUncleanedInIcePulses, SplitInIcePulses, InIcePulses, UncleanedInIcePulses,
    /// OfflinePulses, InIceDSTPulses]
    #[arg(long, value_name = "KEY")]
    pulses: Option<String>,
}

impl EventArguments {
    /// The same in another file.
    pub(super) fn at(&self, path: &std::path::Path) -> Self {
        Self {
            path: path.to_path_buf(),
            ..self.clone()
        }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        &self.path
    }

    pub(super) fn read(&self) -> Result<Event, Failure> {
        let options = ReadOptions {
            event_id: self.event,
            pulses: self.pulses.clone(),
        };
        event::read(&self.path, &options).map_err(bad_input)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct DetectorArguments {
    /// Detector description of another telescope (see detectors/icecube86.json) [default:
    /// IceCube-86]
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
}

impl DetectorArguments {
    pub(super) fn read(&self) -> Result<Detector, Failure> {
        let Some(path) = &self.detector else {
            return Ok(Detector::icecube86());
        };
        std::fs::read(path)
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(Detector::from_json(&text)?))
            .with_context(|| format!("cannot use {}", path.display()))
            .map_err(bad_input)
    }
}

/// The built-in reconstruction of this name.
pub(super) fn reco(name: &str) -> Result<Arc<dyn Reco>, Failure> {
    let known = reco::built_in();
    known
        .iter()
        .find(|reco| reco.name() == name)
        .cloned()
        .ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|reco| reco.name()).collect();
            bad_input(anyhow!("no reco {name:?}; there is {}", names.join(", ")))
        })
}

/// How regions are made.
#[derive(Debug, clap::Args)]
pub(super) struct RegionArguments {
    /// What the levels of the 50 % and the 90 % region stand on
    #[arg(long, value_name = "METHOD", value_enum, default_value = "wilks")]
    regions: RegionMethodName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RegionMethodName {
    /// Wilks' theorem: 2 dllh of 1.39 and 4.61
    Wilks,
    /// 2 dllh of 22.2 and 64.2, simulated for IceCube's IC160427A with varied ice
    Calibrated,
    /// Smallest region with that share of exp(-llh)
    Posterior,
}

impl RegionArguments {
    pub(super) fn method(&self) -> RegionMethod {
        match self.regions {
            RegionMethodName::Wilks => RegionMethod::Wilks,
            RegionMethodName::Calibrated => RegionMethod::Calibrated,
            RegionMethodName::Posterior => RegionMethod::Posterior,
        }
    }
}
