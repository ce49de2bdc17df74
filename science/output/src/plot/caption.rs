//! The words that both figures share: which event, when, where.

use std::cmp::Reverse;

use super::graticule::signed;
use crate::summary::{all_around, told};
use crate::{Doubt, ScanRecord, doubt, sexagesimal};
use skyscan_sky::Equatorial;
use skyscan_sky::region::Region;

/// Longer stream names are cut: they come from the alert.
const LONGEST_STREAM: usize = 24;

/// `Run 136766 · Event 7637140 · GOLD`.
pub(crate) fn title(scan: &ScanRecord<'_>) -> String {
    let event = &scan.event;
    let mut title = format!("Run {} · Event {}", event.run_id, event.event_id);
    if !event.stream.is_empty() {
        title.push_str(" · ");
        title.extend(event.stream.chars().take(LONGEST_STREAM));
    }
    title
}

/// `2022-06-24 16:13:16 UTC · pandel-mpe`, and the doubts that are no warnings.
pub(crate) fn subtitle(scan: &ScanRecord<'_>) -> String {
    let time = match sexagesimal::utc(scan.event.mjd) {
        Some(utc) => format!("{utc} UTC"),
        None => format!("MJD {}", scan.event.mjd),
    };
    let mut words = format!("{time} · {}", scan.reco);
    let mut doubts = scan.doubts();
    doubts.retain(|doubt| warning(*doubt).is_none());
    if !doubts.is_empty() {
        words.push_str(" · ");
        words.push_str(&doubt::names(&doubts).replace('_', " "));
    }
    words
}

/// What has to be seen before the picture is believed; short ones are below long ones, where there is less room.
pub(super) fn warnings(scan: &ScanRecord<'_>) -> Vec<&'static str> {
    let mut warnings: Vec<_> = scan.doubts().into_iter().filter_map(warning).collect();
    warnings.sort_by_key(|words| Reverse(words.len()));
    warnings
}

/// Doubts that are said aloud: nobody is to point a telescope by such a picture.
fn warning(doubt: Doubt) -> Option<&'static str> {
    match doubt {
        Doubt::Open => Some("OPEN REGION: source may lie outside"),
        Doubt::Incomplete => Some("INCOMPLETE SCAN"),
        Doubt::Wide => Some("HARDLY A DIRECTION: wide region"),
        Doubt::WithoutSystematics => Some("WITHOUT SYSTEMATICS"),
        Doubt::Envelope => Some("ENVELOPE: best fit is none"),
        Doubt::Unsupported => Some("REGIONS DO NOT HOLD"),
        Doubt::Rough => Some("ROUGH DIRECTION"),
        Doubt::Coarse
        | Doubt::Grown
        | Doubt::SecondMinimum
        | Doubt::FailedPixels
        | Doubt::FewDoms
        | Doubt::SaturatedLight
        | Doubt::Extrapolated
        | Doubt::Uncounted => None,
    }
}

/// What stands behind the size of a region that is not closed.
pub(super) fn open(region: &Region) -> &'static str {
    match region.is_closed() {
        true => "",
        false => ", open",
    }
}

/// One coordinate of the best fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coordinate {
    /// `RA` or `Dec`.
    pub(super) name: &'static str,
    /// `224.12°`.
    pub(super) value: String,
    /// `+2.20° −1.93°`; empty without a region.
    pub(super) errors: String,
    /// `14h 56m 28.8s`.
    pub(super) sexagesimal: String,
}

/// Right ascension, then declination, with the reach of the region that is told.
pub(super) fn coordinates(best: Equatorial, regions: &[Region]) -> [Coordinate; 2] {
    let (ra_deg, dec_deg) = (best.ra_rad.to_degrees(), best.dec_rad.to_degrees());
    let errors = |plus: f64, minus: f64| {
        if all_around(plus, minus) {
            "any".to_owned()
        } else {
            format!("+{plus:.2}° −{minus:.2}°")
        }
    };
    let widest = widest(regions);
    [
        Coordinate {
            name: "RA",
            value: format!("{}°", sexagesimal::ra_degrees(ra_deg)),
            errors: widest.map_or_else(String::new, |r| errors(r.ra_plus_deg, r.ra_minus_deg)),
            sexagesimal: sexagesimal::hours(ra_deg),
        },
        Coordinate {
            name: "Dec",
            value: format!("{}°", signed(dec_deg, 2)),
            errors: widest.map_or_else(String::new, |r| errors(r.dec_plus_deg, r.dec_minus_deg)),
            sexagesimal: primes(&sexagesimal::degrees(dec_deg)),
        },
    ]
}

/// The region whose reach is told.
pub(super) fn widest(regions: &[Region]) -> Option<&Region> {
    told(regions, |region| region.containment)
}

/// `+41d 18m 36s` as `+41° 18′ 36″`.
fn primes(degrees: &str) -> String {
    let mut words = String::new();
    for c in degrees.chars() {
        words.push(match c {
            'd' => '°',
            'm' => '′',
            's' => '″',
            '-' => '−',
            c => c,
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_read_as_in_a_circular() {
        let best = Equatorial {
            ra_rad: 224.12_f64.to_radians(),
            dec_rad: (-41.31_f64).to_radians(),
        };
        let region = Region {
            containment: 0.9,
            level: 4.61,
            contour_level: 4.61,
            floor_deg: 0.0,
            area_deg2: 7.5,
            ra_plus_deg: 2.2,
            ra_minus_deg: 1.93,
            dec_plus_deg: 1.5,
            dec_minus_deg: 1.47,
            gaps: Vec::new(),
            is_coarse: false,
            contours: Vec::new(),
        };
        let [ra, dec] = coordinates(best, &[region]);
        assert_eq!(
            (ra.value.as_str(), ra.errors.as_str()),
            ("224.12°", "+2.20° −1.93°")
        );
        assert_eq!(ra.sexagesimal, "14h 56m 28.8s");
        assert_eq!(
            (dec.value.as_str(), dec.errors.as_str()),
            ("−41.31°", "+1.50° −1.47°")
        );
        assert_eq!(dec.sexagesimal, "−41° 18′ 36″");
    }
}
