//! A region as polygons: islands, each with its holes.

use std::f64::consts::PI;

use super::{DEG2_PER_SR, Region};
use crate::contour::Contour;

/// An island of a region. Seen from outside the sphere its edge runs counter-clockwise, the edges
/// of its holes clockwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// Its outer edge; none if it is the whole sky but for the holes.
    pub edge: Option<Contour>,
    /// What is cut out of it.
    pub holes: Vec<Contour>,
}

impl Region {
    /// The islands, the largest first. None for a region without any extent.
    pub fn polygons(&self) -> Vec<Polygon> {
        let apex = self.apex();
        // A line bounds what lies to its left: less than half the sky for the edge of an island,
        // more for that of a hole.
        let bounds = |contour: &Contour| contour.solid_angle_from(apex).rem_euclid(4.0 * PI);
        let (mut edges, mut holes): (Vec<&Contour>, Vec<&Contour>) =
            self.contours.iter().partition(|&c| bounds(c) < 2.0 * PI);
        let islands: f64 = edges.iter().map(|edge| bounds(edge)).sum();
        let whole_sky_but_holes = self.area_deg2 / DEG2_PER_SR > islands + 1e-9;
        edges.sort_by(|a, b| bounds(b).total_cmp(&bounds(a)));
        let mut polygons: Vec<Polygon> = edges
            .iter()
            .rev()
            .map(|&edge| Polygon {
                edge: Some(edge.clone()),
                // The smallest island around a hole is the one that it is cut out of.
                holes: extract(&mut holes, |hole| encloses(edge, hole)),
            })
            .collect();
        polygons.reverse();
        if whole_sky_but_holes && !holes.is_empty() || self.contours.is_empty() {
            let holes = holes.into_iter().cloned().collect();
            polygons.insert(0, Polygon { edge: None, holes });
        }
        polygons
    }

    fn apex(&self) -> [f64; 3] {
        let first = self.contours.iter().flat_map(|c| c.points.first()).next();
        first.map_or([0.0, 0.0, 1.0], |point| point.to_vector())
    }
}

fn extract(from: &mut Vec<&Contour>, chosen: impl Fn(&Contour) -> bool) -> Vec<Contour> {
    let (taken, left): (Vec<&Contour>, Vec<&Contour>) = from.drain(..).partition(|&c| chosen(c));
    *from = left;
    taken.into_iter().cloned().collect()
}

/// Whether the first point of a line lies within an edge.
fn encloses(edge: &Contour, line: &Contour) -> bool {
    line.points
        .first()
        .is_some_and(|&point| edge.encloses(point))
}
