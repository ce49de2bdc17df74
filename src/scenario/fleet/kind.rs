//! Which kind of machine a worker is.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scenario::setup::Speed;

/// Factor by which the worker of this seed takes longer: its kind is drawn by the kinds' shares.
pub(super) fn slower(speeds: &[Speed], own_seed: u64) -> f64 {
    let shares: f64 = speeds.iter().map(|kind| kind.share).sum();
    // Turned, so that who is of which kind says nothing of who is a straggler.
    let mut rng = ChaCha8Rng::seed_from_u64(own_seed.rotate_left(48));
    let mut left = shares * rng.random::<f64>();
    let mut slower = 1.0;
    for kind in speeds {
        slower = kind.slower;
        left -= kind.share;
        if left < 0.0 {
            break;
        }
    }
    slower
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(share: f64, slower: f64) -> Speed {
        Speed {
            name: String::new(),
            share,
            slower,
        }
    }

    #[test]
    fn every_kind_has_its_share() {
        let kinds = [kind(3.0, 0.5), kind(1.0, 4.0)];
        let drawn = (0..10_000).filter(|seed| slower(&kinds, *seed) == 4.0);
        let n = drawn.count();
        assert!((2300..2700).contains(&n), "{n}");
        assert_eq!(slower(&[], 7), 1.0);
    }
}
