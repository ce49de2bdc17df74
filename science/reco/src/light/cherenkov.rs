//! Geometry of Cherenkov light from an infinite track at the speed of light.
//!
//! Lengths in metres, times in nanoseconds, directions as unit vectors in detector coordinates.

use super::{GROUP_INDEX, PHASE_INDEX, SPEED_OF_LIGHT_M_PER_NS};

/// A straight track: it passes `position_m` at `time_ns` along the unit vector `direction`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Track {
    /// A point on the track.
    pub position_m: [f64; 3],
    /// Where the particle goes **to** (the source lies the other way).
    pub direction: [f64; 3],
    /// When it passes the point.
    pub time_ns: f64,
}

/// How a DOM lies to a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Approach {
    /// Distance from the track's point to the foot of the perpendicular, along the track.
    pub along_m: f64,
    /// Closest distance of the track to the DOM.
    pub distance_m: f64,
    /// Unit vector from the foot of the perpendicular to the DOM.
    pub outward: [f64; 3],
}

/// `1 / tan` of the Cherenkov angle, whose cosine is `1 / PHASE_INDEX`.
pub fn cotangent() -> f64 {
    1.0 / (PHASE_INDEX * PHASE_INDEX - 1.0).sqrt()
}

/// Sine of the Cherenkov angle.
pub fn sine() -> f64 {
    (1.0 - 1.0 / (PHASE_INDEX * PHASE_INDEX)).sqrt()
}

/// Delay of direct light per metre of distance from the track, beyond the moment when the particle
/// passes the foot of the perpendicular:
/// `(n_g n_p - 1) / (c sqrt(n_p^2 - 1))`.
///
/// The photon leaves `d / tan` before the foot and runs `d / sin` at `c / n_g`; the sum of both
/// gives the formula.
pub fn delay_per_metre_ns() -> f64 {
    (GROUP_INDEX * PHASE_INDEX - 1.0) * cotangent() / SPEED_OF_LIGHT_M_PER_NS
}

impl Track {
    /// How `point_m` lies to this track. On the track itself, `outward` is zero.
    pub fn approach(&self, point_m: [f64; 3]) -> Approach {
        let delta = subtract(point_m, self.position_m);
        let along_m = dot(delta, self.direction);
        let across = subtract(delta, scale(self.direction, along_m));
        let distance_m = dot(across, across).sqrt();
        let outward = scale(
            across,
            if distance_m > 0.0 {
                1.0 / distance_m
            } else {
                0.0
            },
        );
        Approach {
            along_m,
            distance_m,
            outward,
        }
    }

    /// When unscattered light of this track reaches a DOM.
    pub fn direct_light_ns(&self, approach: &Approach) -> f64 {
        self.time_ns
            + approach.along_m / SPEED_OF_LIGHT_M_PER_NS
            + approach.distance_m * delay_per_metre_ns()
    }

    /// Height of the point from which direct light reaches a DOM.
    pub fn emission_z_m(&self, approach: &Approach) -> f64 {
        let along = approach.along_m - approach.distance_m * cotangent();
        self.position_m[2] + along * self.direction[2]
    }
}

/// Scalar product.
pub fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// `a - b`.
pub fn subtract(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `factor * a`.
pub fn scale(a: [f64; 3], factor: f64) -> [f64; 3] {
    [factor * a[0], factor * a[1], factor * a[2]]
}

/// `a + factor * b`.
pub fn add_scaled(a: [f64; 3], b: [f64; 3], factor: f64) -> [f64; 3] {
    [
        a[0] + factor * b[0],
        a[1] + factor * b[1],
        a[2] + factor * b[2],
    ]
}

/// Two unit vectors that complete `direction` to a right-handed frame; a pure function of it.
pub fn perpendiculars(direction: [f64; 3]) -> [[f64; 3]; 2] {
    // The axis least aligned with the direction keeps the cross product well conditioned.
    let smallest = (0..3)
        .min_by(|&i, &j| direction[i].abs().total_cmp(&direction[j].abs()))
        .expect("three axes");
    let mut axis = [0.0; 3];
    axis[smallest] = 1.0;
    let first = cross(direction, axis);
    let first = scale(first, 1.0 / dot(first, first).sqrt());
    [first, cross(direction, first)]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACK: Track = Track {
        position_m: [10.0, -20.0, 30.0],
        direction: [0.0, 0.6, 0.8],
        time_ns: 1000.0,
    };

    /// Follows the photon itself: particle to the emission point at `c`, photon to the DOM at
    /// `c / n_g`, under the Cherenkov angle.
    #[test]
    fn direct_light_takes_the_path_of_the_photon() {
        let dom = [40.0, 60.0, -7.0];
        let approach = TRACK.approach(dom);
        let along = approach.along_m - approach.distance_m * cotangent();
        let emission = add_scaled(TRACK.position_m, TRACK.direction, along);
        let path = subtract(dom, emission);
        let length = dot(path, path).sqrt();
        let cosine = dot(path, TRACK.direction) / length;
        assert!((cosine - 1.0 / PHASE_INDEX).abs() < 1e-12);
        let time = 1000.0 + (along + length * GROUP_INDEX) / SPEED_OF_LIGHT_M_PER_NS;
        assert!((time - TRACK.direct_light_ns(&approach)).abs() < 1e-9);
        assert!((emission[2] - TRACK.emission_z_m(&approach)).abs() < 1e-12);
    }

    #[test]
    fn perpendiculars_form_a_right_handed_frame() {
        for direction in [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.48, -0.6, 0.64]] {
            let [u, v] = perpendiculars(direction);
            for (a, b, expected) in [
                (u, v, 0.0),
                (u, direction, 0.0),
                (v, direction, 0.0),
                (u, u, 1.0),
                (v, v, 1.0),
                (cross(u, v), direction, 1.0),
            ] {
                assert!((dot(a, b) - expected).abs() < 1e-14);
            }
        }
    }
}
