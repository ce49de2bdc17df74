#![doc = include_str!("../README.md")]
//!
//! What a scan leaves behind: result files, plots and the summary.
//!
//! Nothing here decides anything: the map, the best fit and the regions come from [`skyscan_sky`]
//! and every file shows the same ones. Each file is written whole or not at all.

mod alert;
pub mod comparison;
mod conventions;
mod doubt;
pub mod drawing;
mod ds9;
mod errors;
pub mod file;
mod fits;
pub mod interim;
mod map_view;
mod maps;
mod npy;
pub mod plot;
mod polygons;
mod result;
mod second_minimum;
mod sexagesimal;
mod shelf;
mod sub_pixel;
pub mod summary;
mod systematics;
pub mod timeline;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use comparison::{Comparison, Side};
pub use doubt::{Doubt, FEWEST_DOMS, hit_doms};
pub use map_view::MapView;
pub use result::read::{Declination, ScanFile, ScanFileError, Values, read as read_scan_file};
pub use second_minimum::SecondMinimum;
pub use shelf::{FailedFile, Withheld, Written};
pub use sub_pixel::SubPixel;

use serde::{Deserialize, Serialize};

use drawing::DrawingError;
use shelf::Shelf;
use skyscan_event::Event;
use skyscan_sky::map::SkyMap;
use skyscan_sky::probability::ProbabilityMap;
use skyscan_sky::region::{Region, RegionChoice, RegionMethod};
use skyscan_sky::sub_pixel::SubPixelFit;
use skyscan_sky::{Equatorial, Nside};
use summary::Systematics;

/// Which event a file is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventIdentity {
    /// Run number.
    pub run_id: u32,
    /// Event number within the run.
    pub event_id: u32,
    /// Start of the event, UTC as a modified Julian date.
    pub mjd: f64,
    /// Alert stream, for example `GOLD`; empty if unknown. Not part of the JSON summary.
    #[serde(skip)]
    pub stream: String,
}

impl From<&Event> for EventIdentity {
    fn from(event: &Event) -> Self {
        Self {
            run_id: event.run_id,
            event_id: event.event_id,
            mjd: event.mjd,
            stream: event.stream.clone(),
        }
    }
}

impl EventIdentity {
    /// `run00136766.evt000007637140.GOLD`, as the field names its files. The stream comes from
    /// the alert: whatever could leave the folder is replaced.
    pub fn file_stem(&self) -> String {
        let stream: String = self
            .stream
            .chars()
            .take(32)
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let stream = if stream.is_empty() {
            "unknown"
        } else {
            &stream
        };
        format!("run{:08}.evt{:012}.{stream}", self.run_id, self.event_id)
    }
}

/// A finished scan, or one that was stopped: all that its files show.
#[derive(Clone, Debug)]
pub struct ScanRecord<'a> {
    /// Which event it was.
    pub event: EventIdentity,
    /// Name of the reconstruction.
    pub reco: &'a str,
    /// Which numerics it was made with (`skyscan_scan::NUMERICS`), if known.
    pub numerics: Option<u32>,
    /// Name of the detector; empty if unknown.
    pub detector: &'a str,
    /// Every pixel scanned.
    pub map: &'a SkyMap,
    /// The rounds in which every planned pixel was scanned.
    pub complete: BTreeSet<Nside>,
    /// Centre of the best pixel, if any was fitted.
    pub best_fit: Option<Equatorial>,
    /// The best fit between pixel centres, where the map shows one.
    pub sub_pixel: Option<SubPixelFit>,
    /// How the levels of the regions were chosen.
    pub method: RegionMethod,
    /// Containment regions, the smallest first.
    pub regions: &'a [Region],
    /// Hit DOMs, if the event is known.
    pub hit_doms: Option<usize>,
    /// What the event itself gives reason to doubt.
    pub event_doubts: &'a [Doubt],
    /// Directions of others, to be seen in the pictures.
    pub marks: &'a [Mark],
    /// When a draft of a notice is written.
    pub drafts: Drafts,
    /// What systematics say, if the map is an average over them.
    pub systematics: Option<Varied<'a>>,
}

impl<'a> ScanRecord<'a> {
    /// A whole scan of which nothing is known but its map.
    pub fn of_map(map: &'a SkyMap, event: EventIdentity, reco: &'a str) -> Self {
        Self {
            event,
            reco,
            numerics: None,
            detector: "",
            map,
            complete: map.rounds().keys().copied().collect(),
            best_fit: map.best().map(|(pixel, _)| pixel.center()),
            sub_pixel: None,
            method: RegionMethod::Wilks,
            regions: &[],
            hit_doms: None,
            event_doubts: &[],
            marks: &[],
            drafts: Drafts::default(),
            systematics: None,
        }
    }
}

/// All that files show of systematics.
#[derive(Clone, Copy, Debug)]
pub struct Varied<'a> {
    /// The numbers.
    pub told: &'a Systematics,
    /// Regions of the first scan.
    pub without: &'a [Region],
    /// Regions of the envelope.
    pub envelope: &'a [Region],
    /// Map of the envelope.
    pub envelope_map: &'a SkyMap,
}

/// A direction that is shown beside what was found, such as that of a star or of another fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What it is.
    pub name: String,
    /// Where it is.
    pub at: Equatorial,
}

/// The regions of a map, the smallest first. `complete` are the rounds in which no planned pixel is
/// missing: in others, what is coarse counts as not scanned.
pub fn regions(map: &SkyMap, choice: &RegionChoice, complete: &BTreeSet<Nside>) -> Vec<Region> {
    let regions = choice.regions(map).into_iter();
    match map.rounds().keys().all(|nside| complete.contains(nside)) {
        true => regions.collect(),
        false => regions.map(Region::of_stopped_scan).collect(),
    }
}

/// Whether no planned pixel is missing in any round, nor systematics that were asked for.
fn is_complete(map: &SkyMap, complete: &BTreeSet<Nside>, event_doubts: &[Doubt]) -> bool {
    let mut rounds = map.rounds().keys();
    rounds.all(|nside| complete.contains(nside))
        && !event_doubts.contains(&Doubt::WithoutSystematics)
}

/// When a draft of a notice is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drafts {
    /// If all regions are closed: a notice has no place to say that one is not.
    #[default]
    OfClosedRegions,
    /// Whatever the regions are like.
    Always,
}

impl ScanRecord<'_> {
    fn is_complete(&self) -> bool {
        is_complete(self.map, &self.complete, self.event_doubts)
    }

    fn systematics_sha256(&self) -> Option<&str> {
        Some(self.systematics.as_ref()?.told.sha256.as_str())
    }

    /// What makes the answer doubtful.
    pub fn doubts(&self) -> Vec<Doubt> {
        Doubt::of_map(
            self.map,
            self.regions,
            &self.method,
            self.is_complete(),
            self.event_doubts,
        )
    }

    /// In a sentence or two, what open regions meet and what to do; none if all are closed.
    fn opening(&self) -> Option<String> {
        doubt::opening(self.regions.iter().flat_map(|region| &region.gaps))
    }
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The folder for the files is not there and cannot be made.
    #[error("failed to create folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file in it cannot be written.
    #[error("failed to write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A picture cannot be drawn or compressed.
    #[error("failed to draw {path}")]
    Draw {
        /// The file it was for.
        path: PathBuf,
        /// What went wrong.
        source: DrawingError,
    },
}

/// Writes every file of a scan into `dir` (made if missing): the result that `skyreader` reads as
/// JSON and npz, probability maps, regions, a draft of an alert, errors, then the full sky and the
/// zoom, each as PNG and as SVG, and what systematics say, if there are any. Without a best fit there is
/// nothing to show: then the result stands alone. A file that cannot be written keeps none of the others away.
pub fn write_all(dir: &Path, scan: &ScanRecord<'_>) -> Written {
    let mut shelf = match Shelf::in_folder(dir) {
        Ok(shelf) => shelf,
        Err(unwritten) => return unwritten,
    };
    shelf.put(&result::file_name(scan, "json"), |out| {
        result::write(scan, out)
    });
    shelf.put(&result::file_name(scan, "npz"), |out| {
        result::archive::write(scan, out)
    });
    put_maps(&mut shelf, scan);
    put_plots(&mut shelf, scan);
    if let Some(varied) = &scan.systematics {
        systematics::put(&mut shelf, scan, varied);
    }
    shelf.written
}

/// Probability maps, regions and what is made of them.
fn put_maps(shelf: &mut Shelf<'_>, scan: &ScanRecord<'_>) {
    let Some(map) = ProbabilityMap::of(scan.map) else {
        return;
    };
    let named = |end: &str| format!("{}.{end}", scan.event.file_stem());
    if let Some(nside) = maps::flat_nside(&map) {
        let name = named(&format!("skymap_nside_{nside}_probability.fits.gz"));
        shelf.put(&name, |out| maps::write_flat(scan, &map, nside, out));
    }
    shelf.put(&named("multiorder.fits"), |out| {
        maps::write_multi_order(scan, &map, out)
    });
    for region in scan.regions {
        let share = summary::percent(region.containment);
        shelf.put(&named(&format!("region_{share}.moc.fits")), |out| {
            maps::write_region(scan, region, out)
        });
        shelf.put(&named(&format!("contour_{share}.txt")), |out| {
            polygons::write_text(scan, region, out)
        });
    }
    shelf.put(&named("regions.geojson"), |out| {
        polygons::write_geojson(scan, out)
    });
    shelf.put(&named("regions.reg"), |out| ds9::write(scan, out));
    let is_open = !scan.regions.iter().all(Region::is_closed);
    let doubts = scan.doubts();
    // The answer says that no direction is to be sent.
    let forbids = doubts.iter().find(|doubt| doubt.forbids_to_send());
    match forbids {
        Some(doubt) => shelf.written.withheld = Some(Withheld::Forbidden(doubt.name())),
        None if is_open && scan.drafts == Drafts::OfClosedRegions => {
            shelf.written.withheld = Some(Withheld::Open);
        }
        None => shelf.put(&named("gcn.json"), |out| alert::write(scan, &map, out)),
    }
    shelf.put(&named("errors.json"), |out| errors::write(scan, out));
}

/// The full sky and the zoom, into `dir`, made if missing.
pub fn write_plots(dir: &Path, scan: &ScanRecord<'_>) -> Written {
    match Shelf::in_folder(dir) {
        Ok(mut shelf) => {
            put_plots(&mut shelf, scan);
            shelf.written
        }
        Err(unwritten) => unwritten,
    }
}

fn put_plots(shelf: &mut Shelf<'_>, scan: &ScanRecord<'_>) {
    for (name, figure) in [("sky", plot::full_sky(scan)), ("zoom", plot::zoom(scan))] {
        if let Some(figure) = figure {
            shelf.put_figure(&format!("{}.{name}", scan.event.file_stem()), &figure);
        }
    }
}

/// The regions of two maps over one another, into `dir`, made if missing.
pub fn write_comparison(dir: &Path, sides: [&Side; 2], comparison: &Comparison) -> Written {
    match Shelf::in_folder(dir) {
        Ok(mut shelf) => {
            let figure = plot::comparison::compose(sides, comparison);
            shelf.put_figure("comparison", &figure);
            shelf.written
        }
        Err(unwritten) => unwritten,
    }
}

/// Writes only the map, as the npz archive that `skyreader` reads, into a folder that is there; regions are not
/// told of.
pub fn write_archive(
    dir: &Path,
    name: &str,
    map: &SkyMap,
    event: EventIdentity,
    reco: &str,
    numerics: u32,
) -> Result<PathBuf, OutputError> {
    let record = ScanRecord {
        numerics: Some(numerics),
        ..ScanRecord::of_map(map, event, reco)
    };
    file::write_atomically(dir, name, |out| result::archive::write(&record, out))
}

/// Writes only the result that `skyreader` reads and returns its path.
pub fn write_result(dir: &Path, scan: &ScanRecord<'_>) -> Result<PathBuf, OutputError> {
    file::write_atomically(dir, &result::file_name(scan, "json"), |out| {
        result::write(scan, out)
    })
}
