//! One map of many: the probability of each pixel, averaged over systematics, and their envelope.
//!
//! Each systematic `s` says with which probability the source is in a pixel of the area, if it is in one,
//!
//! ```text
//! p_s = exp(-llh_s) / sum over the area of exp(-llh_s)
//! ```
//!
//! The sets are drawn from what is known of the ice, so each counts as much as the next: `p` is the mean of the `p_s`,
//! and `-ln p` takes the place of the llh, moved as a whole so that the lowest stays what it was. How likely the event
//! is under one systematic beside another does not count: the likelihoods know too little of losses in lumps for that
//! (they would pick the ice that makes up for it). The envelope is, in each pixel, the least `llh_s - min llh_s`.

use crate::Atlas;
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::sub_pixel::SubPixelFit;
use skyscan_sky::{Equatorial, Nside, Pixel};

/// What the systematics of a scan come to together.
#[derive(Clone, Debug, PartialEq)]
pub struct Combined {
    /// The first scan's map, with the pixels of the area averaged over systematics.
    pub map: SkyMap,
    /// Those pixels alone.
    pub area: SkyMap,
    /// The first scan's map, with the envelope in the area.
    pub envelope: SkyMap,
    /// Where the first scan has its best fit, at the resolution of the area.
    pub first: Shift,
    /// Where each systematic has its best fit, in the order of the set.
    pub shifts: Vec<Shift>,
}

/// The best fit under a systematic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Number of the systematic.
    pub systematic: u32,
    /// Where it is: between pixel centres where the map tells, else the best pixel's centre.
    pub best: Equatorial,
    /// Its llh in the best pixel.
    pub llh: f64,
}

impl Combined {
    /// None if there is no pixel that was fitted under every systematic.
    pub fn of(atlas: &Atlas) -> Option<Self> {
        let (_, champion) = atlas.nominal.best()?;
        let maps: Vec<(&u32, Fitted<'_>)> = (atlas.varied.iter())
            .map(|(number, map)| Some((number, Fitted::of(map)?)))
            .collect::<Option<_>>()?;
        let (&nside, pixels) = atlas.varied.values().next()?.rounds().last_key_value()?;
        let all = pixels.keys().map(|&index| Pixel { nside, index });
        let averages: Vec<(Pixel, Average)> =
            all.map(|pixel| (pixel, average(pixel, &maps))).collect();
        let lowest = averages
            .iter()
            .filter_map(|(_, average)| Some(average.as_ref().ok()?.minus_ln_p));
        let lowest = lowest.min_by(f64::total_cmp)?;
        let (mut area, mut envelope) = (SkyMap::default(), SkyMap::clone(&atlas.nominal));
        for (pixel, average) in averages {
            let at = |fit: PixelFit, above: f64| {
                let llh = champion.llh + above;
                PixelOutcome::Fitted(PixelFit { llh, ..fit })
            };
            let (mean, least) = match average {
                Ok(average) => (
                    at(average.fit, average.minus_ln_p - lowest),
                    at(average.fit, average.least_above_best),
                ),
                Err(reason) => (
                    PixelOutcome::Failed(reason.clone()),
                    PixelOutcome::Failed(reason),
                ),
            };
            area.insert(pixel, mean);
            envelope.insert(pixel, least);
        }
        let mut map = SkyMap::clone(&atlas.nominal);
        for (&index, outcome) in area.rounds().values().flatten() {
            map.insert(Pixel { nside, index }, outcome.clone());
        }
        Some(Self {
            map,
            area,
            envelope,
            first: Fitted::of(&finest(&atlas.nominal, nside))?.shift(0),
            shifts: (maps.iter())
                .map(|(number, map)| map.shift(**number))
                .collect(),
        })
    }
}

/// A map's pixels of one resolution, so that it is compared with maps that have no others.
fn finest(map: &SkyMap, nside: Nside) -> SkyMap {
    let mut only = SkyMap::default();
    for (&index, outcome) in map.rounds().get(&nside).into_iter().flatten() {
        only.insert(Pixel { nside, index }, outcome.clone());
    }
    only
}

/// A systematic's map of the area, with what its probabilities are made of.
struct Fitted<'a> {
    map: &'a SkyMap,
    least_llh: f64,
    best: Pixel,
    /// Logarithm of the sum of `exp(least_llh - llh)`.
    ln_sum: f64,
}

impl<'a> Fitted<'a> {
    fn of(map: &'a SkyMap) -> Option<Self> {
        let (best, fit) = map.best()?;
        let outcomes = map.rounds().values().flat_map(|pixels| pixels.values());
        let fits = outcomes.filter_map(|outcome| match outcome {
            PixelOutcome::Fitted(fit) => Some(fit.llh),
            PixelOutcome::Failed(_) => None,
        });
        let sum: f64 = fits.map(|llh| libm::exp(fit.llh - llh)).sum();
        Some(Self {
            map,
            least_llh: fit.llh,
            best,
            ln_sum: libm::log(sum),
        })
    }

    fn shift(&self, systematic: u32) -> Shift {
        let between = SubPixelFit::of(self.map);
        Shift {
            systematic,
            best: between.map_or(self.best.center(), |fit| fit.direction),
            llh: self.least_llh,
        }
    }
}

/// What systematics say of a pixel, or why one of them says nothing.
type Average = Result<Averaged, String>;

struct Averaged {
    minus_ln_p: f64,
    least_above_best: f64,
    /// Of the systematic under which the pixel is the most likely.
    fit: PixelFit,
}

fn average(pixel: Pixel, maps: &[(&u32, Fitted<'_>)]) -> Average {
    let mut found: Option<(f64, PixelFit)> = None;
    let mut minus_ln = Vec::with_capacity(maps.len());
    let mut least_above_best = f64::INFINITY;
    for (number, map) in maps {
        let fit = match map.map.get(pixel) {
            Some(PixelOutcome::Fitted(fit)) => fit,
            Some(PixelOutcome::Failed(reason)) => {
                return Err(format!("systematic {number}: {reason}"));
            }
            None => return Err(format!("systematic {number}: it was not scanned")),
        };
        let above = fit.llh - map.least_llh;
        least_above_best = least_above_best.min(above);
        minus_ln.push(above + map.ln_sum);
        if found.is_none_or(|(least, _)| above + map.ln_sum < least) {
            found = Some((above + map.ln_sum, *fit));
        }
    }
    let (least, fit) = found.ok_or_else(|| "there are no systematics".to_owned())?;
    // The largest term is 1: nothing is lost however unlikely the pixel is.
    let sum: f64 = minus_ln
        .iter()
        .map(|minus_ln| libm::exp(least - minus_ln))
        .sum();
    Ok(Averaged {
        minus_ln_p: least - libm::log(sum / maps.len() as f64),
        least_above_best,
        fit,
    })
}

#[cfg(test)]
mod tests {
    use skyscan_sky::Nside;

    use super::*;

    /// Numbers of the systematics, by how much the pixel is above the best of its map, and by that map's sum.
    fn most_likely(systematics: &[(f64, f64)]) -> usize {
        let pixel = Nside::try_from(8)
            .map(|nside| Pixel { nside, index: 3 })
            .unwrap();
        let map = |(number, (above, _)): (usize, &(f64, f64))| {
            let mut map = SkyMap::default();
            let fit = PixelFit {
                llh: 100.0 + above,
                position_m: [number as f64, 0.0, 0.0],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            map.insert(pixel, PixelOutcome::Fitted(fit));
            map
        };
        let maps: Vec<SkyMap> = systematics.iter().enumerate().map(map).collect();
        let fitted: Vec<(&u32, Fitted<'_>)> = (maps.iter().zip(systematics))
            .map(|(map, (_, ln_sum))| {
                let fitted = Fitted {
                    map,
                    least_llh: 100.0,
                    best: pixel,
                    ln_sum: *ln_sum,
                };
                (&1, fitted)
            })
            .collect();
        average(pixel, &fitted).ok().unwrap().fit.position_m[0] as usize
    }

    #[test]
    fn the_fit_is_that_of_the_systematic_under_which_the_pixel_is_the_most_likely() {
        let [flat, likely, narrow] = [(0.2, 1.1), (0.5, 0.3), (0.9, 0.2)];
        assert_eq!(most_likely(&[flat, likely, narrow]), 1);
        assert_eq!(most_likely(&[narrow, flat, likely]), 2);
        assert_eq!(most_likely(&[likely, narrow, flat]), 0);
        assert_eq!(most_likely(&[flat, likely, likely]), 1, "the first of them");
    }
}
