//! What a scan repeated under systematics says beside the answer: how far the best fit moves, and the regions without.

use std::fmt::{self, Formatter};

use serde::{Deserialize, Serialize};

use super::{RegionExtent, area, percent, told};

/// Sets that are larger are not listed: their table is in a file.
const MOST_LISTED: usize = 10;

/// What systematics do to an answer, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Systematics {
    /// Name of the set.
    pub set: String,
    /// SHA-256 of its systematics.
    pub sha256: String,
    /// Pixels that were scanned again, over all systematics.
    pub pixels: u64,
    /// Half of the best fits move by less.
    pub median_shift_deg: f64,
    /// None moves by more.
    pub largest_shift_deg: f64,
    /// The answer as it was without them.
    pub without: Without,
    /// Regions of the envelope: directions that are inside under any of them.
    pub envelope: Vec<RegionExtent>,
    /// The best fit under each, in the order of the set.
    pub shifts: Vec<SystematicShift>,
}

/// An answer without systematics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Without {
    /// Right ascension of the best pixel, J2000.
    pub ra_deg: f64,
    /// Its declination.
    pub dec_deg: f64,
    /// Regions of the first scan, the smallest first.
    pub regions: Vec<RegionExtent>,
    /// SHA-256 of its map: that of a scan that has no systematics.
    pub map_sha256: String,
}

/// The best fit under a systematic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystematicShift {
    /// What it is called.
    pub name: String,
    /// Where it has its best fit, J2000; between pixels where its map shows one.
    pub ra_deg: f64,
    /// Its declination.
    pub dec_deg: f64,
    /// How far that is from the first scan's best fit among pixels of that size, between pixels, too.
    pub shift_deg: f64,
    /// Of that, to the east.
    pub east_deg: f64,
    /// Of that, to the north.
    pub north_deg: f64,
    /// llh of its best pixel less that of these; below zero, the event is more likely so.
    pub llh_above: f64,
}

impl Systematics {
    pub(crate) fn write(&self, f: &mut Formatter<'_>, regions: &[RegionExtent]) -> fmt::Result {
        writeln!(
            f,
            "  Shifts  {} systematics ({}) move the best fit by {:.2} deg in the median, {:.2} at most",
            self.shifts.len(),
            self.set,
            self.median_shift_deg,
            self.largest_shift_deg
        )?;
        let size = |regions: &[RegionExtent]| {
            let region = told(regions, |region| region.containment)?;
            let open = if region.closed { "" } else { " OPEN" };
            Some(format!("{} deg2{open}", area(region.area_deg2)))
        };
        let share =
            told(regions, |region| region.containment).map(|region| percent(region.containment));
        if let (Some(with), Some(without), Some(envelope), Some(share)) = (
            size(regions),
            size(&self.without.regions),
            size(&self.envelope),
            share,
        ) {
            writeln!(
                f,
                "          {share} % with them {with}, without {without}, inside under any {envelope}"
            )?;
        }
        let listed = if self.shifts.len() > MOST_LISTED {
            &[][..]
        } else {
            &self.shifts
        };
        let width = listed
            .iter()
            .map(|shift| shift.name.chars().count())
            .max()
            .unwrap_or(0);
        for SystematicShift {
            name,
            shift_deg,
            east_deg,
            north_deg,
            llh_above,
            ..
        } in listed
        {
            writeln!(
                f,
                "          {name:<width$}  {shift_deg:.2} deg ({east_deg:+.2} E, {north_deg:+.2} N), \
                 llh {llh_above:+.1}"
            )?;
        }
        writeln!(f)
    }
}
