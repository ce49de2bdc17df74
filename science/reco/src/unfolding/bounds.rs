//! Where a telescope ends.

use skyscan_event::detector::Detector;

/// An upright cylinder round all DOMs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    center_m: [f64; 3],
    radius_m: f64,
    bottom_m: f64,
    top_m: f64,
}

impl Bounds {
    pub(crate) fn new(detector: &Detector) -> Self {
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

    /// Whether a point is inside, or so far outside at most.
    pub(crate) fn hold(&self, point_m: [f64; 3], margin_m: f64) -> bool {
        let (x, y) = (point_m[0] - self.center_m[0], point_m[1] - self.center_m[1]);
        let radius_m = self.radius_m + margin_m;
        (self.bottom_m - margin_m..=self.top_m + margin_m).contains(&point_m[2])
            && x * x + y * y <= radius_m * radius_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dom_is_inside_and_the_sky_is_not() {
        let detector = Detector::icecube86();
        let bounds = Bounds::new(&detector);
        assert!(
            detector
                .doms
                .values()
                .all(|dom| bounds.hold(dom.position_m, 1e-9))
        );
        assert!(!bounds.hold([0.0, 0.0, 600.0], 50.0) && bounds.hold([0.0, 0.0, 600.0], 100.0));
        assert!(!bounds.hold([900.0, 0.0, 0.0], 120.0));
    }
}
