//! The likelihood between pixel centres: a smooth surface through the map's values.
//!
//! Every fitted pixel gets the paraboloid that fits its neighbours best; between four centres the
//! four paraboloids are mixed with bilinear weights. That is exact where the likelihood is a
//! paraboloid, so a region smaller than a pixel keeps its size. Where the four disagree (noise,
//! cliffs) the surface falls back to the plain bilinear mean, which never overshoots.

mod bowl;

use std::collections::HashMap;

use super::map::{PixelOutcome, SkyMap};
use super::{Equatorial, Nside, Pixel};

/// The map as a function of direction.
#[derive(Debug)]
pub struct Surface<'a> {
    map: &'a SkyMap,
    /// From fine to coarse.
    nsides: Vec<Nside>,
    nodes: HashMap<Pixel, Option<Node>>,
}

/// What the surface knows at a pixel's centre.
#[derive(Clone, Copy, Debug)]
struct Node {
    plane: Plane,
    llh: f64,
    /// Of llh in the plane: d/dx, d/dy, d2/dx2, d2/dxdy, d2/dy2. Absent with too few neighbours.
    slopes: Option<[f64; 5]>,
}

/// The tangent plane at a pixel's centre, with true angles from it, in units of a pixel's size.
#[derive(Clone, Copy, Debug)]
struct Plane {
    x: [f64; 3],
    y: [f64; 3],
    units_per_rad: f64,
}

impl<'a> Surface<'a> {
    /// The surface through what was scanned so far.
    pub fn new(map: &'a SkyMap) -> Self {
        Self {
            map,
            nsides: map.rounds().keys().rev().copied().collect(),
            nodes: HashMap::new(),
        }
    }

    /// The llh at a direction, from the finest resolution scanned there. None where nothing was.
    pub fn llh(&mut self, at: Equatorial) -> Option<f64> {
        self.llh_from(0, at)
    }

    /// The llh that stands for a pixel that was scanned: its own, or its neighbours' if it failed.
    pub(super) fn llh_of_pixel(&mut self, pixel: Pixel) -> Option<f64> {
        let level = self.nsides.iter().position(|&n| n == pixel.nside)?;
        self.llh_of(level, pixel)
    }

    /// The llh at a direction, from resolutions beginning with a place in `nsides`.
    fn llh_from(&mut self, first: usize, at: Equatorial) -> Option<f64> {
        let scanned = |&level: &usize| {
            let pixel = self.nsides[level].containing(at);
            self.map.get(pixel).is_some()
        };
        let level = (first..self.nsides.len()).find(scanned)?;
        self.interpolated(level, at)
    }

    fn interpolated(&mut self, level: usize, at: Equatorial) -> Option<f64> {
        let vector = at.to_vector();
        // Weight, value of the pixel, value of its paraboloid here.
        let mut terms = [(0.0, 0.0, 0.0); 4];
        let mut total = 0.0;
        for (term, (pixel, weight)) in terms.iter_mut().zip(self.nsides[level].interpolation(at)) {
            if weight > 0.0
                && let Some(node) = self.node(level, pixel)
            {
                *term = (weight, node.llh, node.at(vector));
                total += weight;
            }
        }
        if total <= 0.0 {
            return None;
        }
        let mean = |part: &dyn Fn(&(f64, f64, f64)) -> f64| {
            let sum: f64 = terms.iter().map(|term| term.0 * part(term)).sum();
            sum / total
        };
        let plain = mean(&|term| term.1);
        let curved = mean(&|term| term.2);
        let correction = curved - plain;
        let dispute = mean(&|term| (term.2 - curved).abs());
        if correction == 0.0 {
            return Some(plain);
        }
        let trust = 1.0 / (1.0 + 4.0 * (dispute / correction) * (dispute / correction));
        Some(plain + trust * correction)
    }

    /// The value that stands for a pixel: its own, else (it failed) that of its neighbours, else
    /// that of coarser resolutions.
    fn llh_of(&mut self, level: usize, pixel: Pixel) -> Option<f64> {
        match self.map.get(pixel) {
            Some(PixelOutcome::Fitted(fit)) => return Some(fit.llh),
            Some(PixelOutcome::Failed(_)) => {
                let mut sum = 0.0;
                let mut fitted = 0.0;
                for neighbour in pixel.neighbours() {
                    if let Some(PixelOutcome::Fitted(fit)) = self.map.get(neighbour) {
                        sum += fit.llh;
                        fitted += 1.0;
                    }
                }
                if fitted > 0.0 {
                    return Some(sum / fitted);
                }
            }
            None => {}
        }
        self.llh_from(level + 1, pixel.center())
    }

    fn node(&mut self, level: usize, pixel: Pixel) -> Option<Node> {
        if let Some(&known) = self.nodes.get(&pixel) {
            return known;
        }
        let node = self.llh_of(level, pixel).map(|llh| {
            let plane = Plane::around(pixel);
            let mut fit = LeastSquares::default();
            for neighbour in pixel.neighbours() {
                if let Some(value) = self.llh_of(level, neighbour) {
                    fit.add(plane.project(neighbour.center().to_vector()), value - llh);
                }
            }
            Node {
                plane,
                llh,
                slopes: fit.solve(),
            }
        });
        self.nodes.insert(pixel, node);
        node
    }
}

impl Node {
    fn at(&self, vector: [f64; 3]) -> f64 {
        let Some(slopes) = self.slopes else {
            return self.llh;
        };
        let terms = paraboloid(self.plane.project(vector));
        let rise: f64 = slopes.iter().zip(terms).map(|(s, t)| s * t).sum();
        self.llh + rise
    }
}

impl Plane {
    fn around(pixel: Pixel) -> Self {
        let centre = pixel.center();
        let (sin_ra, cos_ra) = libm::sincos(centre.ra_rad);
        let (sin_dec, cos_dec) = libm::sincos(centre.dec_rad);
        Self {
            x: [-sin_ra, cos_ra, 0.0],
            y: [-sin_dec * cos_ra, -sin_dec * sin_ra, cos_dec],
            units_per_rad: 1.0 / pixel.nside.radius_rad(),
        }
    }

    /// Only for directions less than a right angle away.
    fn project(&self, v: [f64; 3]) -> [f64; 2] {
        let dot = |a: [f64; 3]| a[0] * v[0] + a[1] * v[1] + a[2] * v[2];
        let (x, y) = (dot(self.x), dot(self.y));
        let sine = libm::hypot(x, y).min(1.0);
        let stretch = if sine > 0.0 {
            libm::asin(sine) / sine
        } else {
            1.0
        };
        let scale = stretch * self.units_per_rad;
        [x * scale, y * scale]
    }
}

/// What the five slopes are multiplied with.
fn paraboloid([x, y]: [f64; 2]) -> [f64; 5] {
    [x, y, 0.5 * x * x, x * y, 0.5 * y * y]
}

/// Normal equations of a paraboloid through the origin.
#[derive(Default)]
struct LeastSquares {
    matrix: [[f64; 5]; 5],
    right: [f64; 5],
}

impl LeastSquares {
    fn add(&mut self, at: [f64; 2], rise: f64) {
        let terms = paraboloid(at);
        // Closer neighbours say more about the place.
        let weight = 1.0 / (at[0] * at[0] + at[1] * at[1]).max(1e-3);
        for i in 0..5 {
            for j in 0..5 {
                self.matrix[i][j] += weight * terms[i] * terms[j];
            }
            self.right[i] += weight * terms[i] * rise;
        }
    }

    /// By Cholesky's decomposition; None if the points do not fix all five slopes.
    fn solve(self) -> Option<[f64; 5]> {
        let mut lower = [[0.0; 5]; 5];
        let mut half = [0.0; 5];
        for i in 0..5 {
            for j in 0..=i {
                let done: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = self.matrix[i][j] - done;
                if i != j {
                    lower[i][j] = rest / lower[j][j];
                } else if rest > 1e-6 * self.matrix[i][i] {
                    lower[i][i] = rest.sqrt();
                } else {
                    return None;
                }
            }
            let done: f64 = (0..i).map(|k| lower[i][k] * half[k]).sum();
            half[i] = (self.right[i] - done) / lower[i][i];
        }
        let mut slopes = [0.0; 5];
        for i in (0..5).rev() {
            let done: f64 = (i + 1..5).map(|k| lower[k][i] * slopes[k]).sum();
            slopes[i] = (half[i] - done) / lower[i][i];
        }
        slopes
            .iter()
            .all(|slope| slope.is_finite())
            .then_some(slopes)
    }
}
