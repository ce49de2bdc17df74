//! Synthetic events with known truth: muon tracks in our own light model, seeded, reproducible.
//!
//! A track crosses the detector; every DOM draws a Poisson number of photons around the
//! expectation of [`crate::light::amount`]; each photon is late by a draw from the gamma density
//! of [`crate::light::arrival`] and smeared by the readout; photons close in time merge into
//! pulses; dark noise comes on top; pulses of close neighbours on a string are marked as
//! coincident. Light losses along the track are smooth: there are no cascades on it.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Normal, Poisson};

use crate::light::arrival::{JITTER_NS, effective_distance_m, rate_per_ns};
use crate::light::cherenkov::{Track, add_scaled, sine};
use crate::light::ice::Ice;
use crate::light::{PHASE_INDEX, amount};
use skyscan_event::detector::{Detector, Dom};
use skyscan_event::{DetectorDirection, DomId, Event, Pulse, Seed};

/// Dark noise of a DOM, per ns (500 Hz; Aartsen et al., JINST 12 (2017) P03012, section 4).
const NOISE_PER_NS: f64 = 500e-9;
/// Noise is drawn from this long before the track reaches the centre to as long after.
const NOISE_SPAN_NS: f64 = 6_000.0;
/// The track is this late after the start of the readout.
const TRACK_TIME_NS: f64 = 10_000.0;
/// Photons this close become one pulse.
const MERGE_NS: f64 = 10.0;
/// Coincident: light within this time in one of the two DOMs above or below.
const COINCIDENCE_NS: f64 = 1_000.0;
/// More photons than this in a DOM are drawn as this many of higher weight.
const MOST_DRAWN: f64 = 500.0;
/// Relative width of the charge of one photoelectron.
const CHARGE_SPREAD: f64 = 0.3;

/// What to generate. The same recipe always gives the same event.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Where the muon comes from; isotropic if absent.
    pub direction: Option<DetectorDirection>,
    /// Its energy; log-uniform from 3 TeV to 1 PeV if absent.
    pub energy_gev: Option<f64>,
    /// When it comes.
    pub mjd: f64,
}

/// Generates one event.
pub fn generate(detector: &Detector, recipe: &Recipe) -> Event {
    let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
    let direction = recipe.direction.unwrap_or_else(|| isotropic(&mut rng));
    let energy_gev = recipe
        .energy_gev
        .unwrap_or_else(|| libm::exp(rng.random_range(libm::log(3e3)..libm::log(1e6))));
    let track = Track {
        position_m: inner_point(detector, &mut rng),
        direction: direction.unit_vector().map(|x| -x),
        time_ns: TRACK_TIME_NS,
    };
    let ice = Ice::new(&detector.ice);
    let mut pulses: BTreeMap<DomId, Vec<Pulse>> = BTreeMap::new();
    for (&id, dom) in &detector.doms {
        let mut photons = track_photons(&track, energy_gev, dom, &ice, &mut rng);
        let noise = Poisson::new(NOISE_PER_NS * 2.0 * NOISE_SPAN_NS).expect("a positive mean");
        for _ in 0..noise.sample(&mut rng) as u64 {
            photons.push((
                TRACK_TIME_NS + rng.random_range(-NOISE_SPAN_NS..NOISE_SPAN_NS),
                1.0,
            ));
        }
        if !photons.is_empty() {
            pulses.insert(id, merge(id, photons, &mut rng));
        }
    }
    mark_coincidences(&mut pulses);
    let name = format!("muon of {energy_gev:.0} GeV");
    Event {
        run_id: 0,
        event_id: u32::try_from(recipe.seed % 1_000_000_000).expect("below a billion"),
        mjd: recipe.mjd,
        stream: "SYNTHETIC".to_owned(),
        pulse_series: "synthetic".to_owned(),
        pulses: pulses.into_values().flatten().collect(),
        excluded: vec![],
        seeds: vec![],
        truth: Some(Seed {
            name,
            direction: Some(direction),
            position_m: track.position_m,
            time_ns: track.time_ns,
        }),
    }
}

fn isotropic(rng: &mut ChaCha8Rng) -> DetectorDirection {
    let zenith_rad = libm::acos(rng.random_range(-1.0..1.0));
    DetectorDirection {
        zenith_rad,
        azimuth_rad: rng.random_range(0.0..std::f64::consts::TAU),
    }
}

/// A point well inside the detector: on the way from its centre to one of its DOMs.
fn inner_point(detector: &Detector, rng: &mut ChaCha8Rng) -> [f64; 3] {
    let chosen = rng.random_range(0..detector.doms.len());
    let dom = detector
        .doms
        .values()
        .nth(chosen)
        .expect("an index below the number of DOMs");
    let center = detector.center_m();
    let outward = [0, 1, 2].map(|i| dom.position_m[i] - center[i]);
    add_scaled(center, outward, 0.8)
}

/// Arrival times and weights of the photons of a track that a DOM detects.
fn track_photons(
    track: &Track,
    energy_gev: f64,
    dom: &Dom,
    ice: &Ice,
    rng: &mut ChaCha8Rng,
) -> Vec<(f64, f64)> {
    let approach = track.approach(dom.position_m);
    let mean = ice.mean(track.emission_z_m(&approach), dom.position_m[2]);
    let expected = dom.relative_efficiency
        * amount::expected_photoelectrons(
            approach.distance_m,
            energy_gev,
            mean.scattering_per_m,
            mean.absorption_per_m,
        );
    let Ok(number) = Poisson::new(expected) else {
        return Vec::new();
    };
    let number: f64 = number.sample(rng);
    let drawn = number.min(MOST_DRAWN);
    let upward = track.direction[2] / PHASE_INDEX + sine() * approach.outward[2];
    let xi = effective_distance_m(approach.distance_m, upward) * mean.scattering_per_m;
    let delay = Gamma::new(xi, 1.0 / rate_per_ns(mean.absorption_per_m)).expect("positive shape");
    let jitter = Normal::new(0.0, JITTER_NS).expect("a positive width");
    let direct = track.direct_light_ns(&approach);
    (0..drawn as u64)
        .map(|_| {
            (
                direct + delay.sample(rng) + jitter.sample(rng),
                number / drawn,
            )
        })
        .collect()
}

/// Merges photons that are close in time; charges fluctuate per photon.
fn merge(dom: DomId, mut photons: Vec<(f64, f64)>, rng: &mut ChaCha8Rng) -> Vec<Pulse> {
    photons.sort_by(|a, b| a.0.total_cmp(&b.0));
    let spread = Normal::new(1.0, CHARGE_SPREAD).expect("a positive width");
    let mut pulses: Vec<Pulse> = Vec::new();
    for (time_ns, weight) in photons {
        let charge_pe = (weight * spread.sample(rng).max(0.1)) as f32;
        match pulses.last_mut() {
            Some(open) if time_ns - open.time_ns < MERGE_NS => open.charge_pe += charge_pe,
            _ => pulses.push(Pulse {
                dom,
                time_ns,
                charge_pe,
                width_ns: MERGE_NS as f32,
                hlc: false,
            }),
        }
    }
    pulses
}

fn mark_coincidences(pulses: &mut BTreeMap<DomId, Vec<Pulse>>) {
    let times: BTreeMap<DomId, Vec<f64>> = pulses
        .iter()
        .map(|(&id, pulses)| (id, pulses.iter().map(|pulse| pulse.time_ns).collect()))
        .collect();
    for (id, pulses) in pulses {
        let neighbours = [-2i32, -1, 1, 2].into_iter().filter_map(|step| {
            let dom = u16::try_from(i32::from(id.dom) + step).ok()?;
            times.get(&DomId {
                string: id.string,
                dom,
            })
        });
        let close: Vec<f64> = neighbours.flatten().copied().collect();
        for pulse in pulses {
            pulse.hlc = close
                .iter()
                .any(|time| (time - pulse.time_ns).abs() <= COINCIDENCE_NS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(seed: u64) -> Recipe {
        Recipe {
            seed,
            direction: None,
            energy_gev: Some(1e5),
            mjd: 60_000.0,
        }
    }

    #[test]
    fn the_same_recipe_gives_the_same_event() {
        let detector = Detector::icecube86();
        assert_eq!(
            generate(&detector, &recipe(7)),
            generate(&detector, &recipe(7))
        );
        assert_ne!(
            generate(&detector, &recipe(7)).pulses,
            generate(&detector, &recipe(8)).pulses
        );
    }

    #[test]
    fn light_comes_after_the_muon_and_marks_neighbours() {
        let event = generate(&Detector::icecube86(), &recipe(3));
        let coincident: Vec<&Pulse> = event.pulses.iter().filter(|pulse| pulse.hlc).collect();
        assert!(coincident.len() > 100, "{}", coincident.len());
        // The detector is about 1.5 km across: light takes some 7 us, the muon 5.
        let late = coincident
            .iter()
            .filter(|p| (p.time_ns - TRACK_TIME_NS).abs() < 6_000.0);
        assert!(late.count() > coincident.len() * 9 / 10);
        assert!(
            event.pulses.iter().any(|pulse| !pulse.hlc),
            "no noise at all"
        );
    }

    #[test]
    fn pulses_are_ordered_by_dom_and_time() {
        let event = generate(&Detector::icecube86(), &recipe(5));
        let order = |p: &Pulse| (p.dom, p.time_ns);
        assert!(
            event
                .pulses
                .windows(2)
                .all(|pair| order(&pair[0]) <= order(&pair[1]))
        );
    }
}
