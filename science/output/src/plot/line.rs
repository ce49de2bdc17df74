//! Lines on the sky as lines on the page.

use super::projection::View;
use crate::drawing::outline::{Outline, Point, Step};
use skyscan_sky::Equatorial;
use skyscan_sky::contour::Contour;

/// Longest piece of a contour that is drawn straight, in radians.
const LONGEST_PIECE: f64 = 0.01;

/// Joins directions with lines, except where the page tears the sky apart.
pub(super) fn trace(view: &View, directions: impl IntoIterator<Item = Equatorial>) -> Outline {
    let mut outline = Outline::default();
    let mut last: Option<(Equatorial, Point)> = None;
    for direction in directions {
        let here = view.page(direction).map(|place| (direction, place));
        if let Some(here) = here {
            let (_, place) = here;
            outline.0.push(match last {
                Some(last) if !view.tears(last, here) => Step::Line(place),
                _ => Step::Move(place),
            });
        }
        last = here;
    }
    outline
}

/// A closed contour, along great circles between its corners.
pub(super) fn closed(view: &View, contour: &Contour) -> Outline {
    let corners = &contour.points;
    let next = corners.iter().cycle().skip(1);
    let directions = corners.iter().zip(next).flat_map(|(&a, &b)| between(a, b));
    let mut outline = trace(view, directions.chain(corners.first().copied()));
    let torn = outline
        .0
        .iter()
        .filter(|step| matches!(step, Step::Move(_)))
        .count()
        > 1;
    if !torn && !outline.0.is_empty() {
        outline.0.push(Step::Close);
    }
    outline
}

/// Directions from `a` up to, but without, `b`.
fn between(a: Equatorial, b: Equatorial) -> impl Iterator<Item = Equatorial> {
    let (from, to) = (a.to_vector(), b.to_vector());
    let pieces = (a.separation_rad(b) / LONGEST_PIECE)
        .ceil()
        .clamp(1.0, 1000.0);
    // The chord's points, brought back to the sphere: uneven steps, but the same line.
    (0..pieces as u32).map(move |piece| {
        let share = f64::from(piece) / pieces;
        if piece == 0 {
            return a;
        }
        Equatorial::from_vector([0, 1, 2].map(|i| from[i] + share * (to[i] - from[i])))
    })
}

/// The plane of the Milky Way (IAU 1958, poles as in Hipparcos, ESA SP-1200 vol. 1, 1.5.3).
pub(super) fn galactic_plane() -> impl Iterator<Item = Equatorial> {
    let pole = Equatorial {
        ra_rad: 192.859_48_f64.to_radians(),
        dec_rad: 27.128_25_f64.to_radians(),
    };
    let [x, y, z] = pole.to_vector();
    // Any two directions at right angles to the pole and to each other span the plane.
    let flat = x.hypot(y);
    let first = [-y / flat, x / flat, 0.0];
    let second = [-x * z / flat, -y * z / flat, flat];
    (0..=720).map(move |half_degree| {
        let (sin, cos) = (f64::from(half_degree) / 2.0).to_radians().sin_cos();
        Equatorial::from_vector([0, 1, 2].map(|i| cos * first[i] + sin * second[i]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::outline::at;
    use crate::plot::projection::Projection;

    fn moves(outline: &Outline) -> usize {
        outline
            .0
            .iter()
            .filter(|step| matches!(step, Step::Move(_)))
            .count()
    }

    fn circle(ra_deg: f64) -> Contour {
        let points = (0..40).map(|i| {
            let (sin, cos) = (f64::from(i) * 9.0).to_radians().sin_cos();
            Equatorial {
                ra_rad: (ra_deg + 5.0 * cos).rem_euclid(360.0).to_radians(),
                dec_rad: (5.0 * sin).to_radians(),
            }
        });
        Contour {
            points: points.collect(),
        }
    }

    #[test]
    fn a_contour_across_the_edge_of_the_sky_is_torn_not_drawn_across() {
        let view = View {
            projection: Projection::FullSky,
            centre: at(0.0, 0.0),
            scale: 300.0,
        };
        assert_eq!(moves(&closed(&view, &circle(100.0))), 1);
        let torn = closed(&view, &circle(0.0));
        assert!(moves(&torn) > 1);
        let mut last: Option<Point> = None;
        for step in &torn.0 {
            if let (Step::Line(p), Some(last)) = (step, last) {
                assert!((p.x - last.x).abs() < 20.0, "{last:?} {p:?}");
            }
            if let Step::Line(p) | Step::Move(p) = *step {
                last = Some(p);
            }
        }
    }

    /// Towards a pole the rims are so near each other that a tear is no long step.
    #[test]
    fn a_contour_is_torn_at_high_declinations_too() {
        let view = View {
            projection: Projection::FullSky,
            centre: at(0.0, 0.0),
            scale: 300.0,
        };
        let around = |dec_deg: f64| Contour {
            points: (circle(0.0).points.iter())
                .map(|point| Equatorial {
                    dec_rad: point.dec_rad + dec_deg.to_radians(),
                    ..*point
                })
                .collect(),
        };
        for dec_deg in [-77.0, 50.0, 60.0, 70.0, 77.0, 80.0] {
            let torn = closed(&view, &around(dec_deg));
            assert!(moves(&torn) > 1, "{dec_deg}");
        }
    }

    #[test]
    fn the_centre_of_the_galaxy_lies_in_its_plane() {
        let centre = Equatorial {
            ra_rad: 266.405_1_f64.to_radians(),
            dec_rad: (-28.936_175_f64).to_radians(),
        };
        let nearest = galactic_plane()
            .map(|direction| direction.separation_rad(centre))
            .fold(f64::INFINITY, f64::min);
        assert!(nearest < 0.3_f64.to_radians(), "{nearest}");
        let off_plane = galactic_plane().map(|d| d.to_vector()).map(|[x, y, z]| {
            let pole = Equatorial {
                ra_rad: 3.366_03,
                dec_rad: 0.473_48,
            }
            .to_vector();
            (x * pole[0] + y * pole[1] + z * pole[2]).abs()
        });
        assert!(off_plane.fold(0.0, f64::max) < 1e-4);
    }
}
