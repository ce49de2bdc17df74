//! Where a telescope ends.

use crate::detector::Detector;

/// An upright cylinder; lengths in metres, in detector coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    center_m: [f64; 3],
    radius_m: f64,
    bottom_m: f64,
    top_m: f64,
}

impl Bounds {
    /// The one round all DOMs.
    pub fn of(detector: &Detector) -> Self {
        let center_m = detector.center_m();
        let mut bounds = Self {
            center_m,
            radius_m: 0.0,
            bottom_m: f64::INFINITY,
            top_m: f64::NEG_INFINITY,
        };
        for dom in detector.doms.values() {
            let [x, y, z] = dom.position_m;
            let away_m = libm::hypot(x - center_m[0], y - center_m[1]);
            bounds.radius_m = bounds.radius_m.max(away_m);
            bounds.bottom_m = bounds.bottom_m.min(z);
            bounds.top_m = bounds.top_m.max(z);
        }
        bounds
    }

    /// The same, so much wider and higher on every side.
    #[must_use]
    pub fn wider(self, margin_m: f64) -> Self {
        Self {
            center_m: self.center_m,
            radius_m: self.radius_m + margin_m,
            bottom_m: self.bottom_m - margin_m,
            top_m: self.top_m + margin_m,
        }
    }

    /// Whether a point is inside.
    pub fn hold(&self, point_m: [f64; 3]) -> bool {
        let (x, y) = (point_m[0] - self.center_m[0], point_m[1] - self.center_m[1]);
        (self.bottom_m..=self.top_m).contains(&point_m[2])
            && x * x + y * y <= self.radius_m * self.radius_m
    }

    /// Where a straight line that passes inside comes in and goes out: lengths along its unit vector from its point.
    pub fn crossing(&self, point_m: [f64; 3], direction: [f64; 3]) -> (f64, f64) {
        let ([x, y, z], [dx, dy, dz]) = (point_m, direction);
        let (mut from, mut to) = (f64::NEG_INFINITY, f64::INFINITY);
        if dz != 0.0 {
            let ends = [self.bottom_m, self.top_m].map(|edge| (edge - z) / dz);
            from = ends[0].min(ends[1]);
            to = ends[0].max(ends[1]);
        }
        let (x, y) = (x - self.center_m[0], y - self.center_m[1]);
        let a = dx * dx + dy * dy;
        if a > 0.0 {
            let b = x * dx + y * dy;
            let c = x * x + y * y - self.radius_m * self.radius_m;
            let root = (b * b - a * c).max(0.0).sqrt();
            from = from.max((-b - root) / a);
            to = to.min((-b + root) / a);
        }
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dom_is_inside_and_the_sky_is_not() {
        let detector = Detector::icecube86();
        let bounds = Bounds::of(&detector);
        let mut doms = detector.doms.values();
        assert!(doms.all(|dom| bounds.wider(1e-9).hold(dom.position_m)));
        let above = [0.0, 0.0, 600.0];
        assert!(!bounds.wider(50.0).hold(above) && bounds.wider(100.0).hold(above));
        assert!(!bounds.wider(120.0).hold([900.0, 0.0, 0.0]));
    }

    #[test]
    fn a_line_comes_in_before_it_goes_out() {
        let bounds = Bounds::of(&Detector::icecube86());
        let point = [10.0, -20.0, 30.0];
        for direction in [[0.36, -0.48, 0.8], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]] {
            let (from, to) = bounds.crossing(point, direction);
            let at = |along: f64| [0, 1, 2].map(|i| point[i] + along * direction[i]);
            assert!(from < 0.0 && to > 0.0);
            assert!(bounds.hold(at(from + 1.0)) && bounds.hold(at(to - 1.0)));
            assert!(!bounds.hold(at(from - 1.0)) && !bounds.hold(at(to + 1.0)));
        }
    }
}
