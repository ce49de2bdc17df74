//! Where minimisations begin: many tracks are looked at, the best few are followed.

use super::likelihood::Slice;

/// Offsets across the track, in m, that are looked at: the centre of the hits and two rings.
const OFFSETS_M: [[f64; 2]; 13] = [
    [0.0, 0.0],
    [50.0, 0.0],
    [25.0, 43.0],
    [-25.0, 43.0],
    [-50.0, 0.0],
    [-25.0, -43.0],
    [25.0, -43.0],
    [95.0, 55.0],
    [0.0, 110.0],
    [-95.0, 55.0],
    [-95.0, -55.0],
    [0.0, -110.0],
    [95.0, -55.0],
];
/// For each offset the track's time makes these shares of the light come before direct light
/// could: no earlier than possible, but for noise, or with jitter and scattering in balance.
const EARLY_SHARES: [f64; 3] = [0.05, 0.15, 0.4];
/// How many are followed where nothing is known yet.
const FOLLOWED: usize = 4;
/// Beside the optima of the coarser pixels, only the inner ring is looked at, and the best of it
/// is followed: a way out of a minimum that the coarser round should not have been in.
const OFFSETS_BESIDE_PARENTS: usize = 7;
const EARLY_SHARES_BESIDE_PARENTS: [f64; 1] = [0.15];
const FOLLOWED_BESIDE_PARENTS: usize = 1;

/// Chooses starts of its own, the most likely of the tracks looked at: fewer where parents' optima are followed, too.
pub(super) fn choose(slice: &Slice<'_>, beside_parents: bool) -> Vec<[f64; 3]> {
    let (offsets, shares, followed): (&[[f64; 2]], &[f64], usize) = if beside_parents {
        (
            &OFFSETS_M[..OFFSETS_BESIDE_PARENTS],
            &EARLY_SHARES_BESIDE_PARENTS,
            FOLLOWED_BESIDE_PARENTS,
        )
    } else {
        (&OFFSETS_M, &EARLY_SHARES, FOLLOWED)
    };
    let mut times = Vec::new();
    let mut looked_at: Vec<(f64, [f64; 3])> = Vec::new();
    for &[u, v] in offsets {
        slice.direct_times([u, v], &mut times);
        for share in shares {
            let t = times[(share * times.len() as f64) as usize];
            looked_at.push((slice.evaluate([u, v, t]).0, [u, v, t]));
        }
    }
    looked_at.sort_by(|a, b| a.0.total_cmp(&b.0));
    looked_at
        .iter()
        .take(followed)
        .map(|(_, track)| *track)
        .collect()
}
