//! Systematics of a scan: which set is asked for, and what the maps under it say together.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::actors::scanner::{Ending, Scanned};
use crate::cli::{Failure, bad_input};
use crate::output::summary::{RegionExtent, SystematicShift, Systematics, Without};
use crate::output::{self, Varied};
use crate::reco::Reco;
use crate::reco::systematics::{LARGEST_SET, SystematicSet};
use crate::scan::Plan;
use crate::scan::systematics::{Combined, Shift};
use crate::sky::map::SkyMap;
use crate::sky::region::{Region, RegionChoice};

/// The set of a name or file, for a reconstruction that can tell each of its systematics from the others.
pub(in crate::cli) fn read(named: &str, reco: Option<&dyn Reco>) -> Result<SystematicSet, Failure> {
    let set = match named {
        "quick" => SystematicSet::quick(),
        "full" => SystematicSet::full(),
        path => read_file(Path::new(path)).map_err(bad_input)?,
    };
    let Some(reco) = reco else {
        return Err(bad_input(anyhow!(
            "--systematics goes with a built-in reco: what another program knows of ice cannot be changed from here"
        )));
    };
    let refused: Vec<(&str, String)> = (set.systematics.iter())
        .filter_map(|systematic| Some((systematic.name.as_str(), reco.under(systematic).err()?)))
        .collect();
    match refused.first() {
        None => {}
        Some((_, reason)) if refused.len() == set.systematics.len() => {
            return Err(bad_input(anyhow!(
                "--systematics {named}: {reason}, so that no case of it can be scanned: choose another --reco"
            )));
        }
        Some((name, reason)) => {
            return Err(bad_input(anyhow!(
                "--systematics {named}: {name:?} cannot be scanned: {reason}. Take it out of the set, or choose another \
                 --reco"
            )));
        }
    }
    Ok(set)
}

fn read_file(path: &Path) -> anyhow::Result<SystematicSet> {
    let read = || -> anyhow::Result<SystematicSet> {
        let mut text = Vec::new();
        File::open(path)?
            .take(LARGEST_SET + 1)
            .read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST_SET {
            return Err(anyhow!("it has more than {LARGEST_SET} bytes"));
        }
        Ok(SystematicSet::read(&text)?)
    };
    let shown = path.display();
    read().with_context(|| format!("cannot use {shown}; --systematics takes quick, full or a file"))
}

/// What the systematics of a scan come to.
#[derive(Debug)]
pub(super) struct Averaged {
    pub(super) combined: Combined,
    told: Systematics,
    without: Vec<Region>,
    envelope: Vec<Region>,
}

impl Averaged {
    /// None without systematics, or where they are not finished.
    pub(super) fn of(
        scanned: &Scanned,
        set: Option<&SystematicSet>,
        choice: &RegionChoice,
        plan: &Plan,
    ) -> Option<Self> {
        let set = set.filter(|_| scanned.ending == Ending::Fulfilled)?;
        let atlas = scanned.atlas();
        let combined = Combined::of(&atlas)?;
        let (best, _) = scanned.map.best()?;
        let first = combined.first;
        let regions = |map: &SkyMap| {
            let complete = super::complete_rounds(map, true, plan);
            output::regions(map, choice, &complete)
        };
        let (without, envelope) = (regions(&scanned.map), regions(&combined.envelope));
        let extents = |regions: &[Region]| regions.iter().map(RegionExtent::from).collect();
        let shifts: Vec<SystematicShift> = (combined.shifts.iter())
            .filter_map(|shift| {
                let name = set.get(shift.systematic)?.name.clone();
                Some(told(name, shift, &first))
            })
            .collect();
        let mut sizes: Vec<f64> = shifts.iter().map(|shift| shift.shift_deg).collect();
        sizes.sort_by(f64::total_cmp);
        let middle = [
            sizes.get((sizes.len() - 1) / 2)?,
            sizes.get(sizes.len() / 2)?,
        ];
        let told = Systematics {
            set: set.name.clone(),
            sha256: set.sha256_hex(),
            pixels: scanned.varied.values().map(|map| map.len() as u64).sum(),
            median_shift_deg: 0.5 * (middle[0] + middle[1]),
            largest_shift_deg: *sizes.last()?,
            without: Without {
                ra_deg: best.center().ra_rad.to_degrees(),
                dec_deg: best.center().dec_rad.to_degrees(),
                regions: extents(&without),
                map_sha256: scanned.map.sha256_hex(),
            },
            envelope: extents(&envelope),
            shifts,
        };
        Some(Self {
            combined,
            told,
            without,
            envelope,
        })
    }

    /// The numbers.
    pub(super) fn told(&self) -> &Systematics {
        &self.told
    }

    /// What files show.
    pub(super) fn shown(&self) -> Varied<'_> {
        Varied {
            told: &self.told,
            without: &self.without,
            envelope: &self.envelope,
            envelope_map: &self.combined.envelope,
        }
    }
}

fn told(name: String, shift: &Shift, first: &Shift) -> SystematicShift {
    let (from, to) = (first.best, shift.best);
    let shift_rad = from.separation_rad(to);
    // Direction of the shift: the angle between north and the great circle.
    let (sin, cos) = (to.ra_rad - from.ra_rad).sin_cos();
    let east = to.dec_rad.cos() * sin;
    let north = to.dec_rad.sin() * from.dec_rad.cos() - to.dec_rad.cos() * from.dec_rad.sin() * cos;
    let length = east.hypot(north).max(f64::MIN_POSITIVE);
    SystematicShift {
        name,
        ra_deg: to.ra_rad.to_degrees(),
        dec_deg: to.dec_rad.to_degrees(),
        shift_deg: shift_rad.to_degrees(),
        east_deg: shift_rad.to_degrees() * east / length,
        north_deg: shift_rad.to_degrees() * north / length,
        llh_above: shift.llh - first.llh,
    }
}
