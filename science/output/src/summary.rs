//! What a scan found, in short: the one JSON object and the text that `skyscan scan` prints.

mod fold;
mod systematics;
mod text;
mod truth;

pub(super) use fold::{WIDTH, written};
pub use systematics::{SystematicShift, Systematics, Without};
pub(super) use text::{all_around, direction, doubts, heading, map_hash, opening, sub_pixel, told};
pub use text::{area, percent};
pub use truth::OffTruth;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Doubt, EventIdentity, FailedFile, SecondMinimum, SubPixel};
use skyscan_scan::TaskCounts;
use skyscan_sky::Nside;
use skyscan_sky::map::{PixelOutcome, SkyMap};
use skyscan_sky::region::{Gap, MethodNote, Region};

/// The outcome of a scan. Serialises to the JSON object that `--format json` prints; `Display`
/// is the answer for people, [`Self::files_text`] what became of the files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Which event it was.
    pub event: EventIdentity,
    /// Name of the reconstruction.
    pub reco: String,
    /// Raised when the same event and configuration give other bits.
    #[serde(default)]
    pub numerics: u32,
    /// Positions around each start at which fits began, too, if at any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variations: Option<String>,
    /// URL of the transport, without secrets.
    pub transport: String,
    /// Where the neutrino came from; absent if no pixel could be reconstructed.
    pub best_fit: Option<BestFit>,
    /// The best fit between pixel centres, where the map shows one.
    pub sub_pixel: Option<SubPixel>,
    /// Where else it may have come from, if the largest region has islands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_minimum: Option<SecondMinimum>,
    /// How far that is from what really happened, if the event was made by a simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<OffTruth>,
    /// How the levels of the regions were chosen.
    #[serde(flatten)]
    pub regions_made: MethodNote,
    /// Containment regions, the smallest first.
    pub regions: Vec<RegionExtent>,
    /// What makes this answer doubtful; empty if nothing does.
    pub quality: Vec<Doubt>,
    /// What systematics do to it, if it is an average over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systematics: Option<Systematics>,
    /// What became of the tasks.
    pub tasks: TaskCounts,
    /// Number of pixels scanned, by resolution.
    pub pixels: BTreeMap<Nside, u64>,
    /// Number of failed pixels, by resolution; those that have any.
    #[serde(default)]
    pub failed_pixels: BTreeMap<Nside, u64>,
    /// Workers that were put aside for a while, since they failed at what others could do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_aside: Vec<PutAsideWorker>,
    /// Every pixel that was planned was scanned, and none failed.
    pub complete: bool,
    /// How the scan ended: `fulfilled`, or why before that, such as `deadline`.
    #[serde(default)]
    pub ending: String,
    /// Time from start to result.
    pub wall_seconds: f64,
    /// Processor time of this process and of the programs that it ran.
    pub cpu_seconds: f64,
    /// Time that the slots of all workers, here and elsewhere, were busy with what was accepted.
    pub busy_seconds: f64,
    /// SHA-256 of the map in hexadecimal: of complete maps, equal for equal event and configuration.
    pub map_sha256: String,
    /// Files written.
    pub files: Vec<PathBuf>,
    /// Files that could not be written.
    pub files_failed: Vec<FailedFile>,
    /// Number of failed pixels by reason; shown in the text, in the JSON result file rather than
    /// in the JSON object.
    #[serde(skip)]
    pub failures: BTreeMap<String, u64>,
}

/// A worker that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAsideWorker {
    /// What it calls itself, in hexadecimal; its log has it, too.
    pub worker: String,
    /// How it failed last.
    pub reason: String,
}

/// The best direction, in both frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestFit {
    /// Right ascension, J2000, 0 to 360.
    pub ra_deg: f64,
    /// Declination, J2000.
    pub dec_deg: f64,
    /// Zenith in the detector: where the particle comes from.
    pub zenith_deg: f64,
    /// Azimuth in the detector.
    pub azimuth_deg: f64,
    /// Negative log-likelihood there.
    pub llh: f64,
}

/// The size of a containment region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionExtent {
    /// Probability that the source lies inside, for example 0.9.
    pub containment: f64,
    /// Threshold on `2 (llh - llh_best)`.
    pub level: f64,
    /// Threshold that the boundary follows; more than the level if the region was smaller than a
    /// pixel and was grown to one.
    pub contour_level: f64,
    /// Solid angle.
    pub area_deg2: f64,
    /// Reach from the best fit towards larger right ascension.
    pub ra_plus_deg: f64,
    /// Towards smaller right ascension.
    pub ra_minus_deg: f64,
    /// Towards larger declination.
    pub dec_plus_deg: f64,
    /// Towards smaller declination.
    pub dec_minus_deg: f64,
    /// Scanned sky surrounds it; if not, the source may lie beyond its edge.
    pub closed: bool,
    /// What it meets where it is not closed.
    pub gaps: Vec<Gap>,
}

impl From<&Region> for RegionExtent {
    fn from(region: &Region) -> Self {
        Self {
            containment: region.containment,
            level: region.level,
            contour_level: region.contour_level,
            area_deg2: region.area_deg2,
            ra_plus_deg: region.ra_plus_deg,
            ra_minus_deg: region.ra_minus_deg,
            dec_plus_deg: region.dec_plus_deg,
            dec_minus_deg: region.dec_minus_deg,
            closed: region.is_closed(),
            gaps: region.gaps.clone(),
        }
    }
}

/// Number of pixels scanned at each resolution, failed ones included.
pub fn pixel_counts(map: &SkyMap) -> BTreeMap<Nside, u64> {
    map.rounds()
        .iter()
        .map(|(&nside, pixels)| (nside, pixels.len() as u64))
        .collect()
}

/// Number of failed pixels at each resolution that has any.
pub fn failed_pixel_counts(map: &SkyMap) -> BTreeMap<Nside, u64> {
    let is_failed = |outcome: &&PixelOutcome| matches!(outcome, PixelOutcome::Failed(_));
    let n_failed = |(&nside, pixels): (&Nside, &BTreeMap<u64, PixelOutcome>)| {
        let n_failed = pixels.values().filter(is_failed).count() as u64;
        (n_failed > 0).then_some((nside, n_failed))
    };
    map.rounds().iter().filter_map(n_failed).collect()
}

/// Number of failed pixels by reason.
pub fn failure_counts(map: &SkyMap) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for outcome in map.rounds().values().flat_map(|pixels| pixels.values()) {
        if let PixelOutcome::Failed(reason) = outcome {
            *counts.entry(reason.clone()).or_default() += 1;
        }
    }
    counts
}
