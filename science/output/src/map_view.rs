//! What a result file says, in short: the JSON object and the text of `skyscan map show`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::summary::{self, RegionExtent, failure_counts, pixel_counts};
use super::{Declination, Doubt, EventIdentity, ScanFile, SecondMinimum, SubPixel, Values};
use skyscan_sky::Nside;
use skyscan_sky::region::{MethodNote, RegionChoice};
use skyscan_sky::sub_pixel::SubPixelFit;

/// A map that was read back. Serialises to JSON; `Display` is the text for people.
#[derive(Clone, Debug, Serialize)]
pub struct MapView {
    /// Which event it was, as far as the file tells.
    event: Option<EventIdentity>,
    /// Run and event number of a file that has no date.
    run_and_event: Option<(u32, u32)>,
    reco: String,
    /// What the numbers of the file are.
    values: Values,
    /// The map was mirrored back when it was read.
    declination_was_mirrored: bool,
    best_fit: Option<Best>,
    sub_pixel: Option<SubPixel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_minimum: Option<SecondMinimum>,
    #[serde(flatten)]
    regions_made: MethodNote,
    regions: Vec<RegionExtent>,
    quality: Vec<Doubt>,
    pixels: BTreeMap<Nside, u64>,
    failed: BTreeMap<String, u64>,
    complete: bool,
    map_sha256: String,
}

#[derive(Clone, Debug, Serialize)]
struct Best {
    ra_deg: f64,
    dec_deg: f64,
    llh: f64,
}

impl MapView {
    /// Regions are made anew by a method, whatever the file was written with, but for maps of
    /// probabilities: see [`ScanFile::region_method`].
    pub fn new(file: &ScanFile, asked: &RegionChoice) -> Self {
        let map = &file.map;
        let method = file.region_method(asked.method());
        let regions = file.regions(asked);
        let complete = file.is_complete();
        Self {
            event: file.identity(None),
            run_and_event: file.run_and_event,
            reco: file.reco.clone(),
            values: file.values,
            declination_was_mirrored: file.declination == Declination::Mirrored,
            best_fit: map.best().map(|(pixel, fit)| Best {
                ra_deg: pixel.center().ra_rad.to_degrees(),
                dec_deg: pixel.center().dec_rad.to_degrees(),
                llh: fit.llh,
            }),
            sub_pixel: SubPixelFit::of(map).as_ref().map(SubPixel::from),
            second_minimum: SecondMinimum::of(map, &regions),
            regions_made: MethodNote::from(&method),
            regions: regions.iter().map(Into::into).collect(),
            quality: Doubt::of_map(map, &regions, &method, complete, &file.event_doubts),
            pixels: pixel_counts(map),
            failed: failure_counts(map),
            complete,
            map_sha256: map.sha256_hex(),
        }
    }
}

impl Display for MapView {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&summary::written(|f| self.write(f), summary::WIDTH))
    }
}

impl MapView {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.complete {
            writeln!(
                f,
                "WARNING: INCOMPLETE SCAN. The direction may still have changed.\n"
            )?;
        }
        summary::opening(f, &self.regions)?;
        match (&self.event, self.run_and_event) {
            (Some(event), _) => summary::heading(f, event)?,
            (None, Some((run, event))) => {
                writeln!(f, "Run {run}  event {event}  at an unknown time\n")?;
            }
            (None, None) => writeln!(f, "Unknown event\n")?,
        }
        match &self.best_fit {
            Some(best) => {
                let direction = [best.ra_deg, best.dec_deg];
                summary::direction(
                    f,
                    direction,
                    &self.regions,
                    &self.regions_made,
                    &self.quality,
                )?;
                let reco = if self.reco.is_empty() {
                    "unknown reco"
                } else {
                    &self.reco
                };
                match self.values {
                    Values::Llh => writeln!(f, "  Fit     llh {:.3}, {reco}", best.llh)?,
                    Values::Probability => writeln!(f, "  Fit     {reco}")?,
                }
                summary::sub_pixel(f, self.sub_pixel.as_ref())?;
            }
            None if self.pixels.is_empty() => writeln!(f, "  NO BEST FIT: no pixel is done yet\n")?,
            None => writeln!(f, "  NO BEST FIT: every pixel failed\n")?,
        }
        let pixels: Vec<String> = self
            .pixels
            .iter()
            .map(|(nside, n)| format!("{n} at nside {nside}"))
            .collect();
        if let Some(second) = &self.second_minimum {
            second.write(f)?;
        }
        summary::doubts(f, &self.quality)?;
        writeln!(f, "  Pixels  {}", pixels.join(", "))?;
        let failed: u64 = self.failed.values().sum();
        if failed > 0 {
            writeln!(f, "  FAILED  {failed} pixels")?;
        }
        if self.values == Values::Probability {
            writeln!(
                f,
                "  Values  probabilities: llh is -ln of their density, 0 at the best pixel; regions are the \
                 smallest with their shares"
            )?;
        }
        if self.declination_was_mirrored {
            writeln!(
                f,
                "  Dec     was of the wrong sign in the file and is put right here"
            )?;
        }
        summary::map_hash(f, &self.map_sha256)
    }
}
