//! Positions beside a start from which the minimisation in a pixel begins, too.
//!
//! Every start of a request is moved by each of a few offsets, the first of which is none. A likelihood follows what it
//! gets and keeps the lowest llh, of equal ones the first. So a pixel's result is a function of its request, as without
//! variations, and each of these has its number, by which ties are decided.
//!
//! Decision: Starts are not varied (`docs/decisions.md`).

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

use skyscan_event::DetectorDirection;
use skyscan_reco::{PixelRequest, VertexSeed};

/// Distance of the octahedron's corners from its middle (m), as IceCube's scanner has it for `millipede_original`.
const OCTAHEDRON_M: f64 = 20.0;
/// Half the height (m) of the cylinder that IceCube's scanner has for `splinempe`.
const CYLINDER_HALF_HEIGHT_M: f64 = 40.0;
/// Its radius (m).
const CYLINDER_RADIUS_M: f64 = 150.0;

/// Which positions around each start are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variations {
    /// The start alone.
    #[default]
    Point,
    /// Six positions on the axes of the detector's coordinates, 20 m away.
    Octahedron,
    /// Six positions on the edges of a cylinder whose axis is the track: 150 m to the side in three directions, 40 m
    /// ahead and behind.
    Cylinder,
}

impl Variations {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Point, Self::Octahedron, Self::Cylinder];

    /// What it is called on the command line and in journals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Octahedron => "octahedron",
            Self::Cylinder => "cylinder",
        }
    }

    /// The same request with every start at each position: first the starts as they are, then all of them moved by one
    /// offset after the other.
    pub fn around(self, request: PixelRequest) -> PixelRequest {
        if self == Self::Point {
            return request;
        }
        let PixelRequest { direction, seeds } = request;
        let offsets = self.offsets_m(direction).into_iter();
        let moved = offsets.flat_map(|offset| {
            seeds.iter().map(move |seed| VertexSeed {
                position_m: std::array::from_fn(|i| seed.position_m[i] + offset[i]),
                time_ns: seed.time_ns,
            })
        });
        PixelRequest {
            direction,
            seeds: moved.collect(),
        }
    }

    /// Offsets by their number; number 0 is none.
    fn offsets_m(self, direction: DetectorDirection) -> Vec<[f64; 3]> {
        let mut offsets = vec![[0.0; 3]];
        match self {
            Self::Point => {}
            Self::Octahedron => {
                for (axis, sign) in [0, 1, 2]
                    .into_iter()
                    .flat_map(|axis| [(axis, 1.0), (axis, -1.0)])
                {
                    let mut corner = [0.0; 3];
                    corner[axis] = sign * OCTAHEDRON_M;
                    offsets.push(corner);
                }
            }
            Self::Cylinder => {
                let axis = direction.unit_vector();
                let [a, b] = perpendiculars(direction);
                // Corners of a triangle: cosine and sine of 0, 120 and 240 degrees.
                let high = 0.75_f64.sqrt();
                for (cos, sin) in [(1.0, 0.0), (-0.5, high), (-0.5, -high)] {
                    for along in [CYLINDER_HALF_HEIGHT_M, -CYLINDER_HALF_HEIGHT_M] {
                        offsets.push(std::array::from_fn(|i| {
                            along * axis[i] + CYLINDER_RADIUS_M * (cos * a[i] + sin * b[i])
                        }));
                    }
                }
            }
        }
        offsets
    }
}

/// Two unit vectors across a direction: towards larger zenith and towards larger azimuth.
fn perpendiculars(direction: DetectorDirection) -> [[f64; 3]; 2] {
    let DetectorDirection {
        zenith_rad,
        azimuth_rad,
    } = direction;
    let turned = |zenith_rad, azimuth_rad| {
        let turned = DetectorDirection {
            zenith_rad,
            azimuth_rad,
        };
        turned.unit_vector()
    };
    [
        turned(zenith_rad + FRAC_PI_2, azimuth_rad),
        turned(FRAC_PI_2, azimuth_rad + FRAC_PI_2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTION: DetectorDirection = DetectorDirection {
        zenith_rad: 1.1,
        azimuth_rad: 4.0,
    };

    fn request() -> PixelRequest {
        let seed = |x| VertexSeed {
            position_m: [x, 2.0, 3.0],
            time_ns: 1e4,
        };
        PixelRequest {
            direction: DIRECTION,
            seeds: vec![seed(1.0), seed(-1.0)],
        }
    }

    fn length(offset: &[f64; 3]) -> f64 {
        offset.iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    #[test]
    fn a_point_changes_nothing_and_the_others_begin_with_the_starts_themselves() {
        assert_eq!(Variations::Point.around(request()), request());
        for variations in [Variations::Octahedron, Variations::Cylinder] {
            let around = variations.around(request());
            assert_eq!(around.direction, DIRECTION);
            assert_eq!(around.seeds.len(), 7 * 2);
            assert_eq!(around.seeds[..2], request().seeds);
            // Number 3 of both starts.
            let offset = |i: usize| -> [f64; 3] {
                std::array::from_fn(|k| {
                    around.seeds[6 + i].position_m[k] - request().seeds[i].position_m[k]
                })
            };
            assert!((0..3).all(|k| (offset(0)[k] - offset(1)[k]).abs() < 1e-9));
        }
    }

    #[test]
    fn they_lie_where_icecubes_scanner_has_them() {
        let octahedron = Variations::Octahedron.offsets_m(DIRECTION);
        assert!(octahedron[1..].iter().all(|offset| length(offset) == 20.0));
        let axis = DIRECTION.unit_vector();
        let cylinder = Variations::Cylinder.offsets_m(DIRECTION);
        for offset in &cylinder[1..] {
            let along: f64 = (0..3).map(|i| offset[i] * axis[i]).sum();
            assert!((along.abs() - 40.0).abs() < 1e-9, "{offset:?}");
            assert!((length(offset).powi(2) - along * along - 150.0 * 150.0).abs() < 1e-6);
        }
        for offsets in [octahedron, cylinder] {
            let sum: [f64; 3] =
                std::array::from_fn(|i| offsets.iter().map(|offset| offset[i]).sum());
            assert!(length(&sum) < 1e-9, "{sum:?} is not the middle");
        }
    }

    #[test]
    fn without_starts_there_is_nothing_to_vary() {
        let none = PixelRequest {
            seeds: vec![],
            ..request()
        };
        assert_eq!(Variations::Cylinder.around(none.clone()), none);
    }

    #[test]
    fn offsets_come_in_their_order_each_to_its_side() {
        let octahedron = Variations::Octahedron.around(request());
        assert_eq!(octahedron.seeds[2].position_m, [21.0, 2.0, 3.0]);
        assert_eq!(octahedron.seeds[4].position_m, [-19.0, 2.0, 3.0]);

        // Where the direction goes when its zenith angle, or its azimuth, grows.
        let moved = |zenith_rad, azimuth_rad: f64| {
            let moved = DetectorDirection {
                zenith_rad: DIRECTION.zenith_rad + zenith_rad,
                azimuth_rad: DIRECTION.azimuth_rad + azimuth_rad,
            };
            let (there, here) = (moved.unit_vector(), DIRECTION.unit_vector());
            let way: [f64; 3] = std::array::from_fn(|i| there[i] - here[i]);
            let length = length(&way);
            way.map(|x| x / length)
        };
        let sides = [DIRECTION.unit_vector(), moved(1e-7, 0.0), moved(0.0, 1e-7)];
        let offsets = Variations::Cylinder.offsets_m(DIRECTION);
        let along = |number: usize| {
            sides.map(|side| (0..3).map(|i| offsets[number][i] * side[i]).sum::<f64>())
        };
        let high = 150.0 * 120_f64.to_radians().sin();
        for (number, expected) in [
            (1, [40.0, 150.0, 0.0]),
            (2, [-40.0, 150.0, 0.0]),
            (3, [40.0, -75.0, high]),
            (6, [-40.0, -75.0, -high]),
        ] {
            let found = along(number);
            let off = (0..3).map(|i| (found[i] - expected[i]).abs());
            assert!(off.fold(0.0, f64::max) < 1e-4, "{number}: {found:?}");
        }
    }

    #[test]
    fn each_has_a_name() {
        let names = Variations::ALL.map(Variations::name);
        assert_eq!(names, ["point", "octahedron", "cylinder"]);
    }
}
