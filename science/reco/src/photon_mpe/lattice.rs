//! What the network says of each DOM, on a lattice of distances and positions round the track: evaluated where a search
//! comes by, and nowhere else, then interpolated.
//!
//! Along one direction, heights and zenith are what they are; a track that moves across changes only the distance of a
//! DOM and where it lies round the track. Nodes lie closer where the track is close: at `(2 + i / 2)^2 - 4` m.
//!
//! Decision: The network is asked on a lattice (`docs/decisions.md`).

use pulp::NullaryFnOnce;

use crate::light::elementary::floor;
use crate::light::ice::Ice;
use crate::light::lanes::{BLOCK, on_this_cpu};
use crate::light::learned::LearnedLight;
use crate::light::learned::components::{N_COMPONENTS, N_PARAMETERS};
use crate::light::learned::features::Place;

/// Nodes along the distance; beyond the last (646 m) it serves.
const N_DISTANCES: usize = 48;
/// Nodes round the track, from below to above.
const N_ROUND: usize = 9;
/// Half of the cells round the track: what the cosine is multiplied with.
const ROUND_STEPS: f64 = (N_ROUND - 1) as f64 / 2.0;
/// Which light the delays are of: that of the showers along the track, not of the bare muon (1).
const OF_SHOWERS: f64 = 0.0;
/// Marks a node that was not asked for yet.
const UNKNOWN: u32 = u32::MAX;

/// Shares, powers and rates of a density.
type Node = [f64; N_PARAMETERS];

/// The lattices of all DOMs along one direction.
#[derive(Debug)]
pub(super) struct Lattice<'a> {
    light: &'a LearnedLight,
    ice: &'a Ice,
    cos_zenith: f64,
    /// Where the nodes of each DOM are kept.
    places: Vec<u32>,
    nodes: Vec<Node>,
}

/// A place between four nodes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    /// Node below, by distance and round the track.
    distance: f64,
    round: f64,
    /// Share of the way to the next node, by distance and round the track.
    along: f64,
    around: f64,
    /// Derivative of the first share by the distance.
    step: f64,
}

/// Parameters of densities between nodes, with their derivatives: of each DOM of a block the four components.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interpolated {
    /// Shares, powers and rates.
    pub(super) parameters: [Fours; 3],
    pub(super) by_distance: [Fours; 3],
    pub(super) by_round: [Fours; 3],
}

/// Four numbers for each DOM of a block.
pub(super) type Fours = [[f64; N_COMPONENTS]; BLOCK];

impl Interpolated {
    /// Those of what is not there.
    pub(super) const NOTHING: Self = Self {
        parameters: [[[1.0; N_COMPONENTS]; BLOCK]; 3],
        by_distance: [[[0.0; N_COMPONENTS]; BLOCK]; 3],
        by_round: [[[0.0; N_COMPONENTS]; BLOCK]; 3],
    };
}

impl Cell {
    /// The cell of a DOM that is so far from the track, and lies so round it.
    #[inline(always)]
    pub(super) fn at(distance_m: f64, cos_round: f64) -> Self {
        let distance = floor(((distance_m + 4.0).sqrt() - 2.0) * 2.0);
        let last = (N_DISTANCES - 2) as f64;
        let distance = if distance < last { distance } else { last };
        let step = 1.0 / (distance_at(distance + 1.0) - distance_at(distance));
        let along = (distance_m - distance_at(distance)) * step;
        let is_within = along < 1.0;
        let offset = (cos_round + 1.0) * ROUND_STEPS;
        let offset = if offset > 0.0 { offset } else { 0.0 };
        let (round, last) = (floor(offset), (N_ROUND - 2) as f64);
        let round = if round < last { round } else { last };
        Self {
            distance,
            round,
            along: if is_within { along } else { 1.0 },
            around: offset - round,
            step: if is_within { step } else { 0.0 },
        }
    }
}

#[inline(always)]
fn distance_at(index: f64) -> f64 {
    let root = 2.0 + index * 0.5;
    root * root - 4.0
}

/// The network to be asked.
struct Asked<'a, 'b>(&'a Lattice<'b>, Place);

impl NullaryFnOnce for Asked<'_, '_> {
    type Output = Node;

    #[inline(always)]
    fn call(self) -> Node {
        let Self(lattice, place) = self;
        let delays = lattice.light.delays(lattice.ice, &place, OF_SHOWERS);
        delays.0
    }
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

    #[inline(always)]
    fn place(&mut self, dom: usize, dom_z_m: f64, i: usize, j: usize) -> usize {
        let at = (dom * N_DISTANCES + i) * N_ROUND + j;
        match self.places[at] {
            UNKNOWN => self.ask(at, dom_z_m, i, j),
            known => known as usize,
        }
    }

    #[inline(never)]
    fn ask(&mut self, at: usize, dom_z_m: f64, i: usize, j: usize) -> usize {
        let place = Place {
            distance_m: distance_at(i as f64),
            cos_round: j as f64 / ROUND_STEPS - 1.0,
            dom_z_m,
            cos_zenith: self.cos_zenith,
        };
        let node = on_this_cpu(Asked(self, place));
        let number = self.nodes.len();
        self.places[at] = u32::try_from(number).expect("fewer nodes than that");
        self.nodes.push(node);
        number
    }

    /// The density of a DOM at this height, which becomes the `k`-th of a block.
    #[inline(always)]
    pub(super) fn between(
        &mut self,
        dom: usize,
        dom_z_m: f64,
        cell: &Cell,
        k: usize,
        found: &mut Interpolated,
    ) {
        let (i, j) = (cell.distance as usize, cell.round as usize);
        let low = self.place(dom, dom_z_m, i, j);
        let low_next = self.place(dom, dom_z_m, i, j + 1);
        let high = self.place(dom, dom_z_m, i + 1, j);
        let high_next = self.place(dom, dom_z_m, i + 1, j + 1);
        let (low, low_next) = (&self.nodes[low], &self.nodes[low_next]);
        let (high, high_next) = (&self.nodes[high], &self.nodes[high_next]);
        for of in 0..3 {
            for c in 0..N_COMPONENTS {
                let p = of * N_COMPONENTS + c;
                let (low_rise, high_rise) = (low_next[p] - low[p], high_next[p] - high[p]);
                let below = low[p] + cell.around * low_rise;
                let rise = high[p] + cell.around * high_rise - below;
                found.parameters[of][k][c] = below + cell.along * rise;
                found.by_distance[of][k][c] = rise * cell.step;
                let by_round = low_rise + cell.along * (high_rise - low_rise);
                found.by_round[of][k][c] = by_round * ROUND_STEPS;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::light::hole_ice::HoleIce;
    use crate::light::lanes::on_every_cpu;
    use skyscan_event::detector::Detector;

    #[test]
    fn the_network_says_the_same_on_every_cpu() {
        let light = LearnedLight::shipped(HoleIce::H2);
        let ice = Ice::new(&Detector::icecube86().ice);
        let lattice = Lattice::new(&light, &ice, 0.3, 1);
        for (distance_m, cos_round) in [(5.0, 0.0), (70.0, -1.0), (300.0, 0.75)] {
            let place = Place {
                distance_m,
                cos_round,
                dom_z_m: -60.0,
                cos_zenith: 0.3,
            };
            let found = on_every_cpu(|| Asked(&lattice, place));
            assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
        }
    }

    /// Between nodes there is a straight line; beyond the last, it serves.
    #[test]
    fn cells_hold_their_places() {
        for distance_m in [0.0, 1.0, 2.25, 17.0, 640.0, 646.2] {
            let cell = Cell::at(distance_m, 0.1);
            let (low, high) = (distance_at(cell.distance), distance_at(cell.distance + 1.0));
            assert!(
                low <= distance_m && distance_m <= high,
                "{distance_m}: {cell:?}"
            );
            assert!((low + cell.along * (high - low) - distance_m).abs() < 1e-9);
            assert!((cell.step * (high - low) - 1.0).abs() < 1e-12);
        }
        let beyond = Cell::at(5_000.0, 1.0);
        assert_eq!(
            (beyond.distance, beyond.along, beyond.step),
            (46.0, 1.0, 0.0)
        );
        assert_eq!((beyond.round, beyond.around), (7.0, 1.0));
    }
}
