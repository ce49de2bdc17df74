//! Golden values of healpy, and what must hold on every pixel.
#![allow(
    clippy::approx_constant,
    reason = "golden values are kept as healpy prints them"
)]

use std::f64::consts::{FRAC_PI_2, PI};

use crate::{Equatorial, Nside, Pixel};

fn nside(n: u32) -> Nside {
    Nside::try_from(n).unwrap()
}

fn pixel(n: u32, index: u64) -> Pixel {
    Pixel::new(nside(n), index).unwrap()
}

fn indices(pixels: &[Pixel]) -> Vec<u64> {
    pixels.iter().map(|pixel| pixel.index).collect()
}

/// healpy 1.20.1: `theta, phi = pix2ang(nside, index)`; ra = phi, dec = pi/2 - theta.
#[test]
fn centres_are_those_of_healpy() {
    for (n, index, ra_rad, dec_rad) in [
        (1, 0, 0.7853981633974483, 0.7297276562269662),
        (1, 11, 5.497787143782138, -0.7297276562269666),
        (8, 0, 0.7853981633974483, 1.4686899044122925),
        (8, 3, 5.497787143782138, 1.4686899044122925),
        (8, 100, 3.7025913417308276, 0.8402225818983442),
        (8, 400, 0.0, -0.08343008661061502),
        (8, 767, 5.497787143782138, -1.4686899044122925),
        (512, 1, 2.356194490192345, 1.5692016067412895),
        (512, 525311, 6.2816513263917, 0.7297276562269662),
        (512, 1570000, 0.6381360077604268, 0.0013020837012633901),
        (512, 3145727, 5.497787143782138, -1.5692016067412897),
        (65536, 0, 0.7853981633974483, 1.570783868045798),
        (65536, 25769803776, 3.1416046378146985, 0.0),
        (65536, 51539607551, 5.497787143782138, -1.570783868045798),
    ] {
        let centre = pixel(n, index).center();
        assert!((centre.ra_rad - ra_rad).abs() < 2e-15, "{n} {index}");
        assert!((centre.dec_rad - dec_rad).abs() < 2e-15, "{n} {index}");
    }
}

/// healpy 1.20.1: `get_all_neighbours`, sorted, without -1.
#[test]
fn neighbours_are_those_of_healpy() {
    for (n, index, expected) in [
        (8, 0, vec![1, 2, 3, 4, 5, 6, 11, 13]),
        (8, 100, vec![51, 73, 74, 99, 101, 130, 131, 163]),
        (
            512,
            3145727,
            vec![
                3145714, 3145716, 3145721, 3145722, 3145723, 3145724, 3145725, 3145726,
            ],
        ),
    ] {
        assert_eq!(indices(&pixel(n, index).neighbours()), expected);
    }
}

/// healpy 1.20.1: the range of `ring2nest(nside, index)` at the finer nside, `nest2ring`, sorted.
#[test]
fn children_are_those_of_healpy() {
    assert_eq!(indices(&pixel(8, 5).children(nside(16))), [14, 26, 27, 43]);
    assert_eq!(
        indices(&pixel(1, 4).children(nside(4))),
        [
            40, 56, 71, 72, 73, 87, 88, 89, 102, 103, 104, 105, 119, 120, 135, 136
        ]
    );
}

/// healpy 1.20.1: `max_pixrad(nside)`.
#[test]
fn radii_are_those_of_healpy() {
    for (n, radius_rad) in [
        (1, 0.8410686705679302),
        (2, 0.48146047147606696),
        (8, 0.13042543553450464),
        (512, 0.002087055235497685),
        (65536, 1.6311124306785717e-05),
    ] {
        assert!(
            (nside(n).radius_rad() / radius_rad - 1.0).abs() < 1e-10,
            "{n}"
        );
    }
}

#[test]
fn children_have_their_parent_and_cover_the_sky_once() {
    let mut seen: Vec<Pixel> = Vec::new();
    for coarse in nside(4).pixels() {
        for child in coarse.children(nside(16)) {
            assert_eq!(child.parent(nside(4)), coarse);
            seen.push(child);
        }
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(nside(16).pixels()));
}

#[test]
fn a_centre_falls_in_its_own_pixel() {
    for n in [1, 2, 8, 64] {
        for pixel in nside(n).pixels() {
            assert_eq!(pixel.nside.containing(pixel.center()), pixel);
        }
    }
}

#[test]
fn a_cone_holds_exactly_the_centres_within_its_radius() {
    for (n, ra_rad, dec_rad) in [
        (1, 1.0, 0.2),
        (8, 0.0, 1.5707),
        (32, 6.2831, -0.7),
        (16, 3.0, -1.5707),
    ] {
        let centre = Equatorial { ra_rad, dec_rad };
        for radius_rad in [0.0, 1e-3, 0.02, 0.1, 0.5, 1.5, 2.5, 3.1, 3.2] {
            let expected: Vec<Pixel> = nside(n)
                .pixels()
                .filter(|pixel| pixel.center().separation_rad(centre) <= radius_rad)
                .collect();
            assert_eq!(
                nside(n).within(centre, radius_rad),
                expected,
                "{n} {radius_rad}"
            );
        }
    }
    let own = pixel(64, 1234);
    assert_eq!(own.nside.within(own.center(), 0.0), [own]);
    assert_eq!(own.nside.within(own.center(), f64::NAN), []);
}

#[test]
fn directions_out_of_range_do_not_panic() {
    for (ra_rad, dec_rad) in [
        (-1e-20, 2.0),
        (f64::NAN, f64::INFINITY),
        (1e9, -1.6),
        (7.0, 0.0),
    ] {
        let found = nside(64).containing(Equatorial { ra_rad, dec_rad });
        assert!(found.index < nside(64).n_pixels());
    }
    let beyond = Pixel {
        nside: nside(1),
        index: 12,
    };
    assert_eq!(beyond.center(), pixel(1, 11).center());
    assert!(Pixel::new(nside(1), 12).is_err());
    assert!(serde_json::from_str::<Pixel>(r#"{"nside":1,"index":12}"#).is_err());
}

#[test]
fn separations_keep_their_digits_at_both_ends() {
    let at = |ra_rad, dec_rad| Equatorial { ra_rad, dec_rad };
    let tiny = at(1.0, 0.5).separation_rad(at(1.0, 0.5 + 1e-12));
    assert!((tiny / 1e-12 - 1.0).abs() < 1e-3);
    let east = at(1.0, 1.5).separation_rad(at(1.0 + 1e-9, 1.5));
    assert!((east / (1e-9 * libm::cos(1.5)) - 1.0).abs() < 1e-6);
    let far = at(1.0, 0.3).separation_rad(at(1.0 + PI, -0.3 + 1e-9));
    assert!((PI - far - 1e-9).abs() < 2e-15);
    assert!((at(0.0, FRAC_PI_2).separation_rad(at(2.0, 0.0)) - FRAC_PI_2).abs() < 1e-15);
}
