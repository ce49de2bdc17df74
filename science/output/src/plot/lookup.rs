//! What is known of a direction: the value of the finest pixel scanned there.

use std::collections::HashSet;

use skyscan_sky::map::{PixelOutcome, SkyMap};
use skyscan_sky::{Equatorial, Nside, Pixel};

/// What a direction looks like on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Seen {
    /// `2 (llh - llh_best)`.
    Excess(f64),
    Failed,
    Unscanned,
}

/// The map, arranged for millions of look-ups.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Finest first; pixels by their number among those of all resolutions, of which a quarter is that of the pixel
    /// around.
    rounds: Vec<(Nside, Vec<(u64, Seen)>)>,
    /// Pixels of the coarsest resolution with a finer pixel inside: most have none.
    refined: HashSet<u64>,
}

impl Lookup {
    /// `None` if no pixel was fitted.
    pub(super) fn new(map: &SkyMap) -> Option<Self> {
        let best = map.best()?.1.llh;
        let seen = |outcome: &PixelOutcome| match outcome {
            PixelOutcome::Fitted(fit) if fit.llh.is_finite() => {
                Seen::Excess(2.0 * (fit.llh - best))
            }
            PixelOutcome::Fitted(_) | PixelOutcome::Failed(_) => Seen::Failed,
        };
        let rounds: Vec<(Nside, Vec<(u64, Seen)>)> = map
            .rounds()
            .iter()
            .rev()
            .map(|(&nside, pixels)| {
                let number = |index| Pixel { nside, index }.uniq();
                let numbered = pixels.iter().map(|(&i, o)| (number(i), seen(o)));
                let mut numbered: Vec<(u64, Seen)> = numbered.collect();
                numbered.sort_unstable_by_key(|&(number, _)| number);
                (nside, numbered)
            })
            .collect();
        let (coarsest, _) = rounds.last()?;
        let refined = rounds[..rounds.len() - 1]
            .iter()
            .flat_map(|(nside, pixels)| {
                pixels
                    .iter()
                    .map(|&(number, _)| around(number, *nside, *coarsest))
            })
            .collect();
        Some(Self { rounds, refined })
    }

    /// The value at a direction.
    pub(super) fn seen(&self, direction: Equatorial) -> Seen {
        let Some(((coarsest, pixels), finer)) = self.rounds.split_last() else {
            return Seen::Unscanned;
        };
        let finest = finer.first().map_or(*coarsest, |(nside, _)| *nside);
        let at_finest = finest.containing(direction).uniq();
        let at_coarsest = around(at_finest, finest, *coarsest);
        if self.refined.contains(&at_coarsest) {
            for (nside, pixels) in finer {
                if let Some(seen) = find(pixels, around(at_finest, finest, *nside)) {
                    return seen;
                }
            }
        }
        find(pixels, at_coarsest).unwrap_or(Seen::Unscanned)
    }

    /// The finest resolution scanned.
    pub(super) fn finest(&self) -> Option<Nside> {
        self.rounds.first().map(|&(nside, _)| nside)
    }

    /// The value below which the given share of the coarsest round lies.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let (_, pixels) = self.rounds.last()?;
        let mut values: Vec<f64> = pixels
            .iter()
            .filter_map(|&(_, seen)| match seen {
                Seen::Excess(value) => Some(value),
                Seen::Failed | Seen::Unscanned => None,
            })
            .collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        values
            .get((share.clamp(0.0, 1.0) * last as f64).round() as usize)
            .copied()
    }
}

/// The number of the coarser pixel around a pixel.
fn around(number: u64, nside: Nside, coarser: Nside) -> u64 {
    let steps = u32::from(nside).ilog2() - u32::from(coarser).ilog2();
    number >> (2 * steps)
}

fn find(pixels: &[(u64, Seen)], number: u64) -> Option<Seen> {
    // A full round needs no search: its pixels are numbered without gaps.
    let guess = number.checked_sub(pixels.first()?.0)?;
    let guess = usize::try_from(guess).ok().and_then(|i| pixels.get(i));
    if let Some(&(found, seen)) = guess
        && found == number
    {
        return Some(seen);
    }
    let place = pixels.binary_search_by_key(&number, |&(i, _)| i).ok()?;
    Some(pixels[place].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::map::fitted;

    fn pixel(nside: u32, index: u64) -> Pixel {
        Pixel::new(Nside::try_from(nside).unwrap(), index).unwrap()
    }

    #[test]
    fn the_finest_scanned_pixel_answers() {
        let mut map = SkyMap::default();
        for index in 0..700 {
            map.insert(pixel(8, index), fitted(100.0 + index as f64));
        }
        let coarse = pixel(8, 100);
        let fine = coarse.children(Nside::try_from(64).unwrap());
        map.insert(fine[0], fitted(90.0));
        map.insert(fine[1], PixelOutcome::Failed("no light".to_owned()));
        let lookup = Lookup::new(&map).unwrap();
        assert_eq!(lookup.seen(fine[0].center()), Seen::Excess(0.0));
        assert_eq!(lookup.seen(fine[1].center()), Seen::Failed);
        assert_eq!(lookup.seen(fine[2].center()), Seen::Excess(220.0));
        assert_eq!(lookup.seen(pixel(8, 5).center()), Seen::Excess(30.0));
        assert_eq!(lookup.seen(pixel(8, 767).center()), Seen::Unscanned);
        assert_eq!(lookup.quantile(0.0), Some(20.0));
    }

    #[test]
    fn a_map_without_a_fit_has_nothing_to_show() {
        let mut map = SkyMap::default();
        assert!(Lookup::new(&map).is_none());
        map.insert(pixel(8, 1), PixelOutcome::Failed("no light".to_owned()));
        assert!(Lookup::new(&map).is_none());
    }
}
