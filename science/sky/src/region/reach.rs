//! How far a region reaches from the best fit in right ascension and declination.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::Equatorial;
use crate::contour::Contour;

/// The four errors of the best fit, none negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub(super) ra_plus_deg: f64,
    pub(super) ra_minus_deg: f64,
    pub(super) dec_plus_deg: f64,
    pub(super) dec_minus_deg: f64,
}

impl Reach {
    /// `north` and `south` tell whether the region holds that pole.
    pub(super) fn of(contours: &[Contour], centre: Equatorial, north: bool, south: bool) -> Self {
        let mut decs = contours
            .iter()
            .flat_map(|contour| &contour.points)
            .map(|point| point.dec_rad)
            .collect::<Vec<f64>>();
        if north || contours.is_empty() {
            decs.push(FRAC_PI_2);
        }
        if south || contours.is_empty() {
            decs.push(-FRAC_PI_2);
        }
        let highest = decs.iter().copied().fold(centre.dec_rad, f64::max);
        let lowest = decs.iter().copied().fold(centre.dec_rad, f64::min);

        let mut ra_plus = 0f64;
        let mut ra_minus = 0f64;
        let mut surrounds_pole = north || south || contours.is_empty();
        for contour in contours {
            match ra_span(contour, centre.ra_rad) {
                Some((east, west)) => {
                    ra_plus = ra_plus.max(east);
                    ra_minus = ra_minus.max(-west);
                }
                None => surrounds_pole = true,
            }
        }
        if surrounds_pole {
            (ra_plus, ra_minus) = (PI, PI);
        }
        Self {
            ra_plus_deg: ra_plus.min(PI).to_degrees(),
            ra_minus_deg: ra_minus.min(PI).to_degrees(),
            dec_plus_deg: (highest - centre.dec_rad).to_degrees(),
            dec_minus_deg: (centre.dec_rad - lowest).to_degrees(),
        }
    }
}

/// The most eastern and the most western right ascension of a line, counted from another one and
/// followed along the line, so that neither RA 0 nor a wide line breaks it. None if the line runs
/// around a pole.
fn ra_span(contour: &Contour, from_rad: f64) -> Option<(f64, f64)> {
    let first = contour.points.first()?.ra_rad;
    let mut ra = nearest_turn(first - from_rad);
    let start = ra;
    let (mut east, mut west) = (ra, ra);
    let mut previous = first;
    for point in contour.points.iter().skip(1).chain(&contour.points[..1]) {
        ra += nearest_turn(point.ra_rad - previous);
        previous = point.ra_rad;
        east = east.max(ra);
        west = west.min(ra);
    }
    if (ra - start).abs() > PI {
        return None;
    }
    // A wide line that begins on the far side may have been put a turn away from its nearest place.
    let turns = (0.5 * (east + west) / TAU).round();
    Some((east - turns * TAU, west - turns * TAU))
}

/// An angle brought to -pi to pi.
fn nearest_turn(angle_rad: f64) -> f64 {
    angle_rad - TAU * (angle_rad / TAU).round()
}
