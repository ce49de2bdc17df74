//! `skyscan event show|generate|convert`

mod shown;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Subcommand, ValueEnum};

use super::input::{DetectorArguments, EventArguments};
use super::{Failure, Format, bad_input, failed, print, print_bytes};
use crate::event::detector::Detector;
use crate::event::{self, DetectorDirection, Event};
use crate::photons::event::Generator;
use crate::reco::light::hole_ice::HoleIce;
use crate::synthetic::{Recipe, generate};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what an event file holds
    ///
    /// Example: skyscan event show alert.json --format json
    Show {
        #[command(flatten)]
        event: EventArguments,
        #[command(flatten)]
        detector: DetectorArguments,
        /// How the result is printed
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// List the events in the file instead
        #[arg(long)]
        list: bool,
    },
    /// Make a synthetic event: a muon track, or a shower, with known truth
    ///
    /// Example: skyscan event generate --seed 7 --energy-gev 200000 --light photons --output event.json
    Generate {
        /// How light gets to the modules
        #[arg(long, value_enum, default_value = "density")]
        light: Light,
        /// Seed of all random numbers; the same seed gives the same event
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Energy of the muon or shower [default: random, 3 TeV to 1 PeV]
        #[arg(long, value_name = "GEV", value_parser = positive)]
        energy_gev: Option<f64>,
        /// Zenith and azimuth that it comes from [default: random]
        #[arg(long, value_name = "ZENITH,AZIMUTH", value_parser = zenith_azimuth)]
        from_deg: Option<DetectorDirection>,
        /// When it comes, UTC as a modified Julian date
        #[arg(long, default_value_t = 60_000.0, value_parser = positive)]
        mjd: f64,
        #[command(flatten)]
        detector: DetectorArguments,
        /// File to write [default: stdout]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Convert an event of any format to skyscan's own
    ///
    /// Example: skyscan event convert run.i3.zst --event 20178442 --output event.json
    Convert {
        #[command(flatten)]
        event: EventArguments,
        #[command(flatten)]
        detector: DetectorArguments,
        /// File to write [default: stdout]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Light {
    /// Drawn from the density that pandel-mpe fits, the same all along the track: at once
    Density,
    /// Photon by photon through the ice, from the track and the showers on it: seconds
    Photons,
    /// The same of a shower of electrons alone, with no track
    Shower,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("not a positive number".to_owned()),
    }
}

fn zenith_azimuth(text: &str) -> Result<DetectorDirection, String> {
    let angles = text.split_once(',').and_then(|(zenith, azimuth)| {
        Some((
            zenith.trim().parse::<f64>().ok()?,
            azimuth.trim().parse::<f64>().ok()?,
        ))
    });
    match angles {
        Some((zenith, azimuth)) if (0.0..=180.0).contains(&zenith) && azimuth.is_finite() => {
            Ok(DetectorDirection {
                zenith_rad: zenith.to_radians(),
                azimuth_rad: azimuth.rem_euclid(360.0).to_radians(),
            })
        }
        _ => Err("write ZENITH,AZIMUTH in degrees, for example 60,135".to_owned()),
    }
}

pub(super) fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Show {
            event,
            format,
            list: true,
            ..
        } => list(&event, format)?,
        Command::Show {
            event,
            detector,
            format,
            list: false,
        } => {
            shown::show(&event, &detector.read()?, format)?;
        }
        Command::Generate {
            light,
            seed,
            energy_gev,
            from_deg,
            mjd,
            detector,
            output,
        } => {
            let recipe = Recipe {
                seed,
                direction: from_deg,
                energy_gev,
                mjd,
            };
            let detector = detector.read()?;
            let event = match light {
                Light::Density => generate(&detector, &recipe),
                Light::Photons | Light::Shower => {
                    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
                    let generator = Generator::new(&detector, HoleIce::H2);
                    match light {
                        Light::Shower => generator.generate_shower(&recipe, n_threads),
                        _ => generator.generate(&recipe, n_threads),
                    }
                }
            };
            write(&event, &detector, output.as_deref())?;
        }
        Command::Convert {
            event,
            detector,
            output,
        } => {
            let detector = detector.read()?;
            write(&event.read(&detector)?, &detector, output.as_deref())?;
        }
    }
    Ok(0)
}

fn write(event: &Event, detector: &Detector, output: Option<&Path>) -> Result<(), Failure> {
    let mut text = Vec::new();
    event::write_json_for(event, Some(detector.mark()), &mut text).map_err(failed)?;
    let written = match output {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        }
        None => return print_bytes(&text),
    };
    written.map_err(failed)
}

fn list(arguments: &EventArguments, format: Format) -> Result<(), Failure> {
    let events = event::list(arguments.path()).map_err(bad_input)?;
    if format == Format::Json {
        print(&serde_json::to_string(&events).map_err(failed)?)?;
        return Ok(());
    }
    let line = |event: &event::EventSummary| {
        let stream = match event.subevent_stream.as_str() {
            "" => String::new(),
            stream => format!("  {stream} {}", event.subevent_id),
        };
        let readout = match event.readout {
            None => String::new(),
            Some((run, number)) => format!("  (of a readout called run {run} event {number})"),
        };
        format!(
            "run {}  event {}  MJD {:.8}{stream}{readout}\n",
            event.run_id, event.event_id, event.mjd
        )
    };
    print(&events.iter().map(line).collect::<String>())?;
    Ok(())
}
