//! From the sky to the page and back. Right ascension grows to the left, as the sky is seen.

use std::f64::consts::{FRAC_PI_2, PI, SQRT_2, TAU};

use crate::drawing::outline::{Point, at};
use skyscan_sky::Equatorial;

/// Which flat picture of the sphere. Both keep areas true; lengths are in radians at the centre.
#[derive(Clone, Copy, Debug)]
pub(super) enum Projection {
    /// The whole sphere in an ellipse (Mollweide), right ascension 180 degrees in the middle.
    FullSky,
    /// Around a direction (Lambert's azimuthal equal-area projection).
    Around(Equatorial),
}

/// Nearer to each other than this, in page units, the rims of the full sky are one.
const RIMS_MEET: f64 = 60.0;

/// A projection at a place and a size on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) projection: Projection,
    /// Where the middle of the projection is on the page.
    pub(super) centre: Point,
    /// Page units to a radian at the middle.
    pub(super) scale: f64,
}

impl View {
    /// Where a direction is on the page; `None` for the one direction that has no place.
    pub(super) fn page(&self, direction: Equatorial) -> Option<Point> {
        let (east, north) = match self.projection {
            Projection::FullSky => Some(mollweide(direction)),
            Projection::Around(centre) => lambert(centre, direction),
        }?;
        Some(at(
            self.centre.x - self.scale * east,
            self.centre.y - self.scale * north,
        ))
    }

    /// Whether the page tears the sky apart between two directions near each other on the sky.
    pub(super) fn tears(
        &self,
        (one, at_one): (Equatorial, Point),
        (other, at_other): (Equatorial, Point),
    ) -> bool {
        match self.projection {
            // At the poles the rims meet.
            Projection::FullSky => {
                (one.ra_rad - other.ra_rad).abs() > PI && (at_one.x - at_other.x).abs() > RIMS_MEET
            }
            // Opposite the middle.
            Projection::Around(_) => {
                (at_one.x - at_other.x).hypot(at_one.y - at_other.y) > self.scale
            }
        }
    }

    /// Which direction is shown at a place; `None` outside the sky.
    pub(super) fn sky(&self, place: Point) -> Option<Equatorial> {
        let east = (self.centre.x - place.x) / self.scale;
        let north = (self.centre.y - place.y) / self.scale;
        match self.projection {
            Projection::FullSky => mollweide_inverse(east, north),
            Projection::Around(centre) => lambert_inverse(centre, east, north),
        }
    }
}

fn mollweide(direction: Equatorial) -> (f64, f64) {
    let wanted = PI * direction.dec_rad.sin();
    // Newton on 2t + sin 2t = pi sin(dec). The slope vanishes at the poles, where the root is
    // threefold: start from its cube-root expansion and stop when the step no longer matters.
    let from_pole = (3.0 * PI * (1.0 - direction.dec_rad.sin().abs()) / 4.0).cbrt();
    let start = (FRAC_PI_2 - from_pole).max(0.0).copysign(direction.dec_rad);
    let mut t = if direction.dec_rad.abs() < 0.9 {
        direction.dec_rad * PI / 4.0
    } else {
        start
    };
    for _ in 0..30 {
        let slope = 2.0 + 2.0 * (2.0 * t).cos();
        if slope < 1e-12 {
            break;
        }
        let step = (2.0 * t + (2.0 * t).sin() - wanted) / slope;
        t = (t - step).clamp(-FRAC_PI_2, FRAC_PI_2);
        if step.abs() < 1e-12 {
            break;
        }
    }
    let from_middle = direction.ra_rad - PI;
    (2.0 * SQRT_2 / PI * from_middle * t.cos(), SQRT_2 * t.sin())
}

fn mollweide_inverse(east: f64, north: f64) -> Option<Equatorial> {
    let sin_t = north / SQRT_2;
    if sin_t.abs() > 1.0 {
        return None;
    }
    let t = sin_t.asin();
    let from_middle = PI * east / (2.0 * SQRT_2 * t.cos());
    let sin_dec = (2.0 * t + (2.0 * t).sin()) / PI;
    (from_middle.abs() <= PI).then(|| Equatorial {
        ra_rad: PI + from_middle,
        dec_rad: sin_dec.clamp(-1.0, 1.0).asin(),
    })
}

fn lambert(centre: Equatorial, direction: Equatorial) -> Option<(f64, f64)> {
    let (sin_dec, cos_dec) = direction.dec_rad.sin_cos();
    let (sin_dec0, cos_dec0) = centre.dec_rad.sin_cos();
    let (sin_ra, cos_ra) = (direction.ra_rad - centre.ra_rad).sin_cos();
    let cos_distance = sin_dec0 * sin_dec + cos_dec0 * cos_dec * cos_ra;
    let stretch = (2.0 / (1.0 + cos_distance)).sqrt();
    // Only the antipode is everywhere on the rim.
    stretch.is_finite().then(|| {
        let north = cos_dec0 * sin_dec - sin_dec0 * cos_dec * cos_ra;
        (stretch * cos_dec * sin_ra, stretch * north)
    })
}

fn lambert_inverse(centre: Equatorial, east: f64, north: f64) -> Option<Equatorial> {
    let radius = east.hypot(north);
    if radius > 2.0 {
        return None;
    }
    if radius < 1e-15 {
        return Some(centre);
    }
    let (sin_distance, cos_distance) = (2.0 * (radius / 2.0).asin()).sin_cos();
    let (sin_dec0, cos_dec0) = centre.dec_rad.sin_cos();
    let sin_dec = cos_distance * sin_dec0 + north * sin_distance * cos_dec0 / radius;
    let ra_offset = (east * sin_distance)
        .atan2(radius * cos_dec0 * cos_distance - north * sin_dec0 * sin_distance);
    Some(Equatorial {
        ra_rad: (centre.ra_rad + ra_offset).rem_euclid(TAU),
        dec_rad: sin_dec.clamp(-1.0, 1.0).asin(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directions() -> impl Iterator<Item = Equatorial> {
        (-90..=90).step_by(6).flat_map(|dec| {
            (0..360).step_by(15).map(move |ra| Equatorial {
                ra_rad: f64::from(ra).to_radians(),
                dec_rad: f64::from(dec).to_radians(),
            })
        })
    }

    fn distance(a: Equatorial, b: Equatorial) -> f64 {
        let part = |x: f64| (x / 2.0).sin().powi(2);
        let h = part(a.dec_rad - b.dec_rad)
            + a.dec_rad.cos() * b.dec_rad.cos() * part(a.ra_rad - b.ra_rad);
        2.0 * h.sqrt().min(1.0).asin()
    }

    #[test]
    fn the_way_back_from_the_page_ends_where_it_began() {
        let mut projections = vec![Projection::FullSky];
        projections.extend(directions().step_by(7).map(Projection::Around));
        for projection in projections {
            let view = View {
                projection,
                centre: at(960.0, 540.0),
                scale: 300.0,
            };
            for direction in directions() {
                let Some(place) = view.page(direction) else {
                    continue;
                };
                if let Projection::Around(centre) = projection
                    && distance(centre, direction) > 3.0
                {
                    continue;
                }
                let on_rim = direction.ra_rad == 0.0 || direction.dec_rad.abs() > 1.57;
                if matches!(projection, Projection::FullSky) && on_rim {
                    // Rounding decides on which side of the rim it falls.
                    continue;
                }
                let back = view.sky(place).expect("what is not on the rim is inside");
                let off = distance(direction, back);
                assert!(off < 1e-6, "{projection:?} {direction:?} {back:?}");
            }
        }
    }

    #[test]
    fn right_ascension_grows_to_the_left_and_declination_upwards() {
        for projection in [
            Projection::FullSky,
            Projection::Around(Equatorial {
                ra_rad: PI,
                dec_rad: 0.0,
            }),
        ] {
            let view = View {
                projection,
                centre: at(0.0, 0.0),
                scale: 100.0,
            };
            let place = view
                .page(Equatorial {
                    ra_rad: PI + 0.1,
                    dec_rad: 0.1,
                })
                .unwrap();
            assert!(place.x < -5.0 && place.y < -5.0, "{place:?}");
        }
    }

    /// Worked out by hand: at declination 30 degrees Mollweide's auxiliary angle solves
    /// 2t + sin 2t = pi/2, t = 0.4158558.
    #[test]
    fn mollweide_has_the_textbook_shape() {
        let (east, north) = mollweide(Equatorial {
            ra_rad: TAU,
            dec_rad: 0.0,
        });
        assert!((east - 2.0 * SQRT_2).abs() < 1e-12 && north.abs() < 1e-12);
        let (_, north) = mollweide(Equatorial {
            ra_rad: 0.0,
            dec_rad: PI / 6.0,
        });
        assert!((north - SQRT_2 * 0.415_855_8_f64.sin()).abs() < 1e-6);
        let (east, north) = mollweide(Equatorial {
            ra_rad: 1.0,
            dec_rad: FRAC_PI_2,
        });
        assert!(east.abs() < 1e-4 && (north - SQRT_2).abs() < 1e-9);
    }

    #[test]
    fn outside_the_ellipse_there_is_no_sky() {
        let view = View {
            projection: Projection::FullSky,
            centre: at(0.0, 0.0),
            scale: 1.0,
        };
        assert!(view.sky(at(2.9, 0.0)).is_none());
        assert!(view.sky(at(2.5, 1.2)).is_none());
        assert!(view.sky(at(0.0, 1.5)).is_none());
    }
}
