//! What the network says of each DOM, on a lattice of distances and positions round the track: evaluated where a search
//! comes by, and nowhere else, then interpolated.
//!
//! Along one direction, heights and zenith are what they are; a track that moves across changes only the distance of a
//! DOM and where it lies round the track. Nodes lie closer where the track is close: at `(2 + i / 2)^2 - 4` m.
//!
//! Decision: The network is asked on a lattice (`docs/decisions.md`).

use crate::light::ice::Ice;
use crate::light::learned::LearnedLight;
use crate::light::learned::components::{Components, N_PARAMETERS};
use crate::light::learned::features::Place;

/// Nodes along the distance; beyond the last (668 m) it serves.
const N_DISTANCES: usize = 48;
/// Nodes round the track, from below to above.
const N_ROUND: usize = 9;
/// Half of the cells round the track: what the cosine is multiplied with.
const ROUND_STEPS: f64 = (N_ROUND - 1) as f64 / 2.0;
/// Which light the delays are of: that of the showers along the track, not of the bare muon (1).
const OF_SHOWERS: f64 = 0.0;
/// Marks a node that was not asked for yet.
const UNKNOWN: u32 = u32::MAX;

/// The lattices of all DOMs along one direction.
#[derive(Debug)]
pub(super) struct Lattice<'a> {
    light: &'a LearnedLight,
    ice: &'a Ice,
    cos_zenith: f64,
    /// Where the nodes of each DOM are kept.
    places: Vec<u32>,
    nodes: Vec<[f64; N_PARAMETERS]>,
}

/// Parameters of a density between nodes, with their derivatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interpolated {
    pub(super) components: Components,
    pub(super) by_distance: [f64; N_PARAMETERS],
    pub(super) by_round: [f64; N_PARAMETERS],
}

fn distance_at(index: usize) -> f64 {
    let root = 2.0 + index as f64 / 2.0;
    root * root - 4.0
}

impl<'a> Lattice<'a> {
    pub(super) fn new(
        light: &'a LearnedLight,
        ice: &'a Ice,
        cos_zenith: f64,
        n_doms: usize,
    ) -> Self {
        Self {
            light,
            ice,
            cos_zenith,
            places: vec![UNKNOWN; n_doms * N_DISTANCES * N_ROUND],
            nodes: Vec::with_capacity(8 * n_doms),
        }
    }

    fn node(&mut self, dom: usize, dom_z_m: f64, i: usize, j: usize) -> [f64; N_PARAMETERS] {
        let place = &mut self.places[(dom * N_DISTANCES + i) * N_ROUND + j];
        if *place == UNKNOWN {
            let at = Place {
                distance_m: distance_at(i),
                cos_round: j as f64 / ROUND_STEPS - 1.0,
                dom_z_m,
                cos_zenith: self.cos_zenith,
            };
            *place = u32::try_from(self.nodes.len()).expect("fewer nodes than that");
            self.nodes
                .push(self.light.delays(self.ice, &at, OF_SHOWERS).0);
        }
        self.nodes[*place as usize]
    }

    /// The density of a DOM at this height, `distance_m` from the track.
    pub(super) fn at(
        &mut self,
        dom: usize,
        dom_z_m: f64,
        distance_m: f64,
        cos_round: f64,
    ) -> Interpolated {
        let i = ((((distance_m + 4.0).sqrt() - 2.0) * 2.0) as usize).min(N_DISTANCES - 2);
        let step = 1.0 / (distance_at(i + 1) - distance_at(i));
        let along = (distance_m - distance_at(i)) * step;
        let (along, step) = if along < 1.0 {
            (along, step)
        } else {
            (1.0, 0.0)
        };
        let offset = (cos_round + 1.0) * ROUND_STEPS;
        let j = (offset as usize).min(N_ROUND - 2);
        let round = offset - j as f64;

        let low = [
            self.node(dom, dom_z_m, i, j),
            self.node(dom, dom_z_m, i, j + 1),
        ];
        let high = [
            self.node(dom, dom_z_m, i + 1, j),
            self.node(dom, dom_z_m, i + 1, j + 1),
        ];
        let mut found = Interpolated {
            components: Components([0.0; N_PARAMETERS]),
            by_distance: [0.0; N_PARAMETERS],
            by_round: [0.0; N_PARAMETERS],
        };
        for k in 0..N_PARAMETERS {
            let (low_rise, high_rise) = (low[1][k] - low[0][k], high[1][k] - high[0][k]);
            let below = low[0][k] + round * low_rise;
            let rise = high[0][k] + round * high_rise - below;
            found.components.0[k] = below + along * rise;
            found.by_distance[k] = rise * step;
            found.by_round[k] = (low_rise + along * (high_rise - low_rise)) * ROUND_STEPS;
        }
        found
    }
}
