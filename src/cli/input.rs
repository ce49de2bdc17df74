//! Arguments that name an event and the detector that saw it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::{Failure, bad_input};
use crate::event::detector::{Detector, LARGEST_DESCRIPTION};
use crate::event::{self, Event, ReadOptions, Reading};
use crate::reco::{self, Reco};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct EventArguments {
    /// Alert JSON or pickle, scanner startup.json, .i3 (plain, .gz, .bz2, .zst) or skyscan's own
    /// event JSON; - for standard input
    #[arg(value_name = "EVENT")]
    path: PathBuf,
    #[command(flatten)]
    choice: EventChoice,
}

/// Which event of a file, and which of its pulses.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EventChoice {
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
    pub(super) fn of(path: PathBuf, choice: EventChoice) -> Self {
        Self { path, choice }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The event, which `detector` must be able to have seen; what is odd about both is told on stderr.
    pub(super) fn read(&self, detector: &Detector) -> Result<Event, Failure> {
        let (event, warnings) = self.read_noted(detector)?;
        (warnings.iter()).for_each(|warning| tracing::warn!("{warning}"));
        Ok(event)
    }

    /// The same; what is odd comes with it.
    pub(super) fn read_noted(&self, detector: &Detector) -> Result<(Event, Vec<String>), Failure> {
        let reading = event::read_noted(&self.path, &self.options());
        let reading = reading.map_err(|error| self.advised(error))?;
        let Reading {
            event,
            detector: mark,
            mut warnings,
            ..
        } = reading;
        let more = detector
            .suits(&event, mark.as_ref())
            .map_err(|unfit| bad_input(anyhow!("{}: {unfit}", self.path.display())))?;
        warnings.extend(more);
        Ok((event, warnings))
    }

    /// The event with all that its file says, and how many others the file holds.
    pub(super) fn survey(&self) -> Result<(Reading, usize), Failure> {
        event::survey(&self.path, &self.options()).map_err(|error| self.advised(error))
    }

    /// What to do about a file that cannot be read at all.
    fn advised(&self, error: event::ReadError) -> Failure {
        let is_denied =
            File::open(&self.path).is_err_and(|e| e.kind() == ErrorKind::PermissionDenied);
        let advice = match (self.path.is_dir(), is_denied) {
            (true, _) => {
                "give the file itself; a container engine makes a folder in the place of a file that is not \
                 there: check its name, and remove the folder"
            }
            (_, true) => {
                "let the user that this runs as read it: chmod a+r (in a container that is nobody)"
            }
            _ => return bad_input(error),
        };
        bad_input(anyhow!("{error}: {advice}"))
    }

    fn options(&self) -> ReadOptions {
        ReadOptions {
            event_id: self.choice.event,
            pulses: self.choice.pulses.clone(),
        }
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
        let read = || -> anyhow::Result<Detector> {
            let mut text = Vec::new();
            let mut file = File::open(path)?.take(LARGEST_DESCRIPTION + 1);
            file.read_to_end(&mut text)?;
            if text.len() as u64 > LARGEST_DESCRIPTION {
                return Err(anyhow!("it has more than {LARGEST_DESCRIPTION} bytes"));
            }
            Ok(Detector::from_json(&text)?)
        };
        read()
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
