//! What every file says about itself, so that nobody has to guess: frame, sign of the declination,
//! what the llh is and how the regions were made.

use serde::Serialize;

use super::summary::percent;
use super::{Doubt, ScanRecord};
use skyscan_sky::region::Region;

pub(super) const FRAME: &str = "ICRS";
pub(super) const EQUINOX: &str = "J2000";
/// Positive to the north: the HEALPix colatitude runs from the north pole.
pub(super) const DECLINATION: &str = "pi/2 - theta";
pub(super) const LLH: &str = "-ln L";
pub(super) const PRODUCER: &str = concat!("skyscan ", env!("CARGO_PKG_VERSION"));

/// The conventions as keys and values of a JSON file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Conventions<'a> {
    frame: &'static str,
    equinox: &'static str,
    declination: &'static str,
    llh_definition: &'static str,
    regions: &'static str,
    regions_meaning: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage_sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    systematics_sha256: Option<&'a str>,
    producer: &'static str,
    reco: &'a str,
}

impl<'a> Conventions<'a> {
    pub(super) fn of(scan: &'a ScanRecord<'a>) -> Self {
        Self {
            frame: FRAME,
            equinox: EQUINOX,
            declination: DECLINATION,
            llh_definition: LLH,
            regions: scan.method.name(),
            regions_meaning: scan.method.description(),
            coverage_sha256: scan.method.coverage_sha256(),
            systematics_sha256: scan.systematics_sha256(),
            producer: PRODUCER,
            reco: scan.reco,
        }
    }
}

/// The same as sentences.
pub(super) fn sentences(scan: &ScanRecord<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("{PRODUCER}, reconstruction {}", scan.reco),
        format!("Right ascension and declination: {FRAME}, {EQUINOX}, declination = {DECLINATION}"),
        format!("llh = {LLH}; 2 dllh = 2 (llh - llh of the best pixel)"),
        format!(
            "Regions by method {}: {}",
            scan.method.name(),
            scan.method.description()
        ),
    ];
    if let Some(sha256) = scan.method.coverage_sha256() {
        lines.push(format!("Coverage file: sha256 {sha256}"));
    }
    if let Some(varied) = &scan.systematics {
        lines.push(format!(
            "Averaged over {} systematics ({}): sha256 {}",
            varied.told.shifts.len(),
            varied.told.set,
            varied.told.sha256
        ));
    }
    lines.extend(scan.regions.iter().map(level));
    lines.extend(scan.opening());
    let doubts: Vec<&str> = scan.doubts().into_iter().map(Doubt::sentence).collect();
    if !doubts.is_empty() {
        lines.push(format!("Doubts: {}", doubts.join("; ")));
    }
    if !scan.is_complete() {
        lines.push("INCOMPLETE SCAN: direction and regions may still change".to_owned());
    }
    lines
}

fn level(region: &Region) -> String {
    let share = percent(region.containment);
    let mut line = format!("{share} % region: 2 dllh <= {:.4}", region.level);
    if !region.is_resolved() {
        line += &format!(
            "; smaller than a pixel, grown to one: contour at 2 dllh = {:.4}",
            region.contour_level
        );
    }
    line += match region.is_closed() {
        true => "; closed",
        false => "; OPEN",
    };
    line
}
