use super::*;
use crate::blocks::{all_cores, in_blocks};
use rand::SeedableRng;
use skyscan_event::detector::Detector;

fn color() -> Color {
    Color::new(400.0)
}

fn distance_m(photon: &Photon) -> f64 {
    photon.position_m.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn where_nothing_scatters_light_goes_straight() {
    let medium = Medium::uniform(0.0, 0.01);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let direction = dice::isotropic(&mut rng);
    fly(
        Photon::new([0.0; 3], direction),
        &color(),
        &medium,
        7.0,
        &mut rng,
        |photon, _| {
            assert!((distance_m(photon) - photon.path_m).abs() < 1e-9 * photon.path_m);
            assert_eq!(photon.direction, direction);
            assert!((photon.absorbed - 0.01 * photon.path_m).abs() < 1e-12 * photon.path_m);
            photon.path_m < 1e4
        },
    );
}

#[test]
fn absorption_adds_up_over_the_layers() {
    let ice = Detector::icecube86().ice;
    let medium = Medium::new(&ice);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    // Straight up on a path that hardly scatters at all: blue light is made as good as unscattered.
    let color = Color {
        scattering: 1e-12,
        ..color()
    };
    let (from, to): (f64, f64) = (-500.0, 500.0);
    fly(
        Photon::new([0.0, 0.0, from], [0.0, 0.0, 1.0]),
        &color,
        &medium,
        1e-3,
        &mut rng,
        |p, _| {
            if p.position_m[2] < to {
                return true;
            }
            let steps = 100_000;
            let step = (to - from) / f64::from(steps);
            let expected: f64 = (0..steps)
                .map(|i| medium.layer_at(from + (f64::from(i) + 0.5) * step))
                .map(|layer| step * medium.coefficients(layer, &color).absorption_per_m)
                .sum();
            assert!(
                (p.absorbed / expected - 1.0).abs() < 1e-4,
                "{} {expected}",
                p.absorbed
            );
            false
        },
    );
}

/// Points of the path lie so dense as was asked for, whatever the medium does; without absorption none is lost.
#[test]
fn where_nothing_is_absorbed_every_photon_stays() {
    for medium in [
        Medium::uniform(0.05, 0.0),
        Medium::uniform(2.0, 0.0),
        Medium::uniform(0.0, 0.0),
    ] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (n, length_m, spacing_m) = (2_000, 300.0, 10.0);
        let mut points = 0;
        for _ in 0..n {
            let photon = Photon::new([0.0; 3], dice::isotropic(&mut rng));
            fly(
                photon,
                &color(),
                &medium,
                spacing_m,
                &mut rng,
                |photon, _| {
                    assert_eq!(photon.absorbed, 0.0);
                    let counts = photon.path_m < length_m;
                    points += i32::from(counts);
                    counts
                },
            );
        }
        let expected = f64::from(n) * length_m / spacing_m;
        assert!(
            (f64::from(points) - expected).abs() < 5.0 * expected.sqrt(),
            "{points}"
        );
    }
}

/// A walk that keeps its direction over an effective scattering length `l` is, after a path `s`, at a mean square
/// distance of `2 l^2 (s / l - 1 + exp(-s / l))`, exactly, for any scattering function.
#[test]
fn light_spreads_as_a_persistent_walk() {
    let (effective_m, n) = (25.0, 40_000);
    let medium = Medium::uniform(1.0 / effective_m, 0.0);
    let up_to = [5.0, 20.0, 50.0, 150.0, 300.0];
    let expected = |s: f64| {
        let l = effective_m;
        2.0 * l * l * (s / l - 1.0 + libm::exp(-s / l))
    };
    let sums = in_blocks(4, 20, all_cores(), |_, rng| {
        let mut sums = [(0.0, 0.0); 5];
        for _ in 0..n / 20 {
            let photon = Photon::new([0.0; 3], dice::isotropic(rng));
            fly(photon, &color(), &medium, 5.0, rng, |photon, _| {
                let Some(bin) = up_to.iter().position(|s| photon.path_m < *s) else {
                    return false;
                };
                sums[bin].0 += distance_m(photon).powi(2);
                sums[bin].1 += expected(photon.path_m);
                true
            });
        }
        sums
    });
    for bin in 0..up_to.len() {
        let found: f64 = sums.iter().map(|sums| sums[bin].0).sum();
        let expected: f64 = sums.iter().map(|sums| sums[bin].1).sum();
        // A square scatters by about its mean: five standard deviations of as many photons.
        let ratio = found / expected;
        assert!(
            (ratio - 1.0).abs() < 5.0 / f64::from(n).sqrt(),
            "below {} m: {ratio}",
            up_to[bin]
        );
    }
}

/// Delay behind straight light: 10 %, 50 % and 90 % quantiles of weighted delays.
fn quantiles(mut weighted: Vec<(f64, f64)>) -> [f64; 3] {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    [0.1, 0.5, 0.9].map(|share| {
        let mut sum = 0.0;
        let reached = weighted.iter().find(|(_, weight)| {
            sum += weight;
            sum >= share * total
        });
        reached.map_or(f64::NAN, |(delay, _)| *delay)
    })
}

/// Path `s = v t` behind `r` by the diffusion equation: density
/// `s^(-3/2) exp(-r^2 / (4 D t) - s / l_a)`, `D = v l_e / 3`.
fn diffusion(r: f64, effective_m: f64, absorption_m: f64) -> [f64; 3] {
    tabulated(r, |s| {
        libm::pow(s, -1.5) * libm::exp(-0.75 * r * r / (effective_m * s) - s / absorption_m)
    })
}

/// The same from the Boltzmann equation, which knows that light has a speed: an interpolation for isotropic scattering
/// (J. C. J. Paasschens, Phys. Rev. E 56 (1997) 1135), lengths in units of `l_e`.
fn boltzmann(r: f64, effective_m: f64, absorption_m: f64) -> [f64; 3] {
    tabulated(r, |s| {
        let (t, share) = (s / effective_m, 1.0 - (r / s).powi(2));
        if share <= 0.0 {
            return 0.0;
        }
        let x = t * libm::pow(share, 0.75);
        libm::pow(share, 0.125)
            * libm::pow(t, -1.5)
            * libm::exp(x - t)
            * (1.0 + 2.026 / x).sqrt()
            * libm::exp(-s / absorption_m)
    })
}

fn tabulated(r: f64, density: impl Fn(f64) -> f64) -> [f64; 3] {
    let grid = (0..400_000).map(|i| 0.5 + f64::from(i) * 0.05);
    quantiles(grid.map(|s| (s - r, density(s))).collect())
}

const DISTANCES_M: [f64; 4] = [20.0, 50.0, 100.0, 150.0];

/// Relative errors of median and width (10 to 90 %) of the delay at four distances from a source that shines everywhere
/// alike; so many photons are followed over `longest_m`.
fn errors(
    effective_m: f64,
    absorption_m: f64,
    longest_m: f64,
    n_photons: u32,
    expected: fn(f64, f64, f64) -> [f64; 3],
) -> [[f64; 2]; 4] {
    let medium = Medium::uniform(1.0 / effective_m, 1.0 / absorption_m);
    let blocks = in_blocks(5, 20, all_cores(), |_, rng| {
        let mut seen = [const { Vec::new() }; 4];
        for _ in 0..n_photons / 20 {
            let photon = Photon::new([0.0; 3], dice::isotropic(rng));
            fly(photon, &color(), &medium, 2.0, rng, |photon, _| {
                let at = distance_m(photon);
                for (distance, seen) in DISTANCES_M.iter().zip(&mut seen) {
                    if (at / distance - 1.0).abs() < 0.03 {
                        seen.push((photon.path_m - at, libm::exp(-photon.absorbed)));
                    }
                }
                photon.path_m < longest_m
            });
        }
        seen
    });
    [0, 1, 2, 3].map(|i| {
        let seen: Vec<_> = blocks.iter().flat_map(|seen| seen[i].clone()).collect();
        let found = quantiles(seen);
        let expected = expected(DISTANCES_M[i], effective_m, absorption_m);
        [
            found[1] / expected[1] - 1.0,
            (found[2] - found[0]) / (expected[2] - expected[0]) - 1.0,
        ]
    })
}

/// Light that is scattered a hundred times before it is absorbed diffuses, in clean and in dusty ice: median and width
/// are right within 8 % from 3 effective scattering lengths on, within 20 % from 1.5 on. Nearer to the source (20 m in
/// clean ice) it has not forgotten its direction yet and comes earlier.
#[test]
fn light_that_scatters_often_diffuses() {
    for (effective_m, longest_m, n) in [(30.0, 7_000.0, 20_000), (8.0, 4_000.0, 10_000)] {
        let errors = errors(effective_m, 100.0 * effective_m, longest_m, n, diffusion);
        for (distance_m, error) in DISTANCES_M.into_iter().zip(errors) {
            let tolerance = match distance_m / effective_m {
                near if near < 1.0 => 0.75,
                near if near < 3.0 => 0.2,
                _ => 0.08,
            };
            assert!(
                error.iter().all(|e| e.abs() < tolerance),
                "{distance_m} m of {effective_m} m: {error:?}"
            );
        }
    }
}

/// With the absorption of clean and of dusty ice light has no time to diffuse, and its speed counts. The interpolation
/// is of isotropic scattering: from 1.5 effective scattering lengths on it is right within 40 % in the median, 20 % in
/// the width.
#[test]
fn in_clean_and_in_dusty_ice_light_keeps_to_transport_theory() {
    for (effective_m, absorption_m, longest_m) in [(30.0, 130.0, 1_200.0), (8.0, 40.0, 800.0)] {
        let errors = errors(effective_m, absorption_m, longest_m, 10_000, boltzmann);
        for (distance_m, [median, width]) in DISTANCES_M.into_iter().zip(errors) {
            if distance_m > 1.5 * effective_m {
                assert!(
                    median.abs() < 0.4 && width.abs() < 0.2,
                    "{distance_m} m: {median} {width}"
                );
            }
        }
    }
}
