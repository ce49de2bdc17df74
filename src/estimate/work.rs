//! The work: how many pixels a scan will have, and what they cost, each with its interval.

use serde::Serialize;

use super::range::Range;
use super::sample::{Sample, by_round};
use crate::scan::foresight::ForeseenWave;
use crate::scenario::setup::{Law, ServiceTime};
use crate::sky::Nside;

/// The number of pixels after the first wave is known to this factor, nine times of ten at least: it was in all of 16
/// events (docs/capacity.md).
const PIXELS_FACTOR: f64 = 1.25;
/// The same of another likelihood than that which they are foreseen with: assumed.
const STRANGE_PIXELS_FACTOR: f64 = 2.0;
/// What a core takes for a pixel, beside what the sample cannot know: the machine is not the same at all times.
const COST_FACTOR: f64 = 1.15;
/// Standard deviations of a 90 % interval.
const NORMAL_90: f64 = 1.645;
/// No pixel takes longer than so many times the longest of the sample.
const LONGEST: f64 = 2.0;
/// Widths of laws that are as good as none.
const NARROW: f64 = 1e-3;

/// What a scan will have to do.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its waves, as expected.
    foreseen: Vec<ForeseenWave>,
    /// Its rounds.
    pub rounds: Vec<RoundOfWork>,
    /// Pixels in all.
    pub pixels: Range,
    /// Pixels that were fitted.
    pub n_fitted: usize,
    /// Seconds of a core for a scan in one process: its pixels, and to prepare the event.
    pub core_seconds: Range,
    /// Seconds of a core for the pixels.
    pixel_seconds: Range,
    /// Seconds of a core for a pixel: mean, width of its logarithm, longest.
    pub mean_s: f64,
    sigma: f64,
    longest_s: f64,
    /// Seconds of a core that preparing the event takes, once in each process.
    pub prepare_seconds: f64,
}

/// What a round will have to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RoundOfWork {
    /// Its resolution.
    pub nside: Nside,
    /// Pixels.
    pub pixels: Range,
    /// Pixels that were fitted.
    pub fitted: usize,
    /// Mean seconds of a core for a pixel.
    pub seconds_per_pixel: f64,
}

/// Which end of the intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As expected.
    Expected,
    /// Fewer pixels, faster ones.
    Low,
    /// More pixels, slower ones.
    High,
}

impl Work {
    /// What follows from a sample; of a likelihood that it was not foreseen with if `is_strange`.
    pub fn of(sample: &Sample, is_strange: bool) -> Self {
        let factor = match is_strange {
            true => STRANGE_PIXELS_FACTOR,
            false => PIXELS_FACTOR,
        };
        let known = sample.waves.first().map_or(0, |wave| wave.n_pixels);
        let total: usize = sample.waves.iter().map(|wave| wave.n_pixels).sum();
        let unknown = Range::within((total - known) as f64, factor);
        let pixels = Range {
            expected: total as f64,
            low: known as f64 + unknown.low,
            high: known as f64 + unknown.high,
        };
        let taken = by_round(&sample.seconds);
        let all: Vec<f64> = sample.seconds.iter().map(|(_, seconds)| *seconds).collect();
        let mean_of_all = mean(&all);
        let mut rounds: Vec<RoundOfWork> = Vec::new();
        for (number, wave) in sample.waves.iter().enumerate() {
            let fresh = match number {
                0 => Range::exact(wave.n_pixels as f64),
                _ => Range::within(wave.n_pixels as f64, factor),
            };
            match rounds.last_mut().filter(|round| round.nside == wave.nside) {
                Some(round) => {
                    round.pixels.expected += fresh.expected;
                    round.pixels.low += fresh.low;
                    round.pixels.high += fresh.high;
                    round.fitted += wave.n_fitted;
                }
                None => rounds.push(RoundOfWork {
                    nside: wave.nside,
                    pixels: fresh,
                    fitted: wave.n_fitted,
                    seconds_per_pixel: taken.get(&wave.nside).map_or(mean_of_all, |s| mean(s)),
                }),
            }
        }
        let (mut seconds, mut variance) = (0.0, 0.0);
        for round in &rounds {
            let n = round.pixels.expected;
            let sampled = taken
                .get(&round.nside)
                .map_or(all.as_slice(), Vec::as_slice);
            seconds += n * round.seconds_per_pixel;
            let unseen = (1.0 - sampled.len() as f64 / n).max(0.0);
            variance += n * n * unseen * variance_of(sampled) / sampled.len().max(1) as f64;
        }
        // Two errors that know nothing of each other, as factors.
        let of_pixels = pixels.factor_up().ln();
        let of_sample = NORMAL_90 * variance.sqrt() / seconds.max(f64::MIN_POSITIVE);
        let of_machine = COST_FACTOR.ln();
        let squares = of_pixels * of_pixels + of_sample * of_sample + of_machine * of_machine;
        let mean_s = seconds / total.max(1) as f64;
        let pixel_seconds = Range::within(seconds, squares.sqrt().exp());
        Self {
            foreseen: sample.waves.clone(),
            rounds,
            pixels,
            n_fitted: sample.seconds.len(),
            core_seconds: pixel_seconds.plus(sample.prepare_seconds),
            pixel_seconds,
            mean_s,
            sigma: sigma(&all),
            longest_s: all.iter().copied().fold(mean_s, f64::max),
            prepare_seconds: sample.prepare_seconds,
        }
    }

    /// Stands for a work that is not known yet: a pixel of a second in each round.
    pub fn stand_in(rounds: &[Nside]) -> Self {
        let wave = |&nside: &Nside| ForeseenWave {
            nside,
            n_pixels: 1,
            n_fitted: 1,
        };
        let sample = Sample {
            waves: rounds.iter().map(wave).collect(),
            seconds: rounds.iter().map(|nside| (*nside, 1.0)).collect(),
            prepare_seconds: 1.0,
        };
        Self::of(&sample, false)
    }

    /// Sizes of the waves at an end of the interval. The first one is known.
    pub fn waves(&self, end: End) -> Vec<usize> {
        let known = self.foreseen.first().map_or(0, |wave| wave.n_pixels) as f64;
        let rest = (self.pixels.expected - known).max(1.0);
        let factor = match end {
            End::Expected => 1.0,
            End::Low => (self.pixels.low - known) / rest,
            End::High => (self.pixels.high - known) / rest,
        };
        let size = |(number, wave): (usize, &ForeseenWave)| match number {
            0 => wave.n_pixels,
            _ => ((wave.n_pixels as f64 * factor).round() as usize).max(1),
        };
        self.foreseen.iter().enumerate().map(size).collect()
    }

    /// What a pixel takes at an end of the interval, so that all of them together take what that end says.
    pub fn service(&self, end: End) -> ServiceTime {
        let seconds = match end {
            End::Expected => self.pixel_seconds.expected,
            End::Low => self.pixel_seconds.low,
            End::High => self.pixel_seconds.high,
        };
        let n_pixels: usize = self.waves(end).iter().sum();
        let is_wide = self.sigma > NARROW;
        ServiceTime {
            law: if is_wide {
                Law::Lognormal
            } else {
                Law::Constant
            },
            mean_s: seconds / n_pixels.max(1) as f64,
            sigma: is_wide.then_some(self.sigma),
            cap_s: Some((LONGEST * self.longest_s).max(1e-6)),
            tail: None,
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn variance_of(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    squares / (values.len().max(2) - 1) as f64
}

/// Width of the lognormal law with the mean and the variance of these.
fn sigma(values: &[f64]) -> f64 {
    let middle = mean(values);
    match middle > 0.0 {
        true => (variance_of(values) / (middle * middle)).ln_1p().sqrt(),
        false => 0.0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn nside(nside: u32) -> Nside {
        Nside::try_from(nside).unwrap()
    }

    /// A first wave of 192 pixels of a second each, a second one of 100 of which 25 took two.
    pub(in crate::estimate) fn work() -> Work {
        let wave = |n, n_pixels, n_fitted| ForeseenWave {
            nside: nside(n),
            n_pixels,
            n_fitted,
        };
        let first = std::iter::repeat_n((nside(4), 1.0), 192);
        let sample = Sample {
            waves: vec![wave(4, 192, 192), wave(8, 100, 25)],
            seconds: first
                .chain(std::iter::repeat_n((nside(8), 2.0), 25))
                .collect(),
            prepare_seconds: 3.0,
        };
        Work::of(&sample, false)
    }

    #[test]
    fn rounds_cost_what_their_samples_did_and_the_first_is_known() {
        let work = work();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a}, not {b}");
        near(work.pixels.expected, 292.0);
        near(work.pixels.low, 192.0 + 80.0);
        near(work.pixels.high, 192.0 + 125.0);
        near(work.core_seconds.expected, 192.0 + 200.0 + 3.0);
        assert_eq!(work.rounds[0].pixels, Range::exact(192.0));
        assert_eq!(work.waves(End::Low), [192, 80]);
        for end in [End::Expected, End::Low, End::High] {
            let n_pixels: usize = work.waves(end).iter().sum();
            let in_all = work.service(end).mean_s * n_pixels as f64;
            let wanted = match end {
                End::Expected => work.core_seconds.expected,
                End::Low => work.core_seconds.low,
                End::High => work.core_seconds.high,
            };
            near(in_all, wanted - 3.0);
        }
    }
}
