//! The best fit between pixel centres, with its error.

use super::Equatorial;
use super::map::SkyMap;
use super::surface::Surface;

/// Where the paraboloid through the best pixel and its neighbours is lowest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubPixelFit {
    /// The lowest point, at most a pixel away from the best pixel's centre.
    pub direction: Equatorial,
    /// Negative log-likelihood there, as the paraboloid has it.
    pub llh: f64,
    /// Standard deviation along the long axis of the error ellipse.
    pub sigma_major_deg: f64,
    /// Along the short one.
    pub sigma_minor_deg: f64,
    /// Direction of the long axis, from north through east, 0 to 180.
    pub position_angle_deg: f64,
}

impl SubPixelFit {
    /// None if nothing was fitted, if too few neighbours were, or if the best pixel is not at the
    /// bottom of a bowl.
    ///
    /// The errors are those of a likelihood of this curvature. How the likelihood runs inside of a
    /// pixel was not looked at, so neither is ever less than the spread of a source that may be
    /// anywhere in a pixel: its width over the square root of 12.
    pub fn of(map: &SkyMap) -> Option<Self> {
        let (pixel, _) = map.best()?;
        let bowl = Surface::new(map).bowl(pixel)?;
        let least_deg = (pixel.nside.pixel_area_deg2() / 12.0).sqrt();
        Some(Self {
            direction: bowl.bottom,
            llh: bowl.llh,
            sigma_major_deg: bowl.sigma_major_rad.to_degrees().max(least_deg),
            sigma_minor_deg: bowl.sigma_minor_rad.to_degrees().max(least_deg),
            position_angle_deg: bowl.position_angle_rad.to_degrees().rem_euclid(180.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Nside;
    use crate::map::{PixelFit, PixelOutcome};

    fn at(ra_deg: f64, dec_deg: f64) -> Equatorial {
        Equatorial {
            ra_rad: ra_deg.to_radians(),
            dec_rad: dec_deg.to_radians(),
        }
    }

    /// Offsets to the east and to the north, exact for small angles only.
    fn offset_deg(centre: Equatorial, point: Equatorial) -> [f64; 2] {
        let distance = centre.separation_rad(point).to_degrees();
        let (sin_a, cos_a) = (point.ra_rad - centre.ra_rad).sin_cos();
        let x = point.dec_rad.cos() * sin_a;
        let y = point.dec_rad.sin() * centre.dec_rad.cos()
            - point.dec_rad.cos() * centre.dec_rad.sin() * cos_a;
        let length = x.hypot(y).max(1e-300);
        [distance * x / length, distance * y / length]
    }

    /// A likelihood with these standard deviations, the long axis at an angle from north to east.
    fn bowl(centre: Equatorial, sigmas: [f64; 2], angle_deg: f64) -> SkyMap {
        let mut map = SkyMap::default();
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        for pixel in Nside(256).within(centre, 0.05) {
            let [x, y] = offset_deg(centre, pixel.center());
            let (u, v) = (
                (x * sin + y * cos) / sigmas[0],
                (x * cos - y * sin) / sigmas[1],
            );
            let fit = PixelFit {
                llh: 100.0 + 0.5 * (u * u + v * v),
                position_m: [0.0; 3],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            map.insert(pixel, PixelOutcome::Fitted(fit));
        }
        map
    }

    #[test]
    fn the_bottom_and_its_errors_are_found_everywhere() {
        for centre in [
            at(137.31, 12.24),
            at(0.03, -33.02),
            at(359.98, 41.83),
            at(77.0, 89.93),
            at(210.0, -89.6),
        ] {
            let fit = SubPixelFit::of(&bowl(centre, [0.8, 0.5], 30.0)).unwrap();
            let miss = fit.direction.separation_rad(centre).to_degrees();
            assert!(miss < 0.003, "{centre:?}: {miss} deg");
            assert!((fit.llh - 100.0).abs() < 1e-3, "{centre:?}: {}", fit.llh);
            assert!((fit.sigma_major_deg / 0.8 - 1.0).abs() < 0.01, "{fit:?}");
            assert!((fit.sigma_minor_deg / 0.5 - 1.0).abs() < 0.01, "{fit:?}");
            // Beside a pole, north turns quickly from one direction to the next.
            if centre.dec_rad.abs() < 1.0 {
                assert!((fit.position_angle_deg - 30.0).abs() < 1.0, "{fit:?}");
            }
        }
    }

    #[test]
    fn no_error_is_smaller_than_what_a_pixel_can_tell() {
        let fit = SubPixelFit::of(&bowl(at(50.0, 20.0), [0.01, 0.001], 0.0)).unwrap();
        let least = (Nside(256).pixel_area_deg2() / 12.0).sqrt();
        assert_eq!((fit.sigma_major_deg, fit.sigma_minor_deg), (least, least));
    }

    #[test]
    fn without_a_bowl_there_is_none() {
        assert_eq!(SubPixelFit::of(&SkyMap::default()), None);
        let mut alone = SkyMap::default();
        let known = bowl(at(50.0, 20.0), [0.5, 0.5], 0.0);
        let (pixel, fit) = known.best().unwrap();
        alone.insert(pixel, PixelOutcome::Fitted(*fit));
        assert_eq!(SubPixelFit::of(&alone), None);
    }
}
