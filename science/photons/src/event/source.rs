//! What of a muon shines: its way through the ice, and the showers on it.
//!
//! Amounts of light are lengths of bare track that shine as much.

use rand_chacha::ChaCha8Rng;

use skyscan_event::bounds::Bounds;
use skyscan_reco::light::SPEED_OF_LIGHT_M_PER_NS;
use skyscan_reco::light::cherenkov::{Track, add_scaled, dot, subtract};

use super::losses::Loss;
use crate::dice;
use crate::emission::{self, ShowerLight};
use crate::flight::Photon;
use crate::front::Front;
use crate::optics::Color;

/// Detected photons per metre of bare track, where detected means by a photocathode as large as a DOM that is met head
/// on (`icecube/ppc`, `ppm` of its light sources).
pub(crate) const PHOTONS_PER_M: f64 = 2450.08;
/// Light of a shower of electrons, m per GeV: 5.321 m at 0.910 g/cm3 (`icecube/ppc`; L. Raedel, C. Wiebusch, Astropart.
/// Phys. 44 (2013) 102), in ice of 0.917.
const SHOWER_M_PER_GEV: f64 = 5.321 * 0.910 / 0.917;
/// Detected photons of a shower of electrons, per GeV.
pub(crate) const PHOTONS_PER_GEV: f64 = PHOTONS_PER_M * SHOWER_M_PER_GEV;
/// Light of a shower of hadrons beside it, between 100 GeV and some TeV. Same source.
const HADRON_SHARE: f64 = 0.8;
/// Light of all losses below half a GeV beside the bare track: constant, and growth with the logarithm of the energy
/// in GeV. Same source.
const SOFT: (f64, f64) = (0.1880, 0.0206);
/// Radiation length over the second parameter of the longitudinal profile, a gamma density of depth, and its first:
/// `2 + 0.6 ln E` (GeV). Same source.
const SHOWER_STEP_M: f64 = 0.39 / 0.63;
const SHOWER_SHAPE: (f64, f64) = (2.0, 0.6);

/// All that shines of one muon.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    track: Track,
    /// Where on the track it starts and how far it comes.
    from_m: f64,
    way_m: f64,
    /// Share of the light of the way that is of the bare muon.
    bare_share: f64,
    losses: Vec<Loss>,
    /// Light up to here: of the way, then with one shower after the other.
    sums: Vec<f64>,
    shower: &'a ShowerLight,
}

/// A photon that has just been emitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emitted {
    pub photon: Photon,
    pub time_ns: f64,
    /// Whether a point shines, a shower; otherwise the muon's way does, all along.
    from_point: bool,
}

impl Emitted {
    /// Distance from where it was emitted.
    pub(crate) fn straight_m(&self, point_m: [f64; 3]) -> f64 {
        let way = subtract(point_m, self.photon.position_m);
        dot(way, way).sqrt()
    }
}

impl<'a> Source<'a> {
    /// A muon that has this energy at `from_m` of its track, counted from the point of the track.
    pub(crate) fn new(
        track: Track,
        (from_m, way_m): (f64, f64),
        energy_gev: f64,
        losses: Vec<Loss>,
        shower: &'a ShowerLight,
    ) -> Self {
        let soft = (SOFT.0 + SOFT.1 * libm::log(energy_gev.max(1.0))).max(0.0);
        let mut sum = way_m * (1.0 + soft);
        let mut sums = vec![sum];
        for loss in &losses {
            let share = if loss.hadrons { HADRON_SHARE } else { 1.0 };
            sum += share * loss.energy_gev * SHOWER_M_PER_GEV;
            sums.push(sum);
        }
        Self {
            track,
            from_m,
            way_m,
            bare_share: 1.0 / (1.0 + soft),
            losses,
            sums,
            shower,
        }
    }

    /// What it moves along.
    pub(crate) fn track(&self) -> &Track {
        &self.track
    }

    /// How much there is.
    pub(crate) fn light_m(&self) -> f64 {
        self.sums[self.sums.len() - 1]
    }

    /// How much of it is within bounds, in GeV of a shower of electrons; the way metre by metre.
    pub(crate) fn shining_gev(&self, within: &Bounds) -> f64 {
        let Track {
            position_m,
            direction,
            ..
        } = self.track;
        let is_within =
            |along_m: f64| within.hold(add_scaled(position_m, direction, self.from_m + along_m));
        let showers = self.losses.iter().zip(self.sums.windows(2));
        let of_showers: f64 = showers
            .filter(|(loss, _)| is_within(loss.along_m))
            .map(|(_, sums)| sums[1] - sums[0])
            .sum();
        let metres = (0..self.way_m as u32).filter(|along| is_within(f64::from(*along)));
        (of_showers + metres.count() as f64 / self.bare_share) / SHOWER_M_PER_GEV
    }

    /// Emits a photon of the part of the light that `share` falls into.
    pub(crate) fn emit(&self, share: f64, color: &Color, rng: &mut ChaCha8Rng) -> Emitted {
        let light_m = share * self.light_m();
        let (way_light_m, shower_sums) = (self.sums[0], &self.sums[1..]);
        let loss = if light_m < way_light_m {
            None
        } else {
            let index = shower_sums.partition_point(|sum| *sum <= light_m);
            // Rounding may lead just beyond the last one.
            self.losses.get(index).or(self.losses.last())
        };
        let axis = self.track.direction;
        let (along_m, direction) = match loss {
            None => {
                let direction = if dice::unit(rng) < self.bare_share {
                    emission::bare(axis, color, rng)
                } else {
                    self.shower.direction(axis, rng)
                };
                (dice::unit(rng) * self.way_m, direction)
            }
            Some(loss) => {
                let shape = SHOWER_SHAPE.0 + SHOWER_SHAPE.1 * libm::log(loss.energy_gev);
                let further_m = SHOWER_STEP_M * dice::gamma(shape.max(1.0), rng);
                (loss.along_m + further_m, self.shower.direction(axis, rng))
            }
        };
        let along_m = self.from_m + along_m;
        Emitted {
            photon: Photon::new(add_scaled(self.track.position_m, axis, along_m), direction),
            time_ns: self.track.time_ns + along_m / SPEED_OF_LIGHT_M_PER_NS,
            from_point: loss.is_some(),
        }
    }

    /// How much later straight light is at `there_m` than at `here_m`.
    pub(crate) fn later_ns(
        &self,
        emitted: &Emitted,
        front: Front,
        here_m: [f64; 3],
        there_m: [f64; 3],
    ) -> f64 {
        let arrival_ns = |point_m| {
            if emitted.from_point {
                front.of_point_ns(emitted.straight_m(point_m))
            } else {
                let approach = self.track.approach(point_m);
                front.of_track_ns(approach.along_m, approach.distance_m)
            }
        };
        arrival_ns(there_m) - arrival_ns(here_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const TRACK: Track = Track {
        position_m: [1.0, 2.0, 3.0],
        direction: [0.0, 0.6, -0.8],
        time_ns: 500.0,
    };

    fn with_a_shower(energy_gev: f64, shower: &ShowerLight) -> Source<'_> {
        let loss = Loss {
            along_m: 300.0,
            energy_gev,
            hadrons: false,
        };
        Source::new(TRACK, (-200.0, 800.0), 1e5, vec![loss], shower)
    }

    #[test]
    fn a_gev_shines_as_five_metres_do() {
        let shower = ShowerLight::new();
        let more =
            with_a_shower(200.0, &shower).light_m() - with_a_shower(100.0, &shower).light_m();
        assert!((more / 100.0 - 5.28).abs() < 0.01, "{more}");
        let way = with_a_shower(1e-9, &shower).light_m();
        assert!((way / 800.0 - 1.425).abs() < 0.001, "{way}");
    }

    #[test]
    fn light_comes_from_where_the_particle_is() {
        let shower = ShowerLight::new();
        let source = with_a_shower(1e3, &shower);
        let color = Color::new(400.0);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (n, mut from_shower, mut depth_m) = (20_000, 0, 0.0);
        for i in 0..n {
            let emitted = source.emit(f64::from(i) / f64::from(n), &color, &mut rng);
            let along = dot(
                subtract(emitted.photon.position_m, TRACK.position_m),
                TRACK.direction,
            );
            assert!((emitted.time_ns - 500.0 - along / SPEED_OF_LIGHT_M_PER_NS).abs() < 1e-9);
            if emitted.from_point {
                from_shower += 1;
                depth_m += along - 100.0;
            } else {
                assert!((-200.0..600.0).contains(&along));
            }
        }
        let expected = 5280.0 / source.light_m();
        assert!((f64::from(from_shower) / f64::from(n) - expected).abs() < 1e-3);
        // The mean depth of a gamma density: its shape times its scale, 3.8 m at 1 TeV.
        let expected = 0.39 / 0.63 * (2.0 + 0.6 * libm::log(1e3));
        assert!((depth_m / f64::from(from_shower) / expected - 1.0).abs() < 0.02);
    }

    #[test]
    fn straight_light_is_later_further_away() {
        let shower = ShowerLight::new();
        let source = with_a_shower(1e3, &shower);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let of_shower = source.emit(0.999, &Color::new(400.0), &mut rng);
        let here = of_shower.photon.position_m;
        let later = source.later_ns(
            &of_shower,
            Front::new(),
            here,
            [here[0], here[1], here[2] + 30.0],
        );
        assert!((later - 30.0 * 1.3275 / 0.299_792).abs() < 0.01, "{later}");
        let of_way = source.emit(0.0, &Color::new(400.0), &mut rng);
        let along = add_scaled(TRACK.position_m, TRACK.direction, 29.979_245_8);
        let later = source.later_ns(&of_way, Front::new(), TRACK.position_m, along);
        assert!((later - 100.0).abs() < 1e-9, "{later}");
    }
}
