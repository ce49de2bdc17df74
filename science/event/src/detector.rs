//! A neutrino telescope: where its DOMs hang, how clear its ice is, where on Earth it stands.
//!
//! A description is a JSON file (format `skyscan-detector-1`): name, sources, site, and two tables
//! whose columns are named in the file. IceCube-86 is built in; any other telescope is a file of
//! the same form.

mod mark;
mod suits;

pub use mark::DetectorMark;
pub use suits::{MissingModules, UnfitDetector};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{LONGEST_NAME, clean};
use super::{DomId, python_json};

const FORMAT: &str = "skyscan-detector-1";
const DOM_COLUMNS: [&str; 6] = ["string", "dom", "x_m", "y_m", "z_m", "relative_efficiency"];
const ICE_COLUMNS: [&str; 3] = ["z_m", "scattering_length_m", "absorption_length_m"];
/// More DOMs than any telescope has; bounds the memory that a description can ask for.
const MOST_DOMS: usize = 1_000_000;
/// More layers than anything was ever measured in.
const MOST_LAYERS: usize = 10_000;
/// How far from the origin a module may hang and a layer may be: telescopes measure a few kilometres, and
/// some count from the surface of the sea or the ice.
const FARTHEST_M: f64 = 20_000.0;
/// Lengths of scattering and absorption: from muddy water to the clearest ice ten times over.
const LENGTHS_M: std::ops::RangeInclusive<f64> = 0.5..=5_000.0;
/// Sensitivity beside a standard module.
const EFFICIENCIES: std::ops::RangeInclusive<f64> = 0.01..=100.0;
/// Characters of an error that quotes the file.
const LONGEST_MESSAGE: usize = 400;
/// Largest description in bytes; IceCube's has 200 kB.
pub const LARGEST_DESCRIPTION: u64 = 128 << 20;

/// Where a DOM hangs and how sensitive it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dom {
    /// Position.
    pub position_m: [f64; 3],
    /// Quantum efficiency relative to a standard DOM.
    pub relative_efficiency: f64,
}

/// Optical properties of the medium around one height.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IceLayer {
    /// Height of the middle of the layer in detector coordinates.
    pub z_m: f64,
    /// Effective scattering length.
    pub scattering_length_m: f64,
    /// Absorption length.
    pub absorption_length_m: f64,
}

/// Where the detector stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Geodetic longitude, east positive.
    pub longitude_deg: f64,
    /// Geodetic latitude.
    pub latitude_deg: f64,
}

/// A telescope's description: everything about it that an event needs to be understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Description", into = "Description")]
pub struct Detector {
    /// For example `IceCube-86`.
    pub name: String,
    /// Where its numbers come from.
    pub sources: Vec<String>,
    /// Where it stands.
    pub site: Site,
    /// Every DOM that may see light.
    pub doms: BTreeMap<DomId, Dom>,
    /// Layers from the bottom up; the outermost ones go on for ever.
    pub ice: Vec<IceLayer>,
}

/// Why a description cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorError {
    /// It is not JSON of the right shape, or a number in it makes no sense.
    #[error("failed to read the detector description: {0}")]
    Malformed(String),
}

impl Detector {
    /// The in-ice array of IceCube with its 86 strings.
    pub fn icecube86() -> Self {
        Self::from_json(include_bytes!("../../../detectors/icecube86.json"))
            .expect("the built-in description is tested")
    }

    /// Reads a description.
    ///
    /// # Errors
    /// If it is not a description of the format `skyscan-detector-1`, or a number in it is absurd.
    pub fn from_json(text: &[u8]) -> Result<Self, DetectorError> {
        let told = |what: String| DetectorError::Malformed(clean(&what, LONGEST_MESSAGE));
        let File(description) = python_json::from_slice(text).map_err(told)?;
        Self::try_from(description).map_err(told)
    }

    /// The middle of the DOMs.
    pub fn center_m(&self) -> [f64; 3] {
        let mut sum = [0.0; 3];
        for dom in self.doms.values() {
            for (total, x) in sum.iter_mut().zip(dom.position_m) {
                *total += x;
            }
        }
        sum.map(|total| total / self.doms.len() as f64)
    }
}

/// Whether a coordinate is that of something in a telescope.
fn is_near(coordinate_m: f64) -> bool {
    coordinate_m.abs() <= FARTHEST_M
}

/// A description as a file has it.
#[derive(Deserialize)]
struct File(#[serde(with = "Written")] Description);

/// A description as it travels and as files have it. On its way to workers it may have fields that
/// a later version added.
#[derive(Serialize, Deserialize)]
struct Description {
    format: String,
    name: String,
    source: Vec<String>,
    site: Site,
    ice_columns: Vec<String>,
    ice: Vec<[f64; 3]>,
    dom_columns: Vec<String>,
    doms: Vec<(u16, u16, f64, f64, f64, f64)>,
}

/// The same, read from a file that somebody wrote: what nobody understands there is a mistake.
#[derive(Deserialize)]
#[serde(remote = "Description", deny_unknown_fields)]
struct Written {
    format: String,
    name: String,
    source: Vec<String>,
    site: Site,
    ice_columns: Vec<String>,
    ice: Vec<[f64; 3]>,
    dom_columns: Vec<String>,
    doms: Vec<(u16, u16, f64, f64, f64, f64)>,
}

impl TryFrom<Description> for Detector {
    type Error = String;

    fn try_from(file: Description) -> Result<Self, String> {
        if file.format != FORMAT {
            return Err(format!("format is {:?}, not {FORMAT:?}", file.format));
        }
        if file.dom_columns != DOM_COLUMNS || file.ice_columns != ICE_COLUMNS {
            return Err(format!(
                "columns must be {DOM_COLUMNS:?} and {ICE_COLUMNS:?}"
            ));
        }
        if !(1..=MOST_DOMS).contains(&file.doms.len())
            || !(1..=MOST_LAYERS).contains(&file.ice.len())
        {
            return Err(format!(
                "need 1 to {MOST_DOMS} DOMs and 1 to {MOST_LAYERS} ice layers, not {} and {}",
                file.doms.len(),
                file.ice.len()
            ));
        }
        if !(-90.0..=90.0).contains(&file.site.latitude_deg)
            || !(-360.0..=360.0).contains(&file.site.longitude_deg)
        {
            return Err(format!(
                "the site at longitude {:?} and latitude {:?} is not on Earth",
                file.site.longitude_deg, file.site.latitude_deg
            ));
        }
        let mut doms = BTreeMap::new();
        for (string, dom, x, y, z, relative_efficiency) in file.doms {
            let id = DomId { string, dom };
            if [x, y, z].iter().any(|c| !is_near(*c)) {
                return Err(format!(
                    "DOM {string}-{dom} hangs at ({x:?}, {y:?}, {z:?}) m, more than {FARTHEST_M} m away"
                ));
            }
            if !EFFICIENCIES.contains(&relative_efficiency) {
                return Err(format!(
                    "DOM {string}-{dom} has the relative efficiency {relative_efficiency:?}, not {} to {}",
                    EFFICIENCIES.start(),
                    EFFICIENCIES.end()
                ));
            }
            let entry = Dom {
                position_m: [x, y, z],
                relative_efficiency,
            };
            if doms.insert(id, entry).is_some() {
                return Err(format!("DOM {string}-{dom} is listed twice"));
            }
        }
        let mut ice = Vec::with_capacity(file.ice.len());
        for [z_m, scattering_length_m, absorption_length_m] in file.ice {
            let layer = IceLayer {
                z_m,
                scattering_length_m,
                absorption_length_m,
            };
            if !is_near(z_m) {
                return Err(format!(
                    "the ice layer at {z_m:?} m is more than {FARTHEST_M} m away"
                ));
            }
            for (what, length_m) in [
                ("scattering", scattering_length_m),
                ("absorption", absorption_length_m),
            ] {
                if !LENGTHS_M.contains(&length_m) {
                    return Err(format!(
                        "the ice layer at {z_m} m has the {what} length {length_m:?} m, not {} to {} m",
                        LENGTHS_M.start(),
                        LENGTHS_M.end()
                    ));
                }
            }
            if ice.last().is_some_and(|below: &IceLayer| below.z_m >= z_m) {
                return Err(format!("ice layers must rise; the one at {z_m} m does not"));
            }
            ice.push(layer);
        }
        Ok(Self {
            name: clean(&file.name, LONGEST_NAME),
            sources: file.source,
            site: file.site,
            doms,
            ice,
        })
    }
}

impl From<Detector> for Description {
    fn from(detector: Detector) -> Self {
        Self {
            format: FORMAT.to_owned(),
            name: detector.name,
            source: detector.sources,
            site: detector.site,
            ice_columns: ICE_COLUMNS.map(str::to_owned).to_vec(),
            ice: detector
                .ice
                .iter()
                .map(|layer| {
                    [
                        layer.z_m,
                        layer.scattering_length_m,
                        layer.absorption_length_m,
                    ]
                })
                .collect(),
            dom_columns: DOM_COLUMNS.map(str::to_owned).to_vec(),
            doms: detector
                .doms
                .iter()
                .map(|(id, dom)| {
                    let [x, y, z] = dom.position_m;
                    (id.string, id.dom, x, y, z, dom.relative_efficiency)
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icecube_has_86_strings_of_at_most_60_doms() {
        let detector = Detector::icecube86();
        let strings: std::collections::BTreeSet<u16> =
            detector.doms.keys().map(|id| id.string).collect();
        assert_eq!(strings, (1..=86).collect());
        assert!(detector.doms.keys().all(|id| (1..=60).contains(&id.dom)));
        assert_eq!(detector.doms.len(), 5083);
        assert!(detector.center_m().iter().all(|c| c.abs() < 60.0));
    }

    #[test]
    fn survives_a_round_trip() {
        let detector = Detector::icecube86();
        let text = serde_json::to_vec(&detector).unwrap();
        assert_eq!(Detector::from_json(&text).unwrap(), detector);
    }

    #[test]
    fn refuses_absurd_descriptions() {
        let good: serde_json::Value =
            serde_json::from_slice(include_bytes!("../../../detectors/icecube86.json")).unwrap();
        let spoilt = |path: &str, value: serde_json::Value| {
            let mut text = good.clone();
            *text.pointer_mut(path).unwrap() = value;
            Detector::from_json(&serde_json::to_vec(&text).unwrap())
                .unwrap_err()
                .to_string()
        };
        assert!(spoilt("/format", "x".into()).contains("skyscan-detector-1"));
        assert!(spoilt("/doms/0/4", 1e9.into()).contains("DOM 1-1"));
        assert!(spoilt("/doms/1/1", 1.into()).contains("twice"));
        assert!(spoilt("/ice/3/0", (-1e4).into()).contains("must rise"));
        assert!(spoilt("/site/latitude_deg", 91.into()).contains("not on Earth"));
        let mut misspelt = good.clone();
        misspelt["sources"] = "here".into();
        let error = Detector::from_json(misspelt.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("unknown field `sources`"));
    }
}
