//! A packed event of a given size, for workers that do not look at it.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::simulated;
use crate::event::detector::{Detector, Dom, IceLayer, Site};
use crate::event::{DomId, Event};
use crate::protocol::pack_problem;
use crate::reco::Problem;

/// Letters of the filling. Random ones cannot be packed further than to six bits each.
const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+";
/// Enough to come as close as a letter's share of a byte.
const CORRECTIONS: usize = 4;

/// A packed problem that is as large as asked, within a few bytes, or as small as they come.
pub(in crate::scenario) fn of_size(bytes: usize) -> Vec<u8> {
    let mut n_letters = 0;
    let mut packed = pack_problem(&problem(n_letters));
    for _ in 0..CORRECTIONS {
        let missing = bytes as f64 - packed.len() as f64;
        // A letter is six bits.
        n_letters = (n_letters as f64 + missing * 8.0 / 6.0).round().max(0.0) as usize;
        packed = pack_problem(&problem(n_letters));
    }
    packed
}

fn problem(n_letters: usize) -> Problem {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let letter = |_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]);
    let filling = (0..n_letters).map(letter).collect();
    let dom = Dom {
        position_m: [0.0; 3],
        relative_efficiency: 1.0,
    };
    let ice = IceLayer {
        z_m: 0.0,
        scattering_length_m: 25.0,
        absorption_length_m: 100.0,
    };
    Problem {
        event: Event {
            run_id: 1,
            event_id: 1,
            mjd: 58_794.0,
            stream: String::new(),
            pulse_series: String::new(),
            pulses: Vec::new(),
            excluded: Vec::new(),
            seeds: Vec::new(),
            truth: None,
        },
        detector: Detector {
            name: "one DOM, and filling".to_owned(),
            sources: vec![filling],
            site: Site {
                longitude_deg: 0.0,
                latitude_deg: -90.0,
            },
            doms: BTreeMap::from([(DomId { string: 1, dom: 1 }, dom)]),
            ice: vec![ice],
        },
        reco: simulated::NAME.to_owned(),
        systematics: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::unpack_problem;

    #[test]
    fn payloads_have_the_size_asked_for() {
        for bytes in [10_000, 531_495] {
            let packed = of_size(bytes);
            let off = packed.len().abs_diff(bytes) as f64 / bytes as f64;
            assert!(off < 0.005, "{} instead of {bytes}", packed.len());
            assert_eq!(unpack_problem(&packed).unwrap().reco, simulated::NAME);
        }
    }
}
