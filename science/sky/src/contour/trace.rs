//! Follows the boundary of a set of directions from cell to cell.
//!
//! The corners of a cell are pixel centres of one resolution, the lattice: four pixels around a
//! point where they meet, or three. So there is no projection, and neither poles nor RA 0 are
//! special. Only cells along the boundary are visited.

use std::collections::{HashMap, HashSet};

use super::Contour;
use crate::{Equatorial, Nside, Pixel};

/// Halvings of the way between two lattice points to find where the line crosses it.
const HALVINGS: u32 = 14;

/// Marching squares over the cells between the pixel centres of a lattice.
pub(crate) struct Tracer<F> {
    lattice: Nside,
    inside: F,
    known: HashMap<Pixel, bool>,
    /// Sides already crossed by a line: the pixel inside, the pixel outside.
    crossed: HashSet<(Pixel, Pixel)>,
    lines: Vec<Contour>,
}

impl<F: FnMut(Equatorial) -> bool> Tracer<F> {
    pub(crate) fn new(lattice: Nside, inside: F) -> Self {
        Self {
            lattice,
            inside,
            known: HashMap::new(),
            crossed: HashSet::new(),
            lines: Vec::new(),
        }
    }

    /// The lines found, in the order of their seeds.
    pub(crate) fn lines(self) -> Vec<Contour> {
        self.lines
    }

    /// Follows every line that passes between a direction inside and one outside.
    pub(crate) fn follow_between(&mut self, inside: Equatorial, outside: Equatorial) {
        let crossing = self.crossing(inside, outside, 2 * HALVINGS);
        let nearest = self.lattice.containing(crossing);
        let mut near = nearest.neighbours();
        near.push(nearest);
        near.extend(near.clone().into_iter().flat_map(Pixel::neighbours));
        near.sort_unstable();
        near.dedup();
        for pixel in near {
            if !self.is_inside(pixel) {
                continue;
            }
            for neighbour in pixel.around().into_iter().skip(1).step_by(2).flatten() {
                if !self.is_inside(neighbour) && !self.crossed.contains(&(pixel, neighbour)) {
                    self.follow(pixel, neighbour);
                }
            }
        }
    }

    fn is_inside(&mut self, pixel: Pixel) -> bool {
        if let Some(&known) = self.known.get(&pixel) {
            return known;
        }
        let inside = (self.inside)(pixel.center());
        self.known.insert(pixel, inside);
        inside
    }

    /// Where the way from a direction inside to one outside leaves the set.
    fn crossing(&mut self, inside: Equatorial, outside: Equatorial, halvings: u32) -> Equatorial {
        let (mut inside, mut outside) = (inside.to_vector(), outside.to_vector());
        for _ in 0..halvings {
            let middle = between(inside, outside);
            if (self.inside)(Equatorial::from_vector(middle)) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        Equatorial::from_vector(between(inside, outside))
    }

    /// Follows one line once around, the set to its left.
    fn follow(&mut self, mut inside: Pixel, mut outside: Pixel) {
        let mut points = Vec::new();
        while self.crossed.insert((inside, outside)) {
            points.push(self.crossing(inside.center(), outside.center(), HALVINGS));
            let Some(cell) = cell_left_of(inside, outside) else {
                break;
            };
            let Some((entered, left)) = self.exit(&cell) else {
                break;
            };
            (inside, outside) = (entered, left);
        }
        if points.len() > 2 {
            self.lines.push(Contour { points });
        }
    }

    /// The side by which a line leaves a cell that it entered between corners 0 (inside) and 1:
    /// its corner inside and its corner outside.
    fn exit(&mut self, cell: &[Pixel]) -> Option<(Pixel, Pixel)> {
        let mut exits = Vec::new();
        for (i, &corner) in cell.iter().enumerate() {
            let next = cell[(i + 1) % cell.len()];
            if !self.is_inside(corner) && self.is_inside(next) {
                exits.push((next, corner));
            }
        }
        // Two ways out: the middle tells whether the corners inside belong together.
        if exits.len() > 1 {
            let joined = self.middle_is_inside(cell);
            return if joined {
                exits.first().copied()
            } else {
                exits.last().copied()
            };
        }
        exits.first().copied()
    }

    fn middle_is_inside(&mut self, cell: &[Pixel]) -> bool {
        let mut sum = [0.0; 3];
        for corner in cell {
            let vector = corner.center().to_vector();
            for (total, part) in sum.iter_mut().zip(vector) {
                *total += part;
            }
        }
        (self.inside)(Equatorial::from_vector(sum))
    }
}

/// The cell in which `inside`, then `outside` follow each other counter-clockwise; these two come
/// first.
fn cell_left_of(inside: Pixel, outside: Pixel) -> Option<Vec<Pixel>> {
    let around = inside.around();
    let side = (1..8)
        .step_by(2)
        .find(|&side| around[side] == Some(outside))?;
    let corners = [
        Some(inside),
        Some(outside),
        around[(side + 1) % 8],
        around[(side + 2) % 8],
    ];
    Some(corners.into_iter().flatten().collect())
}

fn between(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        0.5 * (a[0] + b[0]),
        0.5 * (a[1] + b[1]),
        0.5 * (a[2] + b[2]),
    ]
}
