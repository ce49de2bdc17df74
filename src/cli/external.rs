//! Arguments that name an external program, and what follows from them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use super::{Failure, bad_input, failed};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::reco::external::{External, Limits, Program};
use crate::reco::{self, Reco};

#[derive(Debug, clap::Args)]
pub(super) struct ExternalArguments {
    /// Program that evaluates pixels, one for each task at once, for scans that ask for reco
    /// external (see docs/external-reco.md); split into words, no shell
    #[arg(long, value_name = "COMMAND")]
    external_program: Option<String>,
    /// Longest time that the program may take for a pixel; of the pixels of one task, one may take so
    /// long, and the others ten times what is usual
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    external_timeout: Duration,
    /// Longest time that the program may take to start, and to take an event
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    external_start_timeout: Duration,
}

/// A time that an option names.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86_400.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= DAY => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("not a number of seconds between 0 and 86400".to_owned()),
    }
}

impl ExternalArguments {
    /// Whether a program is named.
    pub(super) fn is_given(&self) -> bool {
        self.external_program.is_some()
    }

    /// Meets the program, if one is given: with an event, it must take that.
    pub(super) fn meet(
        &self,
        trial: Option<(&Event, &Detector)>,
    ) -> Result<Option<Arc<dyn Reco>>, Failure> {
        let Some(command) = &self.external_program else {
            return Ok(None);
        };
        let limits = Limits {
            start: self.external_start_timeout,
            pixel: self.external_timeout,
        };
        let program = program(command, limits)?;
        let met = runtime()?.block_on(External::meet(program, trial));
        Ok(Some(Arc::new(met.map_err(bad_input)?)))
    }
}

/// A program that does not outlive this process.
pub(super) fn program(command: &str, limits: Limits) -> Result<Program, Failure> {
    let program = Program::new(command, limits).map_err(bad_input)?;
    Ok(program.guarded_by(super::guard::guard()?))
}

/// What programs are run in.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)
}

/// A name for others' programs, as they have to call themselves.
pub(super) fn named(name: &str) -> Result<String, Failure> {
    let program = name.strip_prefix(&reco::external::full_name(""));
    match program.is_some_and(reco::external::is_name) {
        true => Ok(name.to_owned()),
        false => Err(bad_input(anyhow!(
            "with --workers 0 say which program: --reco external:NAME, as it calls itself, or give \
             --external-program COMMAND"
        ))),
    }
}

/// Whether a name asks for an external program, whichever.
pub(super) fn is_external(name: &str) -> bool {
    name == reco::external::NAME || name.starts_with(&reco::external::full_name(""))
}

/// The external program, if it is the one that is asked for by name, or any is.
pub(super) fn choose(name: &str, met: Option<Arc<dyn Reco>>) -> Result<Arc<dyn Reco>, Failure> {
    match met {
        None => Err(bad_input(anyhow!(
            "reco {name} needs a program: give --external-program COMMAND"
        ))),
        Some(met) if name == reco::external::NAME || name == met.name() => Ok(met),
        Some(met) => Err(bad_input(anyhow!(
            "asked for reco {name}, but the external program is {}",
            met.name()
        ))),
    }
}
