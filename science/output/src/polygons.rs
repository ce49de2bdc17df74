//! Regions as polygons: GeoJSON for programs, two columns of text for people and spreadsheets.

use std::f64::consts::FRAC_PI_2;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::ScanRecord;
use super::conventions::{self, Conventions};
use super::errors::direction_of;
use super::summary::{RegionExtent, percent};
use skyscan_sky::Equatorial;
use skyscan_sky::contour::Contour;
use skyscan_sky::region::{Polygon, Region};

/// Writes all regions as a GeoJSON `FeatureCollection` of `MultiPolygon`s.
///
/// Positions are `[right ascension, declination]` in degrees. Along a ring the right ascension runs
/// on without a jump, so it may leave 0 to 360. A ring around a pole is closed by way of the pole,
/// where the right ascension goes back: in a plane of right ascension and declination, every
/// polygon bounds what it bounds on the sky.
pub(super) fn write_geojson(scan: &ScanRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
    let from_rad = scan.best_fit.map_or(0.0, |best| best.ra_rad);
    let features: Vec<Value> = scan
        .regions
        .iter()
        .map(|region| {
            let polygons: Vec<Value> = region
                .polygons()
                .iter()
                .map(|polygon| rings(polygon, from_rad))
                .collect();
            json!({
                "type": "Feature",
                "properties": RegionExtent::from(region),
                "geometry": {"type": "MultiPolygon", "coordinates": polygons},
            })
        })
        .collect();
    let collection = json!({
        "type": "FeatureCollection",
        "conventions": Conventions::of(scan),
        "positions": "[right ascension, declination] in degrees",
        "event": scan.event,
        "best_fit": scan.best_fit.map(direction_of),
        "quality": scan.doubts(),
        "features": features,
    });
    serde_json::to_writer(&mut *out, &collection)?;
    out.write_all(b"\n")
}

/// The rings of one island: its edge, then its holes, each closed by its first position.
fn rings(polygon: &Polygon, from_rad: f64) -> Value {
    let edge = match &polygon.edge {
        Some(contour) => unrolled(contour, from_rad),
        // The whole sky, cut open at the best fit.
        None => {
            let (west, east) = (from_rad.to_degrees(), from_rad.to_degrees() + 360.0);
            vec![
                [west, -90.0],
                [east, -90.0],
                [east, 90.0],
                [west, 90.0],
                [west, -90.0],
            ]
        }
    };
    let middle = |ring: &[[f64; 2]]| {
        let (low, high) = ring.iter().fold((f64::MAX, f64::MIN), |(low, high), at| {
            (low.min(at[0]), high.max(at[0]))
        });
        0.5 * (low + high)
    };
    let around = middle(&edge);
    let holes = polygon.holes.iter().map(|hole| {
        // Around what it leaves out a hole runs counter-clockwise: turned, then turned back.
        let points = hole.points.iter().rev().copied().collect();
        let mut ring = unrolled(&Contour { points }, from_rad);
        let turns = ((around - middle(&ring)) / 360.0).round() * 360.0;
        for position in &mut ring {
            position[0] += turns;
        }
        ring.reverse();
        ring
    });
    json!(
        std::iter::once(edge.clone())
            .chain(holes)
            .collect::<Vec<_>>()
    )
}

/// The ring in degrees, its right ascension without jumps, beginning next to `from_rad`.
fn unrolled(contour: &Contour, from_rad: f64) -> Vec<[f64; 2]> {
    let turn = |angle: f64| libm::remainder(angle, std::f64::consts::TAU);
    let mut ring: Vec<[f64; 2]> = Vec::with_capacity(contour.points.len() + 3);
    let mut ra = from_rad;
    let mut before = from_rad;
    for point in contour.points.iter().chain(contour.points.first()) {
        ra += turn(point.ra_rad - before);
        before = point.ra_rad;
        ring.push([ra.to_degrees(), point.dec_rad.to_degrees()]);
    }
    let (Some(&first), Some(&last)) = (ring.first(), ring.last()) else {
        return ring;
    };
    // What lies to the left of a line that runs east all around is the north pole.
    if (last[0] - first[0]).abs() > 180.0 {
        let pole = if last[0] > first[0] {
            FRAC_PI_2.to_degrees()
        } else {
            -FRAC_PI_2.to_degrees()
        };
        ring.extend([[last[0], pole], [first[0], pole], first]);
    } else if let Some(closing) = ring.last_mut() {
        *closing = first;
    }
    ring
}

/// Writes the boundary of a region as the text that IceCube's plotting writes: two columns in
/// radians under their names, each line closed by its first point. Lines that begin with `#` say
/// what it is, and where another closed line begins.
pub(super) fn write_text(
    scan: &ScanRecord<'_>,
    region: &Region,
    out: &mut dyn Write,
) -> io::Result<()> {
    for sentence in conventions::sentences(scan) {
        writeln!(out, "# {sentence}")?;
    }
    writeln!(
        out,
        "# This is the {} % region of {:.4} deg2",
        percent(region.containment),
        region.area_deg2
    )?;
    writeln!(out, "\"ra (rad)\" \"dec (rad)\"")?;
    let n_lines = region.contours.len();
    for (i, contour) in region.contours.iter().enumerate() {
        if n_lines > 1 {
            writeln!(out, "# closed line {} of {n_lines}", i + 1)?;
        }
        for Equatorial { ra_rad, dec_rad } in contour.points.iter().chain(contour.points.first()) {
            writeln!(out, "{ra_rad:?} {dec_rad:?}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::Nside;
    use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
    use skyscan_sky::region::RegionMethod;

    /// The largest region around a minimum, in a map of the whole sky.
    fn region_around(ra_deg: f64, dec_deg: f64) -> Region {
        let centre = Equatorial {
            ra_rad: ra_deg.to_radians(),
            dec_rad: dec_deg.to_radians(),
        };
        let mut map = SkyMap::default();
        for pixel in Nside::try_from(32).unwrap().pixels() {
            let off_deg = pixel.center().separation_rad(centre).to_degrees();
            let fit = PixelFit {
                llh: 0.5 * (off_deg / 5.0).powi(2),
                position_m: [0.0; 3],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            map.insert(pixel, PixelOutcome::Fitted(fit));
        }
        RegionMethod::Wilks.regions(&map).pop().unwrap()
    }

    /// Solid angle that a ring bounds in the plane of right ascension and declination, positive if
    /// it runs counter-clockwise there: the integral of the sine of the declination.
    fn bounded_deg2(ring: &[[f64; 2]]) -> f64 {
        let steps = ring.iter().zip(ring.iter().skip(1));
        let integral: f64 = steps
            .map(|([ra, dec], [next_ra, next_dec])| {
                let middle = 0.5 * (dec.to_radians().sin() + next_dec.to_radians().sin());
                (ra - next_ra).to_radians() * middle
            })
            .sum();
        integral * (180.0 / std::f64::consts::PI).powi(2)
    }

    #[test]
    fn a_ring_bounds_its_region_wherever_that_lies() {
        for (ra_deg, dec_deg) in [
            (120.0, 10.0),
            (0.0, -20.0),
            (359.0, 60.0),
            (200.0, 88.0),
            (77.0, 90.0),
            (300.0, -87.0),
            (0.0, -90.0),
        ] {
            let region = region_around(ra_deg, dec_deg);
            let polygons = region.polygons();
            assert_eq!(polygons.len(), 1, "{ra_deg} {dec_deg}");
            let rings = rings(&polygons[0], ra_deg.to_radians());
            let ring: Vec<[f64; 2]> = serde_json::from_value(rings[0].clone()).unwrap();
            assert_eq!(ring.first(), ring.last());
            let share = bounded_deg2(&ring) / region.area_deg2;
            assert!((share - 1.0).abs() < 2e-3, "{ra_deg} {dec_deg}: {share}");
            let jump = ring.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs());
            let at_pole = |at: [f64; 2]| at[1].abs() == 90.0;
            let jumps = jump
                .zip(ring.windows(2))
                .filter(|(jump, pair)| *jump > 180.0 && !(at_pole(pair[0]) && at_pole(pair[1])));
            assert_eq!(jumps.count(), 0, "{ra_deg} {dec_deg}");
        }
    }
}
