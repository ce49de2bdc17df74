//! Directions as people write them: in degrees, in hours and minutes, galactic, or by the name of a
//! guess that comes with an event.

use std::str::FromStr;

use super::{Equatorial, full_turn};

/// A direction as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Direction {
    /// A place in the sky.
    At(Equatorial),
    /// Where the guess of this name points, which the event has to tell.
    Seed(String),
}

/// What cannot be read as a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write RA,DEC in degrees (138.6,-0.1) or sexagesimal (09h14m24s,-00d06m00s or 09:14:24,-00:06:00), \
     gal:L,B in degrees, or seed:NAME for a guess that the event has"
)]
pub struct InvalidDirection;

impl FromStr for Direction {
    type Err = InvalidDirection;

    fn from_str(text: &str) -> Result<Self, InvalidDirection> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("seed:") {
            return match name.is_empty() {
                true => Err(InvalidDirection),
                false => Ok(Self::Seed(name.to_owned())),
            };
        }
        let (is_galactic, pair) = match text.strip_prefix("gal:") {
            Some(pair) => (true, pair),
            None => (false, text),
        };
        let (first, second) = pair.split_once(',').ok_or(InvalidDirection)?;
        let longitude_deg = match is_sexagesimal(first) {
            true if is_galactic => return Err(InvalidDirection),
            true if first.contains('d') => sexagesimal(first, 'd')?,
            true => 15.0 * sexagesimal(first, 'h')?,
            false => number(first)?,
        };
        let latitude_deg = match is_sexagesimal(second) {
            true => sexagesimal(second, 'd')?,
            false => number(second)?,
        };
        if !longitude_deg.is_finite() || !(-90.0..=90.0).contains(&latitude_deg) {
            return Err(InvalidDirection);
        }
        let direction = Equatorial {
            ra_rad: full_turn(longitude_deg.to_radians()),
            dec_rad: latitude_deg.to_radians(),
        };
        Ok(Self::At(match is_galactic {
            true => from_galactic(direction.to_vector()),
            false => direction,
        }))
    }
}

fn number(text: &str) -> Result<f64, InvalidDirection> {
    text.trim().parse().map_err(|_| InvalidDirection)
}

fn is_sexagesimal(text: &str) -> bool {
    text.contains(['h', 'd', ':'])
}

/// `14h57m53.4s`, `14h 57m 53.4s`, `14:57:53.4` and shorter ones, as a number of the whole parts that
/// `unit` stands for.
fn sexagesimal(text: &str, unit: char) -> Result<f64, InvalidDirection> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(&text)),
    };
    let parts: Vec<&str> = match text.contains(':') {
        true => text.split(':').collect(),
        false => {
            let mut parts = Vec::new();
            let mut rest = text;
            for mark in [unit, 'm', 's'] {
                if let Some((part, after)) = rest.split_once(mark) {
                    parts.push(part);
                    rest = after;
                }
            }
            if !rest.is_empty() || !text.contains(unit) {
                return Err(InvalidDirection);
            }
            parts
        }
    };
    if parts.len() > 3 {
        return Err(InvalidDirection);
    }
    let mut value = 0.0;
    for (i, (part, worth)) in parts.iter().zip([1.0, 60.0, 3600.0]).enumerate() {
        let is_plain = part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = number(part)?;
        if !is_plain || (i > 0 && number >= 60.0) {
            return Err(InvalidDirection);
        }
        value += number / worth;
    }
    Ok(sign * value)
}

/// The direction of a vector in galactic coordinates (The Hipparcos Catalogue, ESA SP-1200 vol. 1, eq.
/// 1.5.11, turned round).
fn from_galactic(galactic: [f64; 3]) -> Equatorial {
    const GALACTIC: [[f64; 3]; 3] = [
        [-0.054_875_560_4, -0.873_437_090_2, -0.483_835_015_5],
        [0.494_109_427_9, -0.444_829_630_0, 0.746_982_244_5],
        [-0.867_666_149_0, -0.198_076_373_4, 0.455_983_776_2],
    ];
    let axis = |i: usize| (0..3).map(|j| GALACTIC[j][i] * galactic[j]).sum();
    Equatorial::from_vector([axis(0), axis(1), axis(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right ascension and declination in degrees, rounded to a hundredth of an arcsecond.
    fn read(text: &str) -> Option<(f64, f64)> {
        let round = |rad: f64| (rad.to_degrees() * 3.6e5).round() / 3.6e5;
        match text.parse() {
            Ok(Direction::At(at)) => Some((round(at.ra_rad), round(at.dec_rad))),
            _ => None,
        }
    }

    fn near(text: &str, ra_deg: f64, dec_deg: f64) {
        let (ra, dec) = read(text).unwrap_or_else(|| panic!("{text} is not read"));
        assert!(
            (ra - ra_deg).abs() < 1e-4 && (dec - dec_deg).abs() < 1e-4,
            "{text}: {ra} {dec}"
        );
    }

    #[test]
    fn one_place_in_every_writing() {
        for text in [
            "224.4725,41.113333",
            " 224.4725 , +41.113333 ",
            "-135.5275,41.113333",
            "14h57m53.4s,+41d06m48s",
            "14h 57m 53.4s, +41d 06m 48s",
            "14:57:53.4,+41:06:48",
            "14:57:53.4,41.113333",
            "224d28m21s,+41d06.8m",
        ] {
            near(text, 224.4725, 41.113333);
        }
        near("0h,-00:30", 0.0, -0.5);
        near("0h,-0d00m36s", 0.0, -0.01);
    }

    #[test]
    fn galactic_coordinates_point_where_they_are_known_to() {
        near("gal:0,0", 266.40499, -28.93617);
        near("gal:0,90", 192.85948, 27.12825);
        // The Crab nebula.
        near("gal:184.5575,-5.7843", 83.63317, 22.01449);
    }

    #[test]
    fn a_guess_keeps_its_name() {
        let seed = Direction::Seed("OnlineL2_SplineMPE".to_owned());
        assert_eq!("seed:OnlineL2_SplineMPE".parse(), Ok(seed));
    }

    #[test]
    fn what_is_no_direction_is_refused() {
        for text in [
            "",
            "12",
            "12,91",
            "nan,0",
            "inf,0",
            "1,2,3",
            "seed:",
            "gal:1h,2",
            "14h61m,0",
            "14:00:60,0",
            "14h57,0",
            "1h2h,0",
            "1:2:3:4,0",
            "x,y",
            "12h-3m,0",
            "1d1h,0",
            "--1,0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
