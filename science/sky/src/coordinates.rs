//! Where a detector's zenith and azimuth point on the J2000 sky at a given time, and back.
//!
//! ICRS to the true equator and equinox of date (precession IAU 2006, nutation IAU 2000B cut at
//! 0.003 arcseconds), annual and diurnal aberration, Greenwich apparent sidereal time with
//! UT1 = UTC. Left out, because a pixel is many times larger: UT1 - UTC (up to 14 arcseconds of
//! right ascension), polar motion (0.5 arcseconds), the Sun's deflection of light (below 2 arcseconds), refraction
//! (neutrinos know none). All elementary functions are `libm`'s: the same bits everywhere.

mod earth;

use super::{Equatorial, full_turn};
use skyscan_event::DetectorDirection;
use skyscan_event::detector::Site;

/// Speed of a point on the equator of the turning Earth, in units of the speed of light.
const EQUATOR_SPEED: f64 = 465.101 / 299_792_458.0;

/// The direction of a vector of any length in detector coordinates that points to the source.
fn detector_direction([x, y, z]: [f64; 3]) -> DetectorDirection {
    DetectorDirection {
        zenith_rad: libm::atan2(libm::hypot(x, y), z),
        azimuth_rad: full_turn(libm::atan2(y, x)),
    }
}

/// How a detector is turned against the sky, and moves, at one moment.
///
/// The azimuth is IceCube's: 90 degrees - Az - longitude with Az from north over east. So at the
/// South Pole the y axis points along the Greenwich meridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkyFrame {
    /// Rows: the detector's axes in ICRS.
    axes: [[f64; 3]; 3],
    /// Of the detector in ICRS, in units of the speed of light.
    velocity: [f64; 3],
}

impl SkyFrame {
    /// The frame at a UTC modified Julian date. Every day has 86400 seconds, as in IceCube's own
    /// software: on the day of a leap second the frame is up to 15 arcseconds off.
    pub fn new(mjd_utc: f64, site: &Site) -> Self {
        let earth = earth::Earth::at(mjd_utc);
        let longitude = site.longitude_deg.to_radians();
        let (sin_lat, cos_lat) = libm::sincos(site.latitude_deg.to_radians());
        let (sin_lon, cos_lon) = libm::sincos(longitude);
        let (sin_lst, cos_lst) = libm::sincos(earth.sidereal_time_rad + longitude);

        // Of date: x to the equinox, z to the pole of the equator.
        let east = [-sin_lst, cos_lst, 0.0];
        let north = [-sin_lat * cos_lst, -sin_lat * sin_lst, cos_lat];
        let up = [cos_lat * cos_lst, cos_lat * sin_lst, sin_lat];
        let x = combine(cos_lon, east, sin_lon, north);
        let y = combine(-sin_lon, east, cos_lon, north);

        let icrs = |of_date| transposed_times(&earth.of_date, of_date);
        let velocity = combine(1.0, earth.velocity, EQUATOR_SPEED * cos_lat, east);
        Self {
            axes: [icrs(x), icrs(y), icrs(up)],
            velocity: icrs(velocity),
        }
    }

    /// Where on the sky a detector direction points.
    pub fn to_equatorial(&self, direction: DetectorDirection) -> Equatorial {
        Equatorial::from_vector(self.vector_to_icrs(direction.unit_vector()))
    }

    /// Where in the detector a point of the sky stands.
    pub fn to_detector(&self, direction: Equatorial) -> DetectorDirection {
        detector_direction(self.vector_to_detector(direction.to_vector()))
    }

    /// [`Self::to_equatorial`] for unit vectors.
    pub fn vector_to_icrs(&self, detector: [f64; 3]) -> [f64; 3] {
        let apparent = transposed_times(&self.axes, detector);
        // As seen by who moves the other way: the exact inverse of aberration.
        aberrated(apparent, self.velocity.map(|v| -v))
    }

    /// [`Self::to_detector`] for unit vectors.
    pub fn vector_to_detector(&self, icrs: [f64; 3]) -> [f64; 3] {
        let apparent = aberrated(icrs, self.velocity);
        self.axes.map(|axis| dot(axis, apparent))
    }
}

/// The direction `p` of a star as an observer with velocity `v` (units of c) sees it: special
/// relativity's addition of velocities (Klioner 2003, AJ 125, 1580).
fn aberrated(p: [f64; 3], v: [f64; 3]) -> [f64; 3] {
    let inverse_gamma = (1.0 - dot(v, v)).sqrt();
    let along = dot(p, v);
    let share = 1.0 + along / (1.0 + inverse_gamma);
    let scale = 1.0 / (1.0 + along);
    combine(inverse_gamma * scale, p, share * scale, v)
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn combine(p: f64, a: [f64; 3], q: f64, b: [f64; 3]) -> [f64; 3] {
    [
        p * a[0] + q * b[0],
        p * a[1] + q * b[1],
        p * a[2] + q * b[2],
    ]
}

fn transposed_times(rows: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    combine(1.0, combine(v[0], rows[0], v[1], rows[1]), v[2], rows[2])
}

#[cfg(test)]
mod tests {
    use super::{DetectorDirection, Equatorial, Site, SkyFrame};

    const ICECUBE: Site = Site {
        longitude_deg: -62.6081,
        latitude_deg: -89.9944,
    };

    #[test]
    fn a_round_trip_returns_to_the_same_point() {
        for mjd in [55197.0, 58849.5, 62502.25] {
            let frame = SkyFrame::new(mjd, &ICECUBE);
            for dec_deg in [-90.0, -89.9999, -41.0, 0.0, 5.0, 89.9999, 90.0f64] {
                for ra_deg in [0.0, 1e-9, 90.0, 179.0, 271.0, 359.999_999f64] {
                    let sky = Equatorial {
                        ra_rad: ra_deg.to_radians(),
                        dec_rad: dec_deg.to_radians(),
                    };
                    let back = frame.to_equatorial(frame.to_detector(sky));
                    assert!(back.separation_rad(sky) < 1e-15 * 4.0);
                    assert!((0.0..std::f64::consts::TAU).contains(&back.ra_rad));
                }
            }
        }
    }

    #[test]
    fn straight_up_has_a_vector_along_z() {
        let up = super::detector_direction([0.0, 0.0, 2.0]);
        assert_eq!(up.zenith_rad, 0.0);
        let x = DetectorDirection {
            zenith_rad: std::f64::consts::FRAC_PI_2,
            azimuth_rad: 0.0,
        };
        assert!((x.unit_vector()[0] - 1.0).abs() < 1e-15);
    }
}
