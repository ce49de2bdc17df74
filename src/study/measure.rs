//! How far off an answer is, and what its regions hold.

use std::f64::consts::PI;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::folder::{Answer, Folder, Outcome, map_name};
use crate::event::detector::Detector;
use crate::output::{ScanFileError, read_scan_file};
use crate::sky::coordinates::SkyFrame;
use crate::sky::region::{MethodNote, RegionMethod, WILKS_90, containment, excess_with_floor};

/// What an answer comes to beside the truth.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// What its map says; nothing without one.
    #[serde(flatten)]
    pub found: Option<Found>,
}

/// What a map says beside the truth.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// From the best pixel to the truth.
    pub angle_deg: f64,
    /// How much larger its zenith is than the true one.
    pub along_deg: f64,
    /// How far it is off across, towards larger azimuth.
    pub across_deg: f64,
    /// `-ln L` of the best pixel.
    pub llh_best: f64,
    /// `2 (llh - llh_best)` at the truth, of the surface through the map's pixels that regions follow, with the
    /// floor of the method.
    pub excess: f64,
    /// The same with each of the floors that were asked for instead.
    #[serde(skip)]
    pub excesses: Vec<f64>,
    /// Containment of the smallest region around the truth, where the method tells one.
    pub claimed: Option<f64>,
    /// How the regions were made.
    #[serde(flatten)]
    pub made: MethodNote,
    /// Product of the widths of the likelihood along both axes: the 90 % region of Wilks over 2 pi ln 10.
    pub spread_deg2: f64,
    /// Containment, level, area and whether the truth is inside, the smallest first.
    pub regions: Vec<Held>,
}

/// A region beside the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Held {
    /// Probability that it stands for.
    pub containment: f64,
    /// Threshold on `2 (llh - llh_best)`.
    pub level: f64,
    /// Solid angle.
    pub area_deg2: f64,
    /// Whether it holds the truth.
    pub holds: bool,
}

/// A map cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// Its file cannot be read.
    #[error(transparent)]
    Read(#[from] ScanFileError),
    /// It is not the map that the answer tells of.
    #[error("{0} is not the map that the study made")]
    OtherMap(PathBuf),
}

/// What to measure with.
#[derive(Debug)]
pub struct Measuring<'a> {
    /// Where the maps are.
    pub folder: &'a Folder,
    /// What saw the events.
    pub detector: &'a Detector,
    /// Floors to measure the truth with, in degrees.
    pub floors_deg: &'a [f64],
    /// `2 (llh - llh_best)` that the maps enclose.
    pub enclosed: f64,
}

impl Measuring<'_> {
    /// Measures answers, each with its method, on as many threads as there are cores; the order stays.
    ///
    /// # Errors
    /// If a map cannot be read.
    pub fn all(&self, answers: &[(Answer, RegionMethod)]) -> Result<Vec<Measured>, MeasureError> {
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let measured = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..n_threads.min(answers.len()) {
                scope.spawn(|| {
                    while let at = next.fetch_add(1, Ordering::Relaxed)
                        && let Some((answer, method)) = answers.get(at)
                    {
                        let one = (at, self.one(answer, method));
                        let mut all = measured.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(one);
                    }
                });
            }
        });
        let mut measured = measured
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        measured.sort_by_key(|(at, _)| *at);
        measured.into_iter().map(|(_, one)| one).collect()
    }

    fn one(&self, answer: &Answer, method: &RegionMethod) -> Result<Measured, MeasureError> {
        let found = match &answer.outcome {
            Outcome::Unusable(_) => None,
            Outcome::Map { sha256, .. } => self.found(answer, sha256, method)?,
        };
        let answer = answer.clone();
        Ok(Measured { answer, found })
    }

    fn found(
        &self,
        answer: &Answer,
        sha256: &str,
        method: &RegionMethod,
    ) -> Result<Option<Found>, MeasureError> {
        let path = self.folder.maps().join(map_name(answer));
        let map = read_scan_file(&path, None)?.map;
        if map.sha256_hex() != sha256 {
            return Err(MeasureError::OtherMap(path));
        }
        let frame = SkyFrame::new(answer.mjd, &self.detector.site);
        let truth = frame.to_equatorial(answer.truth);
        let Some((pixel, best)) = map.best() else {
            return Ok(None);
        };
        let direction = frame.to_detector(pixel.center());
        let turn = direction.azimuth_rad - answer.truth.azimuth_rad;
        let turn = (turn + PI).rem_euclid(2.0 * PI) - PI;
        let excess = |floor_deg: f64| {
            // A truth where no pixel could be fitted is as unlikely as can be.
            excess_with_floor(&map, floor_deg.to_radians(), truth, self.enclosed)
                .unwrap_or(f64::MAX)
        };
        let at_truth = excess(method.floor_deg());
        let regions = method.regions(&map);
        let wilks = containment(&map, WILKS_90, 0.9);
        Ok(Some(Found {
            angle_deg: pixel.center().separation_rad(truth).to_degrees(),
            along_deg: (direction.zenith_rad - answer.truth.zenith_rad).to_degrees(),
            across_deg: (turn * answer.truth.zenith_rad.sin()).to_degrees(),
            llh_best: best.llh,
            excess: at_truth,
            claimed: method.containment_of(at_truth),
            made: MethodNote::from(method),
            excesses: self.floors_deg.iter().copied().map(excess).collect(),
            spread_deg2: wilks.map_or(f64::NAN, |region| region.area_deg2 / (PI * WILKS_90)),
            regions: (regions.iter())
                .map(|region| Held {
                    containment: region.containment,
                    level: region.level,
                    area_deg2: region.area_deg2,
                    holds: region.contains(truth),
                })
                .collect(),
        }))
    }
}
