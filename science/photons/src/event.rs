//! Events of simulated light: a muon with its showers, or one shower alone, photons from it to the DOMs, pulses.
//!
//! Of an event 10^7 to 10^11 photons could be detected; up to 800,000 are followed, each for many, and DOMs are wider
//! (`targets`). So each DOM comes to a number of photons to expect and a list of weighted times, of which it draws as
//! many as Poisson says (`arrivals`). A time found anywhere in an enlarged DOM is moved to its middle by the difference
//! of the straight ways from the source, so that light which comes straight keeps its time.

mod arrivals;
mod losses;
mod source;
mod targets;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use skyscan_event::bounds::Bounds;
use skyscan_event::detector::Detector;
use skyscan_event::{DomId, Event, Pulse};
use skyscan_reco::light::cherenkov::{dot, subtract};
use skyscan_reco::readout::{self, MERGE_NS};
use skyscan_reco::synthetic::{Muon, Recipe};

use crate::blocks::in_blocks;
use crate::dice;
use crate::emission::ShowerLight;
use crate::flight::fly;
use crate::front::Front;
use crate::medium::Medium;
use crate::optics::{HoleIce, Spectrum};
use arrivals::{Arrivals, Expected};
use losses::Loss;
pub(crate) use source::PHOTONS_PER_GEV;
use source::{PHOTONS_PER_M, Source};
pub(crate) use targets::DOM_RADIUS_M;
use targets::Targets;

/// So far around the DOMs a muon shines and photons are followed: nothing from further out reaches them.
const MARGIN_M: f64 = 150.0;
/// A photon that is followed stands for at least this many ...
const LEAST_STANDING: f64 = 100.0;
/// ... and there are no more of them than this in an event.
const MOST_FOLLOWED: f64 = 800_000.0;
/// Once its way is longer than the straight one by this, one in so many goes on: many are early, as first photons are.
const LATE_M: f64 = 15.0;
const LATE: f64 = 4.0;
/// When it stands for fewer than this, and for less than half of what it stood for at first, it plays Russian roulette.
const FAINT: f64 = 500.0;
/// Mean distance of the points of a path that are looked at.
const SPACING_M: f64 = 4.0;
/// Photons of one block.
const BLOCK: u64 = 2_000;
/// Smearing of the time of a photon: 2.0 ns in the photomultiplier (R. Abbasi et al., NIM A 618 (2010) 139), 1.2 ns by
/// clocks and digitisation (R. Abbasi et al., NIM A 601 (2009) 294).
const TIMING_NS: f64 = 2.3;
/// Photoelectrons per ns above which a photomultiplier gives half of what it should; a tenth is missing at 31 per ns
/// (R. Abbasi et al., NIM A 618 (2010) 139, section on saturation).
const SATURATION_PER_NS: f64 = 279.0;

/// Makes events in one telescope.
#[derive(Debug)]
pub struct Generator<'a> {
    detector: &'a Detector,
    medium: Medium,
    spectrum: Spectrum,
    shower: ShowerLight,
    hole_ice: HoleIce,
    bounds: Bounds,
}

impl<'a> Generator<'a> {
    /// Prepares to make events; takes some milliseconds.
    pub fn new(detector: &'a Detector, hole_ice: HoleIce) -> Self {
        Self {
            detector,
            medium: Medium::new(&detector.ice),
            spectrum: Spectrum::cherenkov(),
            shower: ShowerLight::new(),
            hole_ice,
            bounds: Bounds::of(detector).wider(MARGIN_M),
        }
    }

    /// Generates one event on so many threads. The same recipe always gives the same event, on any number of them, and
    /// the same muon as [`skyscan_reco::synthetic::generate`]. Its energy is the one it has 150 m before the DOMs.
    pub fn generate(&self, recipe: &Recipe, n_threads: usize) -> Event {
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
        let (muon, source) = self.muon(recipe, &mut rng);
        let front = Front::new();
        let front_ns = |dom_m| {
            let approach = muon.track.approach(dom_m);
            front.of_track_ns(approach.along_m, approach.distance_m)
        };
        let pulses = self.pulses(&source, recipe.seed, front_ns, n_threads, &mut rng);
        recipe.event(&muon, pulses)
    }

    /// The muon of a recipe, and what of it shines.
    fn muon(&self, recipe: &Recipe, rng: &mut ChaCha8Rng) -> (Muon, Source<'_>) {
        let muon = recipe.muon(self.detector, rng);
        let track = muon.track;
        let (from_m, to_m) = self.bounds.crossing(track.position_m, track.direction);
        let (losses, way_m) = losses::draw(muon.energy_gev, to_m - from_m, rng);
        let way = (from_m, way_m);
        let source = Source::new(track, way, muon.energy_gev, losses, &self.shower);
        (muon, source)
    }

    /// What of the muon of a recipe shines within the outermost DOMs, in GeV of a shower of electrons: what
    /// [`skyscan_reco::segmented`] should find.
    pub fn shining_inside_gev(&self, recipe: &Recipe) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
        let (_, source) = self.muon(recipe, &mut rng);
        source.shining_gev(&Bounds::of(self.detector))
    }

    /// Generates one shower of electrons with no track, in the same way; the truth is where it begins.
    pub fn generate_shower(&self, recipe: &Recipe, n_threads: usize) -> Event {
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
        let like = recipe.muon(self.detector, &mut rng);
        let loss = Loss {
            along_m: 0.0,
            energy_gev: like.energy_gev,
            hadrons: false,
        };
        let way = (0.0, 0.0);
        let source = Source::new(like.track, way, like.energy_gev, vec![loss], &self.shower);
        let front = Front::new();
        let front_ns = |dom_m| {
            let way = subtract(dom_m, like.track.position_m);
            front.of_point_ns(dot(way, way).sqrt())
        };
        let pulses = self.pulses(&source, recipe.seed, front_ns, n_threads, &mut rng);
        let mut event = recipe.event(&like, pulses);
        if let Some(truth) = &mut event.truth {
            truth.name = format!("shower of {:.0} GeV", like.energy_gev);
        }
        event
    }

    /// What the DOMs see of a source; nothing of it comes before the front, so long after the time of its track.
    fn pulses(
        &self,
        source: &Source<'_>,
        seed: u64,
        front_ns: impl Fn([f64; 3]) -> f64,
        n_threads: usize,
        rng: &mut ChaCha8Rng,
    ) -> BTreeMap<DomId, Vec<Pulse>> {
        let track = source.track();
        let targets = Targets::new(self.detector, track);
        let light = self.light(source, &targets, seed, n_threads);
        let mut by_target = vec![Vec::new(); targets.len()];
        for (target, expected) in light {
            by_target[target].push(expected);
        }
        let mut pulses: BTreeMap<DomId, Vec<Pulse>> = BTreeMap::new();
        for ((&id, dom), expected) in self.detector.doms.iter().zip(by_target) {
            let arrivals = Arrivals::new(track.time_ns + front_ns(dom.position_m), expected);
            let mut photons = arrivals.draw(rng);
            for photon in &mut photons {
                photon.time_ns += TIMING_NS * dice::normal(rng);
            }
            let mut seen = readout::pulses(id, photons, rng);
            saturate(&mut seen);
            if !seen.is_empty() {
                pulses.insert(id, seen);
            }
        }
        pulses
    }

    /// What photons mean to which target, in an order that does not depend on the number of threads.
    fn light(
        &self,
        source: &Source<'_>,
        targets: &Targets,
        seed: u64,
        n_threads: usize,
    ) -> Vec<(usize, Expected)> {
        let photons = PHOTONS_PER_M * source.light_m();
        let n = (photons / LEAST_STANDING).clamp(1.0, MOST_FOLLOWED).ceil();
        let standing = photons / n;
        let n = n as u64;
        let blocks = in_blocks(seed, n.div_ceil(BLOCK), n_threads, |block, rng| {
            let mut light = Vec::new();
            for photon in block * BLOCK..((block + 1) * BLOCK).min(n) {
                // Each part of the light gets its share of photons, but for a fraction of one.
                let share = (photon as f64 + dice::unit(rng)) / n as f64;
                self.follow(source, share, standing, targets, rng, &mut light);
            }
            light
        });
        blocks.into_iter().flatten().collect()
    }

    fn follow(
        &self,
        source: &Source<'_>,
        share: f64,
        mut standing: f64,
        targets: &Targets,
        rng: &mut ChaCha8Rng,
        light: &mut Vec<(usize, Expected)>,
    ) {
        let front = Front::new();
        let faint = FAINT.min(0.5 * LATE * standing);
        let mut late = false;
        let color = self.spectrum.draw(rng);
        let emitted = source.emit(share, color, rng);
        fly(
            emitted.photon,
            color,
            &self.medium,
            SPACING_M,
            rng,
            |photon, rng| {
                let here_m = photon.position_m;
                let left = standing * libm::exp(-photon.absorbed);
                for (index, target) in targets.around(here_m) {
                    let sensitivity = self.hole_ice.sensitivity(photon.direction[2]);
                    let later_ns = source.later_ns(&emitted, front, here_m, target.position_m);
                    let expected = Expected {
                        time_ns: emitted.time_ns + photon.path_m * color.ns_per_m + later_ns,
                        number: left * SPACING_M * target.per_metre * sensitivity,
                    };
                    light.push((index, expected));
                }
                if !self.bounds.hold(here_m) {
                    return false;
                }
                if !late && photon.path_m - emitted.straight_m(here_m) > LATE_M {
                    late = true;
                    standing *= LATE;
                    return dice::unit(rng) * LATE < 1.0;
                }
                if left >= faint {
                    return true;
                }
                standing *= 2.0;
                dice::unit(rng) < 0.5
            },
        );
    }
}

/// What photomultipliers make of more light than they can take.
fn saturate(pulses: &mut [Pulse]) {
    let most = (SATURATION_PER_NS * MERGE_NS) as f32;
    for pulse in pulses {
        pulse.charge_pe /= 1.0 + pulse.charge_pe / most;
    }
}

#[cfg(test)]
mod tests;
