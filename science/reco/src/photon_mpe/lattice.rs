//! What the network says of each DOM, on a lattice of distances and positions round the track: evaluated where a search
//! comes by, and nowhere else, then interpolated.
//!
//! Along one direction, heights and zenith are what they are; a track that moves across changes only the distance of a
//! DOM and where it lies round the track. Nodes lie closer where the track is close: at `(2 + i / 2)^2 - 4` m.
//!
//! Decision: The network is asked on a lattice (`docs/decisions.md`).

use pulp::NullaryFnOnce;

use crate::light::elementary::{floor, index};
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
/// So many places are asked about at once, and so many where there are few.
const MANY: usize = 16;
const FEW: usize = 4;
/// Marks a node that was not asked for yet.
const UNKNOWN: u32 = u32::MAX;

/// Shares, powers and rates of a density.
type Node = [f64; N_PARAMETERS];

/// The cell that a DOM is in.
#[derive(Clone, Copy, Debug)]
struct Corners {
    /// The place of its lowest node.
    low: usize,
    /// Numbers of its nodes: nearer and further round the track, then the same of the next distance.
    nodes: [u32; 4],
}

impl Corners {
    const NOWHERE: Self = Self {
        low: usize::MAX,
        nodes: [UNKNOWN; 4],
    };
}

/// The lattices of all DOMs along one direction.
#[derive(Debug)]
pub(super) struct Lattice<'a> {
    light: &'a LearnedLight,
    ice: &'a Ice,
    cos_zenith: f64,
    /// Where the nodes of each DOM are kept.
    places: Vec<u32>,
    nodes: Vec<Node>,
    /// Where each DOM was last: a search stays in a cell for most of its steps.
    corners: Vec<Corners>,
    /// What the network is to be asked about next.
    open: Vec<Place>,
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

/// These places, and the first of them again and again.
fn filled<const N: usize>(places: &[Place]) -> [Place; N] {
    std::array::from_fn(|k| places[if k < places.len() { k } else { 0 }])
}

#[inline(always)]
fn distance_at(index: f64) -> f64 {
    let root = 2.0 + index * 0.5;
    root * root - 4.0
}

/// The network to be asked about several places.
struct Asked<'a, 'b, const N: usize>(&'a Lattice<'b>, [Place; N]);

impl<const N: usize> NullaryFnOnce for Asked<'_, '_, N> {
    type Output = [[f64; N]; N_PARAMETERS];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self(lattice, places) = self;
        let (light, ice) = (lattice.light, lattice.ice);
        light.parameters(ice, &places, OF_SHOWERS)
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
            corners: vec![Corners::NOWHERE; n_doms],
            open: Vec::new(),
        }
    }

    /// Has the network asked about the corners of these cells, as far as it was not yet: those of the DOMs from the
    /// first one on, at these heights.
    #[inline(always)]
    pub(super) fn prepare(&mut self, first: usize, cells: impl Iterator<Item = (Cell, f64)>) {
        for (k, (cell, dom_z_m)) in cells.enumerate() {
            let (i, j) = (index(cell.distance), index(cell.round));
            let low = ((first + k) * N_DISTANCES + i) * N_ROUND + j;
            if self.corners[first + k].low != low {
                let at = [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)];
                let nodes = at.map(|(i, j)| self.number(first + k, dom_z_m, i, j));
                self.corners[first + k] = Corners { low, nodes };
            }
        }
    }

    /// The number of a node; that of one the network is to be asked about next, if it is not known.
    fn number(&mut self, dom: usize, dom_z_m: f64, i: usize, j: usize) -> u32 {
        let place = &mut self.places[(dom * N_DISTANCES + i) * N_ROUND + j];
        if *place == UNKNOWN {
            let number = self.nodes.len() + self.open.len();
            *place = u32::try_from(number).expect("fewer nodes than that");
            self.open.push(Place {
                distance_m: distance_at(i as f64),
                cos_round: j as f64 / ROUND_STEPS - 1.0,
                dom_z_m,
                cos_zenith: self.cos_zenith,
            });
        }
        *place
    }

    /// Asks about all that are open: many at once cost little more than one.
    #[inline(never)]
    pub(super) fn ask(&mut self) {
        let open = std::mem::take(&mut self.open);
        let (many, rest) = open.as_chunks::<MANY>();
        many.iter().for_each(|places| self.answer(*places, MANY));
        let (few, rest) = match rest.len() {
            n if n > MANY / 2 => {
                self.answer::<MANY>(filled(rest), n);
                (&[][..], &[][..])
            }
            _ => rest.as_chunks::<FEW>(),
        };
        few.iter().for_each(|places| self.answer(*places, FEW));
        if !rest.is_empty() {
            self.answer::<FEW>(filled(rest), rest.len());
        }
        self.open = open;
        self.open.clear();
    }

    fn answer<const N: usize>(&mut self, places: [Place; N], n: usize) {
        let found = on_this_cpu(Asked(self, places));
        let node = |k: usize| std::array::from_fn(|p| found[p][k]);
        self.nodes.extend((0..n).map(node));
    }

    /// The density of a DOM, which becomes the `k`-th of a block; its cell is prepared.
    #[inline(always)]
    pub(super) fn between(&self, dom: usize, cell: &Cell, k: usize, found: &mut Interpolated) {
        let [low, low_next, high, high_next] = &self.corners[dom].nodes;
        let node = |number: &u32| &self.nodes[*number as usize];
        let (low, low_next) = (node(low), node(low_next));
        let (high, high_next) = (node(high), node(high_next));
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
    fn the_network_says_the_same_on_every_cpu_and_of_many_at_once() {
        let light = LearnedLight::shipped(HoleIce::H2);
        let ice = Ice::new(&Detector::icecube86().ice);
        let mut lattice = Lattice::new(&light, &ice, 0.3, 1);
        let places: [Place; MANY] = std::array::from_fn(|k| Place {
            distance_m: 5.0 + 19.0 * k as f64,
            cos_round: k as f64 / 8.0 - 0.9,
            dom_z_m: 60.0 * k as f64 - 500.0,
            cos_zenith: 0.3,
        });
        let found = on_every_cpu(|| Asked(&lattice, places));
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
        for n in [1, 3, 4, 7, 9, MANY] {
            lattice.nodes.clear();
            lattice.open = places[..n].to_vec();
            lattice.ask();
            let expected = places[..n]
                .iter()
                .map(|place| light.delays(&ice, place, OF_SHOWERS).0);
            assert_eq!(lattice.nodes, expected.collect::<Vec<_>>(), "{n}");
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
