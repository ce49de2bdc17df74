//! What is known of the regions while a scan runs.

use super::{Interim, words};
use crate::sky::Nside;

/// The regions of the newest map, as long as they are news.
#[derive(Debug, Default)]
pub(super) struct Known {
    sizes: Vec<String>,
    /// Finest round of their map.
    at: Option<Nside>,
    was_stable: bool,
}

impl Known {
    /// Takes them from a new map. Returns what to say if the contour has come to stand still.
    pub(super) fn hear(&mut self, interim: &Interim) -> Option<String> {
        self.sizes = words::sizes(interim);
        self.at = Some(interim.nside);
        let is_news = interim.is_stable && !self.was_stable;
        self.was_stable = interim.is_stable;
        is_news.then(|| words::stable(interim))
    }

    /// A round ends: of a map without it, they are none any more.
    pub(super) fn round_ends(&mut self, nside: Nside) {
        if self.at < Some(nside) {
            self.sizes.clear();
        }
    }

    /// Their sizes, the smallest first.
    pub(super) fn sizes(&self) -> &[String] {
        &self.sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::map::PixelFit;
    use crate::sky::{Equatorial, Nside};

    fn nside(nside: u32) -> Nside {
        Nside::try_from(nside).unwrap()
    }

    fn interim(at: u32, is_stable: bool) -> Interim {
        let best = Equatorial {
            ra_rad: 1.0,
            dec_rad: 0.0,
        };
        let fit = PixelFit {
            llh: 1.0,
            position_m: [0.0; 3],
            time_ns: 0.0,
            energy_inside_gev: None,
            energy_total_gev: None,
        };
        Interim {
            nside: nside(at),
            best: (best, fit),
            regions: Vec::new(),
            is_stable,
            files: Vec::new(),
        }
    }

    #[test]
    fn regions_stay_until_a_round_ends_that_they_know_nothing_of() {
        let mut known = Known {
            sizes: vec!["90 % 219 deg²".to_owned()],
            at: Some(nside(4)),
            was_stable: false,
        };
        known.round_ends(nside(4));
        assert_eq!(known.sizes().len(), 1);
        known.round_ends(nside(8));
        assert!(known.sizes().is_empty());
    }

    #[test]
    fn that_the_contour_stands_still_is_said_once() {
        let mut known = Known::default();
        assert_eq!(known.hear(&interim(4, false)), None);
        assert!(known.hear(&interim(8, true)).is_some());
        assert_eq!(known.hear(&interim(16, true)), None);
    }
}
