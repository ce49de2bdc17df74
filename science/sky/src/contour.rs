//! Lines of equal likelihood on the sky.

mod trace;

use super::Equatorial;

pub(super) use trace::Tracer;

/// One closed line; the last point joins the first. What it bounds lies to the left of it as seen
/// from outside the sphere: counter-clockwise around an island, clockwise around a hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Contour {
    /// Corners of the line, joined by great circles.
    pub points: Vec<Equatorial>,
}

impl Contour {
    /// The sides of the line, from point to point, as unit vectors.
    pub(super) fn sides(&self) -> impl Iterator<Item = ([f64; 3], [f64; 3])> {
        let vectors: Vec<[f64; 3]> = self.points.iter().map(|point| point.to_vector()).collect();
        (0..vectors.len()).map(move |i| (vectors[i], vectors[(i + 1) % vectors.len()]))
    }

    /// Whether a direction lies to the left of a line that bounds less than half the sky.
    pub(super) fn encloses(&self, at: Equatorial) -> bool {
        // Seen from the antipode of a point inside, it bounds 4 pi too little.
        self.solid_angle_from(at.to_vector().map(|x| -x)) < 0.0
    }

    /// Solid angle to the left of the line in steradian, seen from `apex`: the sum of the signed
    /// triangles from there. Too small by 4 pi, summed over all lines of a region, if the region
    /// holds the antipode of `apex`.
    pub(super) fn solid_angle_from(&self, apex: [f64; 3]) -> f64 {
        self.sides().map(|(a, b)| triangle(apex, a, b)).sum()
    }
}

/// Signed solid angle of a triangle (van Oosterom & Strackee 1983, IEEE Trans. Biomed. Eng. 30,
/// 125), positive if it runs counter-clockwise seen from outside.
fn triangle(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> f64 {
    let dot = |p: [f64; 3], q: [f64; 3]| p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
    // Differences first: the triple product of three close vectors would lose its digits.
    let (u, v) = (
        [b[0] - a[0], b[1] - a[1], b[2] - a[2]],
        [c[0] - a[0], c[1] - a[1], c[2] - a[2]],
    );
    let cross = [
        u[1] * v[2] - u[2] * v[1],
        u[2] * v[0] - u[0] * v[2],
        u[0] * v[1] - u[1] * v[0],
    ];
    2.0 * libm::atan2(dot(a, cross), 1.0 + dot(a, b) + dot(b, c) + dot(c, a))
}
