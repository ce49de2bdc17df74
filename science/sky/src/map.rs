//! The likelihood map: what is known of every pixel scanned so far, at every resolution.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Equatorial, Nside, Pixel};

/// The best hypothesis with its source in one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelFit {
    /// Negative log-likelihood; lower is better, differences only have a meaning.
    pub llh: f64,
    /// A point on the track, or the vertex.
    pub position_m: [f64; 3],
    /// When the particle is there.
    pub time_ns: f64,
    /// Energy lost inside the instrumented volume, if the reconstruction knows it.
    pub energy_inside_gev: Option<f64>,
    /// Energy lost altogether, if the reconstruction knows it.
    pub energy_total_gev: Option<f64>,
}

impl PixelFit {
    fn add_to(&self, hash: &mut Sha256) {
        hash.update([1]);
        let [x, y, z] = self.position_m;
        for number in [self.llh, x, y, z, self.time_ns] {
            hash.update(number.to_bits().to_le_bytes());
        }
        for energy in [self.energy_inside_gev, self.energy_total_gev] {
            match energy {
                Some(gev) => {
                    hash.update([1]);
                    hash.update(gev.to_bits().to_le_bytes());
                }
                None => hash.update([0]),
            }
        }
    }
}

/// What became of a pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PixelOutcome {
    /// It was reconstructed; `llh` is finite.
    Fitted(PixelFit),
    /// It could not be; shown as NaN, never the best, never refined. The text says why.
    Failed(String),
}

/// Every pixel scanned so far, by resolution, then by RING index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SkyMap {
    rounds: BTreeMap<Nside, BTreeMap<u64, PixelOutcome>>,
}

impl SkyMap {
    /// Records what became of a pixel; a later outcome replaces an earlier one.
    pub fn insert(&mut self, pixel: Pixel, outcome: PixelOutcome) {
        self.rounds
            .entry(pixel.nside)
            .or_default()
            .insert(pixel.index, outcome);
    }

    /// What is known of a pixel.
    pub fn get(&self, pixel: Pixel) -> Option<&PixelOutcome> {
        self.rounds.get(&pixel.nside)?.get(&pixel.index)
    }

    /// The resolutions scanned, coarse to fine, each with its pixels in RING order.
    pub fn rounds(&self) -> &BTreeMap<Nside, BTreeMap<u64, PixelOutcome>> {
        &self.rounds
    }

    /// The finest pixel scanned that holds a direction, and what became of it.
    pub fn at(&self, direction: Equatorial) -> Option<(Pixel, &PixelOutcome)> {
        self.rounds.iter().rev().find_map(|(&nside, pixels)| {
            let pixel = nside.containing(direction);
            Some((pixel, pixels.get(&pixel.index)?))
        })
    }

    /// The llh at a direction: that of the finest pixel scanned there. None where nothing was
    /// scanned or where that pixel failed.
    pub fn llh_at(&self, direction: Equatorial) -> Option<f64> {
        match self.at(direction)?.1 {
            PixelOutcome::Fitted(fit) => Some(fit.llh),
            PixelOutcome::Failed(_) => None,
        }
    }

    /// Number of pixels, fitted and failed, over all resolutions.
    pub fn len(&self) -> usize {
        self.rounds.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing was scanned yet.
    pub fn is_empty(&self) -> bool {
        self.rounds.values().all(BTreeMap::is_empty)
    }

    /// Whether every pixel of a resolution was scanned.
    pub fn covers_sky(&self, nside: Nside) -> bool {
        self.rounds
            .get(&nside)
            .is_some_and(|pixels| pixels.len() as u64 == nside.n_pixels())
    }

    /// SHA-256 over every pixel: the same for two maps only if they agree in every bit, however
    /// they came about.
    ///
    /// Resolutions go from coarse to fine, pixels in RING order; all numbers are little-endian:
    /// nside (u32), index (u64), then 1 and the fit (llh, x, y, z, time as f64, each energy as 1
    /// and f64 or 0) or, for a failed pixel, 0. That a pixel failed counts, not the wording: that
    /// may tell of a machine or of a worker.
    pub fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (&nside, pixels) in &self.rounds {
            for (&index, outcome) in pixels {
                hash.update(u32::from(nside).to_le_bytes());
                hash.update(index.to_le_bytes());
                match outcome {
                    PixelOutcome::Fitted(fit) => fit.add_to(&mut hash),
                    PixelOutcome::Failed(_) => hash.update([0]),
                }
            }
        }
        hash.finalize().into()
    }

    /// [`Self::sha256`] in hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        let digits = |byte: &u8| format!("{byte:02x}");
        self.sha256().iter().map(digits).collect()
    }

    /// The pixel with the lowest llh among **all** resolutions; the finer one, then the lower
    /// index, wins a tie. Failed pixels never do.
    pub fn best(&self) -> Option<(Pixel, &PixelFit)> {
        let mut best: Option<(Pixel, &PixelFit)> = None;
        for (&nside, pixels) in self.rounds.iter().rev() {
            for (&index, outcome) in pixels {
                if let PixelOutcome::Fitted(fit) = outcome
                    && best.is_none_or(|(_, champion)| fit.llh < champion.llh)
                {
                    best = Some((Pixel { nside, index }, fit));
                }
            }
        }
        best
    }
}

/// An outcome of which nothing is known but its llh: no vertex, no energy.
pub fn fitted(llh: f64) -> PixelOutcome {
    PixelOutcome::Fitted(PixelFit {
        llh,
        position_m: [0.0; 3],
        time_ns: 0.0,
        energy_inside_gev: None,
        energy_total_gev: None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Equatorial, Nside, Pixel, PixelFit, PixelOutcome, SkyMap};

    fn pixel(nside: u32, index: u64) -> Pixel {
        Pixel::new(Nside::try_from(nside).unwrap(), index).unwrap()
    }

    fn fitted(llh: f64) -> PixelOutcome {
        PixelOutcome::Fitted(PixelFit {
            llh,
            position_m: [1.0, 2.0, 3.0],
            time_ns: 4.0,
            energy_inside_gev: None,
            energy_total_gev: Some(5.0),
        })
    }

    #[test]
    fn the_finest_pixel_scanned_answers() {
        let mut map = SkyMap::default();
        let fine = pixel(64, 1000);
        map.insert(fine.parent(pixel(8, 0).nside), fitted(10.0));
        assert_eq!(map.llh_at(fine.center()), Some(10.0));
        map.insert(fine, fitted(9.0));
        assert_eq!(map.at(fine.center()).unwrap().0, fine);
        assert_eq!(map.llh_at(fine.center()), Some(9.0));
        map.insert(fine, PixelOutcome::Failed("no light".into()));
        assert_eq!(map.llh_at(fine.center()), None);
        let elsewhere = Equatorial {
            ra_rad: 0.0,
            dec_rad: -1.0,
        };
        assert_eq!(map.at(elsewhere), None);
    }

    #[test]
    fn coverage_is_counted() {
        let mut map = SkyMap::default();
        assert!(map.is_empty());
        for index in 0..12 {
            assert!(!map.covers_sky(pixel(1, 0).nside));
            map.insert(pixel(1, index), fitted(0.0));
        }
        assert!(map.covers_sky(pixel(1, 0).nside));
        assert_eq!(map.len(), 12);
    }

    #[test]
    fn the_hash_follows_content_and_nothing_else() {
        let mut map = SkyMap::default();
        map.insert(pixel(8, 1), fitted(1.0));
        map.insert(pixel(8, 2), PixelOutcome::Failed("a".into()));
        let hash = map.sha256_hex();

        let mut other_order = SkyMap::default();
        other_order.insert(pixel(8, 2), PixelOutcome::Failed("b".into()));
        other_order.insert(pixel(8, 1), fitted(7.0));
        other_order.insert(pixel(8, 1), fitted(1.0));
        assert_eq!(other_order.sha256_hex(), hash);

        for (changed, outcome) in [
            (pixel(8, 1), fitted(1.0 + f64::EPSILON)),
            (pixel(8, 2), fitted(1.0)),
            (pixel(8, 3), PixelOutcome::Failed("a".into())),
            (pixel(16, 1), fitted(1.0)),
        ] {
            let mut map = map.clone();
            map.insert(changed, outcome);
            assert_ne!(map.sha256_hex(), hash, "{changed:?}");
        }
    }

    /// Python: `hashlib.sha256(struct.pack("<IQB5dBBd", 8, 1, 1, 1, 1, 2, 3, 4, 0, 1, 5))`.
    #[test]
    fn the_hash_of_a_known_map_stays() {
        let mut map = SkyMap::default();
        map.insert(pixel(8, 1), fitted(1.0));
        assert_eq!(
            map.sha256_hex(),
            "80296803e311eef62ee55ddc61455437acce74f92caf1533ced24a64a85d5efa"
        );
    }
}
