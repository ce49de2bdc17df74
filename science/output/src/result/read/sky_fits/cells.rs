//! Pieces of the sky with a value each, merged where four that make up a larger one say the same.

use skyscan_sky::{Nside, Pixel};

/// More pieces than this are merged further where next to nothing is, or refused: a map in memory takes a
/// hundred bytes for each.
const MOST_PIECES: usize = 1 << 20;
/// Maps with more different pixels are refused: the finest flat one has as many.
const MOST_ROWS: usize = 12 << 20;

/// A pixel by its NESTED number, in which the four parts of a pixel follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) nside: Nside,
    pub(super) nested: u64,
}

impl Piece {
    /// The pixel of a number among those of all resolutions.
    pub(super) fn of_uniq(uniq: u64) -> Option<Self> {
        let order = uniq.checked_ilog2().filter(|bits| *bits >= 2)? / 2 - 1;
        let nside = Nside::try_from(1_u32.checked_shl(order)?).ok()?;
        let nested = uniq - 4 * (1_u64 << (2 * order));
        (nested < nside.n_pixels()).then_some(Self { nside, nested })
    }

    /// The NESTED number of a RING one.
    pub(super) fn of_ring(nside: Nside, index: u64) -> u64 {
        let n = u64::from(u32::from(nside));
        Pixel { nside, index }.uniq() - 4 * n * n
    }

    pub(super) fn pixel(self) -> Pixel {
        let n = u64::from(u32::from(self.nside));
        Pixel::from_uniq(self.nested + 4 * n * n)
    }

    /// The first of the finest pixels inside, and how many there are.
    fn range(self) -> (u64, u64) {
        let parts = u64::from(FINEST / u32::from(self.nside)).pow(2);
        (self.nested * parts, parts)
    }

    /// The pixel that it is the last quarter of.
    fn completes(self) -> Option<Self> {
        let coarser = Nside::try_from(u32::from(self.nside) / 2).ok()?;
        (self.nested % 4 == 3).then_some(Self {
            nside: coarser,
            nested: self.nested / 4,
        })
    }

    pub(super) fn area_sr(self) -> f64 {
        4.0 * std::f64::consts::PI / self.nside.n_pixels() as f64
    }
}

/// The finest resolution that there is.
const FINEST: u32 = 65_536;

/// Pieces in the order of the sky, of which none overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces(Vec<(Piece, f64)>);

impl Pieces {
    /// Adds a piece, and merges it with its siblings if they all say the same.
    pub(super) fn push(&mut self, piece: Piece, value: f64) -> Result<(), String> {
        self.0.push((piece, value));
        self.merge(|quarters| {
            let first = quarters[0].1;
            let same = |other: &(Piece, f64)| other.1.to_bits() == first.to_bits();
            quarters.iter().all(same).then_some(first)
        });
        match self.0.len() > MOST_ROWS {
            true => Err(format!("it has more than {MOST_ROWS} different pixels")),
            false => Ok(()),
        }
    }

    /// Replaces the last four pieces, as long as they make up a larger one, by what `merged` makes of them.
    fn merge(&mut self, merged: impl Fn(&[(Piece, f64)]) -> Option<f64>) {
        while let Some((last, _)) = self.0.last()
            && let Some(whole) = last.completes()
            && let Some(start) = self.0.len().checked_sub(4)
        {
            let quarters = &self.0[start..];
            let are_siblings = quarters.iter().enumerate().all(|(n, (piece, _))| {
                piece.nside == last.nside && piece.nested == whole.nested * 4 + n as u64
            });
            let Some(value) = are_siblings.then(|| merged(quarters)).flatten() else {
                break;
            };
            self.0.truncate(start);
            self.0.push((whole, value));
        }
    }

    /// In the order of the sky; the error names pieces that overlap.
    pub(super) fn sorted(mut self) -> Result<Self, String> {
        self.0.sort_by_key(|(piece, _)| piece.range());
        for pair in self.0.windows(2) {
            let ((start, parts), (next, _)) = (pair[0].0.range(), pair[1].0.range());
            if start + parts > next {
                let Pixel { nside, index } = pair[1].0.pixel();
                return Err(format!(
                    "its pixel {index} of nside {nside} lies in another one"
                ));
            }
        }
        let mut merged = Self::default();
        for (piece, value) in self.0 {
            merged.push(piece, value)?;
        }
        Ok(merged)
    }

    /// Sum of value times solid angle.
    pub(super) fn integral(&self) -> f64 {
        let shares = self.iter().map(|(piece, value)| value * piece.area_sr());
        shares.sum()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.iter().map(|(_, value)| value)
    }

    /// What is known, in the order of the sky.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Piece, f64)> + '_ {
        let known = self.0.iter().filter(|(_, value)| !value.is_nan());
        known.copied()
    }

    /// Replaces every value and merges, where there are too many pieces, those that lie far above the
    /// lowest; the error says that there are too many still.
    pub(super) fn mapped(mut self, value_of: impl Fn(f64) -> f64) -> Result<Self, String> {
        for (_, value) in &mut self.0 {
            *value = value_of(*value);
        }
        let lowest = self.values().fold(f64::INFINITY, f64::min);
        // No region reaches out to where the likelihood is a factor e^15 lower.
        for far in [40.0, 25.0, 15.0] {
            if self.0.len() <= MOST_PIECES {
                break;
            }
            let mut merged = Self::default();
            for entry in self.0 {
                merged.0.push(entry);
                merged.merge(|quarters| {
                    let are_far = quarters.iter().all(|(_, value)| *value > lowest + far);
                    are_far.then(|| quarters.iter().map(|(_, value)| value).sum::<f64>() / 4.0)
                });
            }
            self = merged;
        }
        match self.0.len() > MOST_PIECES {
            true => Err(format!(
                "it has {} different pixels near its best one, more than {MOST_PIECES}",
                self.0.len()
            )),
            false => Ok(self),
        }
    }
}
