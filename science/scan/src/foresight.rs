//! How many pixels a zoom will ask for, foreseen from a sample of them.
//!
//! The waves of a zoom are asked for as in a scan, of a map that is partly guessed. The first wave is fitted as a
//! whole; of every other one a sample spread over it, and the pixels that promise to be the lowest. What was not
//! fitted is what the waves before let expect at its place, with the mean of what the samples around it were off by.
//!
//! Decision: An estimate is a scan of a map that is partly guessed (`docs/decisions.md`).

use std::collections::BTreeMap;

use crate::plan::Plan;
use crate::refinement::{Next, next};
use crate::start;
use skyscan_event::DetectorDirection;
use skyscan_reco::PixelRequest;
use skyscan_sky::map::{PixelOutcome, SkyMap, fitted};
use skyscan_sky::surface::Surface;
use skyscan_sky::{Nside, Pixel};

/// Of the pixels of a wave one of so many is fitted ...
const ONE_OF: usize = 4;
/// ... but no more than these, and no fewer.
const MOST: usize = 40;
const FEWEST: usize = 9;
/// The lowest pixel is looked for in so many steps.
const LOOKS: usize = 3;
/// What a pixel was not expected to be is the mean over so many of the nearest samples.
const NEAREST: usize = 4;

/// A wave that a scan will ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeseenWave {
    /// Its resolution.
    pub nside: Nside,
    /// How many pixels it has.
    pub n_pixels: usize,
    /// How many of them were fitted.
    pub n_fitted: usize,
}

/// What is known and guessed of a scan that has not been run.
#[derive(Debug)]
pub struct Foresight {
    plan: Plan,
    /// What was fitted.
    known: SkyMap,
    /// The complete waves so far, known and guessed.
    seen: SkyMap,
    /// The wave at hand, with what is expected of each pixel.
    wave: BTreeMap<Pixel, f64>,
    fits: BTreeMap<Pixel, PixelOutcome>,
    n_looks: usize,
    waves: Vec<ForeseenWave>,
}

impl Foresight {
    /// Nothing is known yet.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            known: SkyMap::default(),
            seen: SkyMap::default(),
            wave: BTreeMap::new(),
            fits: BTreeMap::new(),
            n_looks: 0,
            waves: Vec::new(),
        }
    }

    /// The pixels to be fitted now, all of one resolution; none if the scan is over.
    pub fn wanted(&mut self) -> Vec<Pixel> {
        if !self.wave.is_empty() {
            let lowest = self.lowest_guess();
            if let Some(pixel) = lowest.filter(|_| self.n_looks < LOOKS) {
                self.n_looks += 1;
                return vec![pixel];
            }
            self.close();
        }
        let Next::Wave(wave) = next(&self.seen, &self.plan) else {
            return Vec::new();
        };
        self.n_looks = 0;
        if self.seen.is_empty() {
            self.wave = wave.iter().map(|pixel| (*pixel, 0.0)).collect();
            return wave;
        }
        let mut surface = Surface::new(&self.seen);
        let expected = |pixel: &Pixel| {
            let llh = surface.llh(pixel.center());
            (*pixel, llh.unwrap_or(f64::INFINITY))
        };
        self.wave = wave.iter().map(expected).collect();
        sample(wave)
    }

    /// What a fit of one of them is asked for.
    pub fn request(&self, pixel: Pixel, direction: DetectorDirection) -> PixelRequest {
        let request = start::request(&self.known, pixel, direction);
        self.plan.variations().around(request)
    }

    /// What became of one of them.
    pub fn learn(&mut self, pixel: Pixel, outcome: PixelOutcome) {
        self.fits.insert(pixel, outcome);
    }

    /// The waves so far.
    pub fn waves(&self) -> &[ForeseenWave] {
        &self.waves
    }

    /// The pixel that promises to be the lowest of all, unless the lowest was fitted.
    fn lowest_guess(&self) -> Option<Pixel> {
        let guesses = self.guesses();
        let lowest = guesses.iter().min_by(|a, b| a.1.total_cmp(b.1));
        let (pixel, llh) = lowest.filter(|(pixel, _)| !self.fits.contains_key(pixel))?;
        let known = self.fits.values().filter_map(llh_of);
        let best = known.fold(f64::INFINITY, f64::min);
        (*llh < best).then_some(*pixel)
    }

    /// The llh of every pixel of the wave that did not fail, fitted or guessed.
    fn guesses(&self) -> BTreeMap<Pixel, f64> {
        let surprises: Vec<([f64; 3], f64)> = (self.fits.iter())
            .filter_map(|(pixel, outcome)| {
                let expected = self.wave.get(pixel).filter(|llh| llh.is_finite())?;
                Some((pixel.center().to_vector(), llh_of(outcome)? - expected))
            })
            .collect();
        let guess = |(pixel, expected): (&Pixel, &f64)| match self.fits.get(pixel) {
            Some(outcome) => Some((*pixel, llh_of(outcome)?)),
            None => Some((*pixel, expected + surprise_at(pixel, &surprises))),
        };
        self.wave.iter().filter_map(guess).collect()
    }

    fn close(&mut self) {
        let guesses = self.guesses();
        let nside = self.wave.keys().next().map(|pixel| pixel.nside);
        if let Some(nside) = nside {
            self.waves.push(ForeseenWave {
                nside,
                n_pixels: self.wave.len(),
                n_fitted: self.fits.len(),
            });
        }
        for pixel in std::mem::take(&mut self.wave).into_keys() {
            let outcome = match (self.fits.get(&pixel), guesses.get(&pixel)) {
                (Some(outcome), _) => outcome.clone(),
                (None, Some(llh)) if llh.is_finite() => fitted(*llh),
                (None, _) => PixelOutcome::Failed(String::new()),
            };
            self.seen.insert(pixel, outcome);
        }
        for (pixel, outcome) in std::mem::take(&mut self.fits) {
            self.known.insert(pixel, outcome);
        }
    }
}

fn llh_of(outcome: &PixelOutcome) -> Option<f64> {
    match outcome {
        PixelOutcome::Fitted(fit) => Some(fit.llh),
        PixelOutcome::Failed(_) => None,
    }
}

/// Some of the pixels of a wave, evenly over it: neighbours in their numbers are neighbours on the sky.
fn sample(mut wave: Vec<Pixel>) -> Vec<Pixel> {
    wave.sort_unstable_by_key(|pixel| pixel.uniq());
    let n = wave.len();
    let wanted = (n / ONE_OF).clamp(FEWEST.min(n), MOST);
    (0..wanted)
        .map(|i| wave[(2 * i + 1) * n / (2 * wanted)])
        .collect()
}

/// Mean of the nearest surprises, the nearer the more.
fn surprise_at(pixel: &Pixel, surprises: &[([f64; 3], f64)]) -> f64 {
    let here = pixel.center().to_vector();
    let distance =
        |there: &[f64; 3]| -> f64 { here.iter().zip(there).map(|(a, b)| (a - b) * (a - b)).sum() };
    let mut near: Vec<(f64, f64)> = surprises
        .iter()
        .map(|(at, off)| (distance(at), *off))
        .collect();
    near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(NEAREST);
    let weights: f64 = near.iter().map(|(squared, _)| 1.0 / squared).sum();
    let sum: f64 = near.iter().map(|(squared, off)| off / squared).sum();
    if weights > 0.0 { sum / weights } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Strategy;
    use skyscan_sky::Equatorial;

    const TRUTH: Equatorial = Equatorial {
        ra_rad: 2.2,
        dec_rad: 0.4,
    };

    /// Parabolic about the truth, with a standard deviation of this, and flat far from it.
    fn llh(pixel: Pixel, width_rad: f64) -> f64 {
        let away = pixel.center().separation_rad(TRUTH) / width_rad;
        500.0 * (away * away / 1000.0).ln_1p()
    }

    fn plan() -> Plan {
        Plan::of(Strategy::Zoom, &[], false, 8.6).unwrap()
    }

    /// Pixels that are fitted for it, and foreseen.
    fn foreseen(outcome: impl Fn(Pixel) -> PixelOutcome) -> (usize, usize) {
        let mut foresight = Foresight::new(plan());
        let mut n_fitted = 0;
        loop {
            let wanted = foresight.wanted();
            if wanted.is_empty() {
                break;
            }
            for pixel in wanted {
                n_fitted += 1;
                foresight.learn(pixel, outcome(pixel));
            }
        }
        let waves = foresight.waves();
        assert_eq!(
            waves.iter().map(|wave| wave.n_fitted).sum::<usize>(),
            n_fitted
        );
        (n_fitted, waves.iter().map(|wave| wave.n_pixels).sum())
    }

    fn scanned(outcome: impl Fn(Pixel) -> PixelOutcome) -> usize {
        let mut map = SkyMap::default();
        while let Next::Wave(wave) = next(&map, &plan()) {
            wave.into_iter()
                .for_each(|pixel| map.insert(pixel, outcome(pixel)));
        }
        map.len()
    }

    #[test]
    fn smooth_regions_of_any_size_are_foreseen() {
        for width_deg in [0.03, 0.3, 3.0, 20.0] {
            let outcome = |pixel| fitted(llh(pixel, f64::to_radians(width_deg)));
            let (n_fitted, n_foreseen) = foreseen(outcome);
            let n_scanned = scanned(outcome);
            let off = n_foreseen as f64 / n_scanned as f64;
            assert!(
                (0.85..1.15).contains(&off),
                "{width_deg}: {n_foreseen} of {n_scanned}"
            );
            assert!(
                n_fitted < n_scanned,
                "{width_deg}: {n_fitted} of {n_scanned}"
            );
        }
    }

    #[test]
    fn what_fails_ends_what_is_foreseen() {
        let failed = |_| PixelOutcome::Failed("no light".to_owned());
        assert_eq!(foreseen(failed), (192, 192));
    }

    #[test]
    fn pixels_that_fail_here_and_there_are_no_hindrance() {
        let outcome = |pixel: Pixel| match pixel.index % 5 {
            0 => PixelOutcome::Failed("no light".to_owned()),
            _ => fitted(llh(pixel, 0.01)),
        };
        let (_, n_foreseen) = foreseen(outcome);
        let off = n_foreseen as f64 / scanned(outcome) as f64;
        assert!((0.7..1.4).contains(&off), "{off}");
    }

    #[test]
    fn a_wave_is_looked_at_three_times_however_it_disappoints() {
        let mut foresight = Foresight::new(plan());
        let mut looks = Vec::new();
        loop {
            let wanted = foresight.wanted();
            let is_look = wanted.len() == 1;
            match looks.last_mut() {
                Some(n_looks) if is_look => *n_looks += 1,
                _ => looks.push(0),
            }
            if wanted.is_empty() {
                break;
            }
            let worse = if is_look { 30.0 } else { 0.0 };
            for pixel in wanted {
                foresight.learn(pixel, fitted(llh(pixel, 0.03) + worse));
            }
        }
        assert_eq!(looks.iter().max(), Some(&LOOKS), "{looks:?}");
    }

    #[test]
    fn where_nothing_is_known_nothing_is_expected() {
        let outcome = |pixel: Pixel| match pixel.center().separation_rad(TRUTH) < 0.6 {
            true => fitted(llh(pixel, 0.3)),
            false => PixelOutcome::Failed("no light".to_owned()),
        };
        let (_, n_foreseen) = foreseen(outcome);
        let off = n_foreseen as f64 / scanned(outcome) as f64;
        assert!((0.85..1.15).contains(&off), "{off}");
    }

    #[test]
    fn a_guess_that_is_as_low_as_the_lowest_is_not_looked_at() {
        let mut foresight = Foresight::new(plan());
        for _wave in 0..2 {
            let wanted = foresight.wanted();
            assert!(wanted.len() > 1);
            for pixel in wanted {
                foresight.learn(pixel, fitted(0.0));
            }
        }
        assert_eq!(foresight.lowest_guess(), None);
    }

    #[test]
    fn a_sample_is_a_quarter_and_lies_evenly() {
        let nside = Nside::try_from(8).unwrap();
        let first = |n| nside.pixels().take(n).collect::<Vec<Pixel>>();
        let sizes = [400, 100, 20, 5].map(|n| sample(first(n)).len());
        assert_eq!(sizes, [MOST, 25, FEWEST, 5]);
        let mut all = first(100);
        all.sort_unstable_by_key(|pixel| pixel.uniq());
        let fourths: Vec<Pixel> = all.into_iter().skip(2).step_by(4).collect();
        assert_eq!(sample(first(100)), fourths);
    }

    #[test]
    fn where_nothing_was_fitted_there_is_no_surprise() {
        let nside = Nside::try_from(8).unwrap();
        assert_eq!(surprise_at(&nside.containing(TRUTH), &[]), 0.0);
    }
}
