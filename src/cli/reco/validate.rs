//! `skyscan reco validate`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::sync::watch;

use crate::cli::access::AccessArguments;
use crate::cli::input::{self, DetectorArguments};
use crate::cli::interrupt::on_interrupt;
use crate::cli::place::{PlaceArguments, cores};
use crate::cli::progress::{Pace, left};
use crate::cli::regions::{MethodArguments, Regions};
use crate::cli::scan::systematics;
use crate::cli::stderr::write_line;
use crate::cli::{Failure, Format, INCOMPLETE, bad_input, failed, print, runtime, tell};
use crate::output::file::write_atomically;
use crate::reco::Reco;
use crate::reco::light::hole_ice::HoleIce;
use crate::scan::{NUMERICS, Plan, Strategy};
use crate::sky::Nside;
use crate::sky::region::{CoverageTable, RegionMethod};
use crate::study::design::{Design, Ice, Light};
use crate::study::folder::{Answer, Folder, FolderError, SetId};
use crate::study::levels::{self, FLOORS_DEG};
use crate::study::measure::{Measured, Measuring};
use crate::study::report::{self, Report};
use crate::study::run::{Place, Study, StudyError};
use crate::transport;

/// How often a line tells how far it is.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// `2 (llh - llh_best)` that scans enclose. Sharp fits were seen to need 9 for 90 %.
const ENCLOSED: f64 = 12.0;
/// No ice differs from its description by more than this factor.
const MOST_CHANGED: f64 = 10.0;

/// Make events with known truth, scan them, and tell how far off the answers are and what regions hold
///
/// Makes events of simulated light, scans each like any other and reports angles to the truth, their
/// bias, how often regions hold the truth, and areas: as tables, charts, and as JSON with a row for
/// each answer. The folder keeps every answer and its map as they come. The same call again goes on
/// where it was ended, with a larger --events makes more of them, with another --regions reports the
/// same maps by other regions, with --systematics adds the answers under these. Ctrl-C reports on what
/// there is.
///
/// With --coverage-out, levels and a floor that make regions hold what they say are found from these
/// events, for scan --regions coverage=FILE. Show on other events that they do (docs/validation.md).
///
/// Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 ended early.
///
/// Example: skyscan reco validate --events 400 --seed 1 --ice scattering=1.1 --ice absorption=0.9 --out study
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// How many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1_000_000))]
    events: u64,
    /// Seed of the events; other seeds give other events
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..10_000_000_000))]
    seed: u64,
    /// Folder of the study
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Reconstructions to try, with commas between
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "photon-mpe"
    )]
    reco: Vec<String>,
    /// How the light is made. photons: each through the ice, from the track and the showers on it, seconds an
    /// event; shower: the same of a shower of electrons with no track; density: drawn from the arrival times that
    /// pandel-mpe fits with, at once
    #[arg(long, value_name = "LIGHT", value_parser = light, default_value = "photons")]
    light: Light,
    /// Ice beside the description that reconstructions go by, as scattering=1.1,absorption=0.9,hole=older (h2
    /// or older); give it again for several, which take turns [default: the ice of the description]
    #[arg(long, value_name = "FACTORS", value_parser = ice)]
    ice: Vec<Ice>,
    /// From and to which energy, evenly in its logarithm
    #[arg(long, value_name = "FROM,TO", value_parser = energies, default_value = "1e3,1e7")]
    energies_gev: (f64, f64),
    #[command(flatten)]
    detector: DetectorArguments,
    /// HEALPix resolutions of the scans, powers of two, coarse to fine [default: 4 to 512 by steps of two]
    #[arg(long, value_name = "NSIDES", value_delimiter = ',', value_parser = crate::cli::scan::nside)]
    nside: Vec<Nside>,
    #[command(flatten)]
    regions: MethodArguments,
    /// Average over systematics, too: quick, full or a file, as for scan. The answers without stand beside
    #[arg(long, value_name = "SET")]
    systematics: Option<String>,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    access: AccessArguments,
    /// Write a coverage file from these events, once all have their answers
    #[arg(long, value_name = "FILE")]
    coverage_out: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

fn light(text: &str) -> Result<Light, String> {
    match text {
        "density" => Ok(Light::Density),
        "photons" => Ok(Light::Photons),
        "shower" => Ok(Light::Shower),
        _ => Err("write photons, shower or density".to_owned()),
    }
}

fn ice(text: &str) -> Result<Ice, String> {
    let mut ice = Ice::default();
    for part in text.split(',') {
        let (what, factor) = part
            .split_once('=')
            .ok_or("write scattering=1.1,absorption=0.9,hole=older")?;
        if what == "hole" {
            ice.hole = match factor {
                "h2" => HoleIce::H2,
                "older" => HoleIce::Older,
                _ => return Err("a hole is h2 or older".to_owned()),
            };
            continue;
        }
        let factor = factor
            .parse::<f64>()
            .ok()
            .filter(|factor| (1.0 / MOST_CHANGED..=MOST_CHANGED).contains(factor));
        let factor = factor.ok_or_else(|| {
            format!(
                "the factor of {what} is not between {} and {MOST_CHANGED}",
                1.0 / MOST_CHANGED
            )
        })?;
        match what {
            "scattering" => ice.scattering = factor,
            "absorption" => ice.absorption = factor,
            _ => {
                return Err(format!(
                    "ice has scattering, absorption and hole, not {what:?}"
                ));
            }
        }
    }
    Ok(ice)
}

fn energies(text: &str) -> Result<(f64, f64), String> {
    let numbers = text
        .split_once(',')
        .and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)));
    match numbers {
        Some((low, high)) if (1.0..=1e12).contains(&low) && (low..=1e12).contains(&high) => {
            Ok((low, high))
        }
        _ => Err("write FROM,TO in GeV, the lower one first, for example 1e3,1e7".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let regions = arguments.regions.read()?;
    let study = arguments.study()?;
    regions.warn_of_levels(&study.detector.name);
    for reco in &study.recos {
        // A file that does not know it is told of now, not after an hour.
        regions.method(reco.name(), &study.detector.name, None)?;
    }
    let mut folder = Folder::open(&arguments.out, &study.design).map_err(|error| match error {
        FolderError::Other(_) | FolderError::Malformed { .. } => bad_input(error),
        error => failed(error),
    })?;
    let (ask, stop) = watch::channel(false);
    on_interrupt(move || {
        ask.send_replace(true);
    })?;
    arguments.scan(&study, &mut folder, &stop)?;

    let answers = arguments.with_methods(&study, &folder, &regions)?;
    tell(&format!("measures {} maps", answers.len()));
    let measuring = Measuring {
        folder: &folder,
        detector: &study.detector,
        floors_deg: match arguments.coverage_out {
            Some(_) => &FLOORS_DEG,
            None => &[],
        },
        enclosed: study.design.enclosed,
    };
    let measured = measuring.all(&answers).map_err(failed)?;
    let report = Report::of(&study.design, measured);
    let files = report.write(&folder).map_err(failed)?;
    print(&match arguments.format {
        Format::Text => report::text(&report),
        Format::Json => serde_json::to_string(&report).map_err(failed)?,
    })?;
    tell(&format!(
        "wrote {} files to {}",
        files.len(),
        arguments.out.display()
    ));
    if !study.missing(arguments.events, &folder).is_empty() {
        return Ok(INCOMPLETE);
    }
    arguments.write_coverage(&study.design, &report.answers)?;
    Ok(0)
}

impl Arguments {
    fn study(&self) -> Result<Study, Failure> {
        let detector = self.detector.read()?;
        let recos = self.reco.iter().map(|name| input::reco(name));
        let recos = recos.collect::<Result<Vec<Arc<dyn Reco>>, Failure>>()?;
        let systematics = match &self.systematics {
            None => None,
            Some(named) => {
                // Each of them has to know of all that is in it.
                let read = |reco: &Arc<dyn Reco>| systematics::read(named, Some(&**reco));
                let sets = recos
                    .iter()
                    .map(read)
                    .collect::<Result<Vec<_>, Failure>>()?;
                sets.into_iter().next()
            }
        };
        let plan = Plan::of(Strategy::Zoom, &self.nside, false, ENCLOSED).map_err(bad_input)?;
        transport::open(&self.place.transport, &self.access.access()).map_err(bad_input)?;
        let slots = self.place.slots()?;
        let ices = match self.ice.as_slice() {
            [] => vec![Ice::default()],
            ices => ices.to_vec(),
        };
        Ok(Study {
            design: Design {
                light: self.light,
                seed: self.seed,
                energies_gev: [self.energies_gev.0, self.energies_gev.1],
                ices,
                nsides: plan.rounds().to_vec(),
                until_resolved: plan.ends_resolved(),
                enclosed: ENCLOSED,
                detector: detector.name.clone(),
                numerics: NUMERICS,
            },
            detector,
            recos,
            systematics,
            place: Place {
                url: self.place.transport.clone(),
                access: self.access.access(),
                slots,
                makers: usize::from(cores().get()),
            },
        })
    }

    fn scan(
        &self,
        study: &Study,
        folder: &mut Folder,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let n_missing = study.missing(self.events, folder).len();
        if n_missing < self.events as usize {
            let n_there = self.events as usize - n_missing;
            tell(&format!(
                "{n_there} of {} events have answers already",
                self.events
            ));
        }
        let begun = Instant::now();
        let mut last_line = begun;
        let mut pace = Pace::default();
        let told = |n_done: usize| {
            pace.note(begun.elapsed(), n_done as u64);
            if last_line.elapsed() >= LINE_EVERY || n_done == n_missing {
                last_line = Instant::now();
                let time = left(pace.left((n_missing - n_done) as u64));
                write_line(&format!("{n_done} of {n_missing} events, {time}"));
            }
        };
        let slots = std::num::NonZeroU16::new(study.place.slots.saturating_mul(2));
        let system = runtime::system_for(slots.unwrap_or(std::num::NonZeroU16::MIN))?;
        let scanned = system.block_on(study.run(self.events, folder, stop, told));
        scanned.map_err(|error| match error {
            StudyError::Plan(_) | StudyError::Url(_) => bad_input(error),
            error => failed(error),
        })
    }

    /// The answers that were asked for, each with how its regions are made.
    fn with_methods(
        &self,
        study: &Study,
        folder: &Folder,
        regions: &Regions,
    ) -> Result<Vec<(Answer, RegionMethod)>, Failure> {
        let set = study.systematics.as_ref().map(SetId::from);
        let is_asked = |answer: &&Answer| {
            let of_set = answer.systematics.is_none() || answer.systematics == set;
            answer.event < self.events && self.reco.contains(&answer.reco) && of_set
        };
        folder
            .answers()
            .filter(is_asked)
            .map(|answer| {
                let hit_doms = Some(answer.hit_doms);
                let method = regions.method(&answer.reco, &study.detector.name, hit_doms)?;
                Ok((answer.clone(), method))
            })
            .collect()
    }

    fn write_coverage(&self, design: &Design, measured: &[Measured]) -> Result<(), Failure> {
        let Some(path) = &self.coverage_out else {
            return Ok(());
        };
        let measured: Vec<&Measured> = measured.iter().collect();
        let table = levels::table(design, &[], &measured).map_err(failed)?;
        write_table(path, &table)
    }
}

/// Writes a coverage file.
pub(super) fn write_table(path: &Path, table: &CoverageTable) -> Result<(), Failure> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| bad_input(anyhow!("{} names no file", path.display())))?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    write_atomically(dir, &name, |out| {
        serde_json::to_writer_pretty(&mut *out, table)?;
        out.write_all(b"\n")
    })
    .map_err(failed)?;
    tell(&format!("wrote {}", path.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ices_are_factors() {
        let dusty = ice("absorption=0.9,scattering=1.1").unwrap();
        assert_eq!((dusty.scattering, dusty.absorption), (1.1, 0.9));
        assert_eq!(ice("scattering=1.1").unwrap().absorption, 1.0);
        assert_eq!(ice("hole=older").unwrap().hole, HoleIce::Older);
        for wrong in [
            "",
            "1.1",
            "dust=2",
            "scattering=0",
            "scattering=x",
            "absorption=11",
        ] {
            assert!(ice(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn energies_rise() {
        assert_eq!(energies("1e3, 1e7"), Ok((1e3, 1e7)));
        for wrong in ["1e3", "1e7,1e3", "0,5", "a,b"] {
            assert!(energies(wrong).is_err(), "{wrong}");
        }
    }
}
