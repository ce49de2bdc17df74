//! `skyscan reco learn`

use std::num::NonZeroU64;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use crate::cli::input::DetectorArguments;
use crate::cli::number::from_one;
use crate::cli::{Failure, failed, print, tell};
use crate::photons::learn::{Course, Learning, learn_light, learn_showers};
use crate::reco::light::hole_ice::HoleIce;

/// Steps of learning: more change nothing that can be measured.
const N_STEPS: u64 = 3_000;
/// So often is told how far it is.
const TELL_EVERY: u64 = 300;

/// Learn what light does from simulated photons, for reco photon-mpe, or for segmented and cascade
///
/// Photons are simulated in the layers of a telescope's ice, and a small network learns when they arrive; of showers
/// also how many do. The same photons and seed give the same file, on any number of cores; the default takes a minute
/// of one core, and 300 MB.
///
/// The files that ship were learned so. They know ice by what surrounds source and DOM, and so serve other ice, too;
/// one that is much unlike IceCube's wants files of its own, in place of
/// science/reco/src/light/learned/icecube86.json and icecube86-showers.json.
///
/// Example: skyscan reco learn --out learned.json --photons 20000 --seed 1
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Of which light: tracks, when it comes, for photon-mpe; showers, how much comes and when, for segmented and
    /// cascade
    #[arg(long, value_enum, default_value = "tracks")]
    of: Of,
    #[command(flatten)]
    detector: DetectorArguments,
    /// How many photons are simulated: each is seen some three times
    #[arg(long, value_name = "N", default_value = "500000", value_parser = from_one::<NonZeroU64>)]
    photons: NonZeroU64,
    /// How DOMs in refrozen holes take light from below and above: h2, or older, for a systematic
    #[arg(long, value_name = "CURVE", default_value = "h2", value_parser = hole_ice)]
    hole_ice: HoleIce,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Of {
    Tracks,
    Showers,
}

fn hole_ice(text: &str) -> Result<HoleIce, String> {
    match text {
        "h2" => Ok(HoleIce::H2),
        "older" => Ok(HoleIce::Older),
        _ => Err("write h2 or older".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let detector = arguments.detector.read()?;
    let course = Course {
        seed: arguments.seed,
        n_steps: N_STEPS,
    };
    let n_photons = arguments.photons.get();
    tell(&format!("simulates {n_photons} photons"));
    let told = |learning| match learning {
        Learning::Simulated { n_samples } => {
            tell(&format!(
                "learns from {n_samples} times that they were seen"
            ));
        }
        Learning::Stepped {
            n_steps,
            ln_density,
        } if n_steps.is_multiple_of(TELL_EVERY) => {
            tell(&format!(
                "step {n_steps} of {N_STEPS}: {ln_density:.3} log density per ns"
            ));
        }
        Learning::Stepped { .. } => {}
    };
    let hole_ice = arguments.hole_ice;
    let file = match arguments.of {
        Of::Tracks => learn_light(&detector, n_photons, hole_ice, course, told)
            .map(|learned| learned.to_json()),
        Of::Showers => learn_showers(&detector, n_photons, hole_ice, course, told)
            .map(|learned| learned.to_json()),
    };
    let file =
        file.ok_or_else(|| failed(anyhow::anyhow!("no photon was seen: simulate more of them")))?;
    std::fs::write(&arguments.out, file)
        .with_context(|| format!("cannot write {}", arguments.out.display()))
        .map_err(failed)?;
    print(&format!("wrote {}", arguments.out.display()))?;
    Ok(0)
}
