//! Checks contours and areas on a real scan of another program, whose own numbers are known.

use std::error::Error;

use libtest_mimic::{Failed, Trial};
use skyscan::output::{Declination, read_scan_file};
use skyscan::sky::map::SkyMap;
use skyscan::sky::region::{self, Region, WILKS_90};

use crate::needs::{self, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    let (scan, missing) = needs::reference_scan();
    let trial = |name: &str, test: fn(&SkyMap) -> Result<(), Box<dyn Error>>| {
        let scan = scan.clone();
        trial_with(missing, format!("sky_regions::{name}"), move || {
            // The scan has the old convention: its declinations are mirrored.
            let file = read_scan_file(&scan, Some(Declination::Mirrored))?;
            test(&file.map).map_err(Failed::from)
        })
    };
    vec![
        trial("the_best_fit_is_the_published_one", best_fit),
        trial("areas_are_those_of_skyreader", areas),
        trial("errors_are_those_of_skyreader", errors),
        trial("regions_contain_each_other", nesting),
    ]
}

fn best_fit(map: &SkyMap) -> Result<(), Box<dyn Error>> {
    let (pixel, fit) = map.best().ok_or("nothing was fitted")?;
    let centre = pixel.center();
    near("ra", centre.ra_rad.to_degrees(), 224.12, 1e-4)?;
    near("dec", centre.dec_rad.to_degrees(), 41.31, 1e-3)?;
    near("llh", fit.llh, 1847.1616, 1e-7)
}

/// skyreader 1.6: contours of the same scan at the Wilks and at the two calibrated levels.
fn areas(map: &SkyMap) -> Result<(), Box<dyn Error>> {
    for (level, containment, area_deg2) in [
        (WILKS_90, 0.9, 0.1553),
        (22.2, 0.5, 2.353),
        (64.2, 0.9, 7.487),
    ] {
        let region = found(map, level, containment)?;
        near("area", region.area_deg2, area_deg2, 0.01)?;
        if region.contours.len() != 1 {
            return Err(format!("{} lines at level {level}", region.contours.len()).into());
        }
    }
    Ok(())
}

fn errors(map: &SkyMap) -> Result<(), Box<dyn Error>> {
    let region = found(map, 64.2, 0.9)?;
    near("ra plus", region.ra_plus_deg, 2.23, 0.03)?;
    near("ra minus", region.ra_minus_deg, 1.95, 0.03)?;
    near("dec plus", region.dec_plus_deg, 1.56, 0.05)?;
    near("dec minus", region.dec_minus_deg, 1.56, 0.05)
}

fn nesting(map: &SkyMap) -> Result<(), Box<dyn Error>> {
    let regions = [WILKS_90, 22.2, 64.2, 300.0, 2000.0]
        .iter()
        .map(|&level| found(map, level, 0.9))
        .collect::<Result<Vec<Region>, _>>()?;
    let best = map.best().ok_or("nothing was fitted")?.0.center();
    for pair in regions.windows(2) {
        if !pair[0].contains(best) || pair[0].area_deg2 >= pair[1].area_deg2 {
            return Err(format!("levels {} and {}", pair[0].level, pair[1].level).into());
        }
        for point in pair[0].contours.iter().flat_map(|contour| &contour.points) {
            if !pair[1].contains(*point) {
                return Err(format!("{point:?} is outside level {}", pair[1].level).into());
            }
        }
    }
    Ok(())
}

fn found(map: &SkyMap, level: f64, containment: f64) -> Result<Region, Box<dyn Error>> {
    Ok(region::containment(map, level, containment).ok_or("no region")?)
}

fn near(what: &str, found: f64, expected: f64, share: f64) -> Result<(), Box<dyn Error>> {
    if (found / expected - 1.0).abs() <= share {
        Ok(())
    } else {
        Err(format!("{what} is {found}, expected {expected}").into())
    }
}
