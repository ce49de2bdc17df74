//! A likelihood over the sky that looks like one: a narrow valley, a second one, and a slope around
//! them.

use std::f64::consts::{PI, TAU};
use std::fmt::Write;

use skyscan_service::scan::{Contour, Direction, Hit, Map, MapRound, Region};

/// Resolutions, and how far around the best direction each is scanned.
const ROUNDS: [(u32, f64); 4] = [(4, 180.0), (16, 30.0), (64, 9.0), (256, 2.6)];
/// Widths of the valley, in degrees.
const WIDTHS: (f64, f64) = (0.85, 0.4);

/// A unit vector.
type Vector = [f64; 3];

#[derive(Debug)]
pub(crate) struct Sky {
    seed: u64,
    best: Direction,
    second: Direction,
    /// How the valley lies.
    turn: f64,
    rounds: Vec<MapRound>,
}

impl Sky {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let best = Direction {
            ra_deg: 360.0 * draw.next(),
            dec_deg: (1.8 * draw.next() - 0.9).asin().to_degrees(),
        };
        let second = Direction {
            ra_deg: (best.ra_deg + 4.0 + 8.0 * draw.next()) % 360.0,
            dec_deg: (best.dec_deg + 8.0 * draw.next() - 4.0).clamp(-85.0, 85.0),
        };
        let mut sky = Self {
            seed,
            best,
            second,
            turn: PI * draw.next(),
            rounds: Vec::new(),
        };
        let at = vector(best);
        for (nside, radius_deg) in ROUNDS {
            let nearest = radius_deg.to_radians().cos() - 1e-12;
            let mut round = MapRound {
                nside,
                pixels: Vec::new(),
                llh: Vec::new(),
            };
            for pixel in 0..12 * u64::from(nside).pow(2) {
                let direction = centre(nside, pixel);
                if dot(vector(direction), at) >= nearest {
                    // A fit fails now and then.
                    let is_failed = nside == 64 && pixel % 211 == seed % 211;
                    round.pixels.push(pixel);
                    round.llh.push((!is_failed).then(|| sky.llh(direction)));
                }
            }
            sky.rounds.push(round);
        }
        sky
    }

    pub(crate) fn rounds(&self) -> impl Iterator<Item = (u32, usize)> {
        let rounds = self.rounds.iter();
        rounds.map(|round| (round.nside, round.pixels.len()))
    }

    pub(crate) fn n_pixels(&self) -> usize {
        self.rounds().map(|(_, n)| n).sum()
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.seed.is_multiple_of(3)
    }

    /// Negative log-likelihood of a direction.
    fn llh(&self, at: Direction) -> f64 {
        let (x, y) = offsets(self.best, at);
        let (x, y) = turned(x, y, -self.turn);
        let quadratic = 0.5 * ((x / WIDTHS.0).powi(2) + (y / WIDTHS.1).powi(2));
        let far = angle_deg(self.best, at);
        let valley = 80.0 * (1.0 - (-quadratic / 80.0).exp());
        let slope = 260.0 * (1.0 - (-0.5 * (far / 22.0).powi(2)).exp());
        let beside = angle_deg(self.second, at);
        let second = 45.0 * (-0.5 * (beside / 1.6).powi(2)).exp();
        4321.0 + valley + slope - second
    }

    /// The first so many pixels, the finest of each part of the sky being last.
    pub(crate) fn map(&self, n_done: usize) -> Map {
        let mut left = n_done;
        let mut rounds = Vec::new();
        for round in &self.rounds {
            let n = left.min(round.pixels.len());
            if n == 0 {
                break;
            }
            rounds.push(MapRound {
                nside: round.nside,
                pixels: round.pixels[..n].to_vec(),
                llh: round.llh[..n].to_vec(),
            });
            left -= n;
        }
        Map { rounds }
    }

    /// What is known when so many pixels are done.
    pub(crate) fn contour(&self, n_done: usize) -> Option<Contour> {
        let ends: Vec<usize> = self
            .rounds()
            .scan(0, |sum, (_, n)| {
                *sum += n;
                Some(*sum)
            })
            .collect();
        let stable = ends[2] + (ends[3] - ends[2]) * 3 / 4;
        let (nside, wider, is_stable) = match n_done {
            n if n >= ends[3] => (256, 1.0, true),
            n if n >= stable => (256, 1.02, true),
            n if n >= ends[2] => (64, 1.4, false),
            n if n >= ends[1] => (16, 3.2, false),
            _ => return None,
        };
        let off = (wider - 1.0) * 0.3;
        let (x, y) = turned(off, off / 2.0, self.turn);
        let best = moved(self.best, x, y);
        let region = |containment: f64| {
            let scale = wider * (-2.0 * (1.0 - containment).ln()).sqrt();
            let (a, b) = (WIDTHS.0 * scale, WIDTHS.1 * scale);
            let point = |i: u32| {
                let phase = TAU * f64::from(i) / 72.0;
                let (x, y) = turned(a * phase.cos(), b * phase.sin(), self.turn);
                let at = moved(best, x, y);
                [at.ra_deg, at.dec_deg]
            };
            Region {
                containment,
                area_deg2: PI * a * b,
                is_closed: nside > 16,
                outlines: vec![(0..=72).map(point).collect()],
            }
        };
        Some(Contour {
            is_stable,
            nside,
            best,
            regions: vec![region(0.5), region(0.9)],
        })
    }

    /// Hits along a track through a grid of strings.
    pub(crate) fn hits(&self) -> Vec<Hit> {
        let mut draw = Draw(self.seed ^ 0x5eed);
        let [x, y, z] = vector(self.best);
        // Light comes from the source downwards.
        let going = [-x, -y, -z];
        let mut hits = Vec::new();
        for row in -4_i32..=4 {
            for column in -4_i32..=4 {
                let string = [
                    125.0 * f64::from(column) + 62.0 * f64::from(row & 1),
                    108.0 * f64::from(row),
                ];
                for dom in 0..60_i32 {
                    let position = [string[0], string[1], 500.0 - 17.0 * f64::from(dom)];
                    let along = dot(position, going);
                    let nearest: Vector = std::array::from_fn(|i| position[i] - along * going[i]);
                    let distance = dot(nearest, nearest).sqrt();
                    let expected = 18.0 * (-distance / 38.0).exp();
                    if draw.next() < 1.0 - (-expected).exp() {
                        let scattered = -40.0 * draw.next().max(1e-9).ln() * distance / 60.0;
                        hits.push(Hit {
                            position_m: position,
                            time_ns: along / 0.2998 + distance / 0.22 + scattered,
                            charge_pe: 0.3 + expected * (0.5 + draw.next()),
                        });
                    }
                }
            }
        }
        let first = hits.iter().map(|hit| hit.time_ns).fold(f64::MAX, f64::min);
        for hit in &mut hits {
            hit.time_ns -= first;
        }
        hits
    }

    /// The regions as a picture with a script in it, which no browser shall run.
    pub(crate) fn picture(&self) -> String {
        let mut picture = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-4 -4 8 8\">\
            <script>alert(1)</script>"
            .to_owned();
        let contour = self.contour(self.n_pixels());
        for region in contour.iter().flat_map(|contour| &contour.regions) {
            for outline in &region.outlines {
                let point = |[ra_deg, dec_deg]: &[f64; 2]| {
                    let (x, y) = offsets(
                        self.best,
                        Direction {
                            ra_deg: *ra_deg,
                            dec_deg: *dec_deg,
                        },
                    );
                    format!("{:.3},{:.3}", -x, -y)
                };
                let points: Vec<String> = outline.iter().map(point).collect();
                let points = points.join(" ");
                // Writing to a string cannot fail.
                let _ = write!(picture, "<polygon points=\"{points}\" fill=\"#2a6f9744\"/>");
            }
        }
        picture + "</svg>\n"
    }

    pub(crate) fn table(&self) -> String {
        let mut table = "nside,pixel,llh\n".to_owned();
        for round in &self.rounds {
            for (pixel, llh) in round.pixels.iter().zip(&round.llh) {
                let llh = llh.map(|llh| llh.to_string()).unwrap_or_default();
                let _ = writeln!(table, "{},{pixel},{llh}", round.nside);
            }
        }
        table
    }
}

/// Numbers that look random: splitmix64.
struct Draw(u64);

impl Draw {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Centre of a HEALPix pixel, RING (Gorski et al. 2005, equations 2 to 9).
fn centre(nside: u32, pixel: u64) -> Direction {
    let n = f64::from(nside);
    let whole = u64::from(nside);
    let (n_all, n_cap) = (12 * whole * whole, 2 * whole * (whole - 1));
    let polar = |pixel: u64| {
        let ring = ((1.0 + (1.0 + 2.0 * pixel as f64).sqrt()) / 2.0).floor();
        let first = 2.0 * ring * (ring - 1.0);
        let phase = (pixel as f64 - first + 0.5) * PI / (2.0 * ring);
        (1.0 - ring * ring / (3.0 * n * n), phase, ring)
    };
    let (z, phase) = if pixel < n_cap {
        let (z, phase, _) = polar(pixel);
        (z, phase)
    } else if pixel < n_all - n_cap {
        let (row, column) = ((pixel - n_cap) / (4 * whole), (pixel - n_cap) % (4 * whole));
        let ring = row + whole;
        let shift = if (ring + whole).is_multiple_of(2) {
            0.5
        } else {
            0.0
        };
        let z = (2.0 * n - ring as f64) * 2.0 / (3.0 * n);
        (z, (column as f64 + shift) * PI / (2.0 * n))
    } else {
        let (z, phase, _) = polar(n_all - 1 - pixel);
        (-z, TAU - phase)
    };
    Direction {
        ra_deg: phase.to_degrees(),
        dec_deg: z.asin().to_degrees(),
    }
}

fn vector(at: Direction) -> Vector {
    let (ra, dec) = (at.ra_deg.to_radians(), at.dec_deg.to_radians());
    [dec.cos() * ra.cos(), dec.cos() * ra.sin(), dec.sin()]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn angle_deg(a: Direction, b: Direction) -> f64 {
    dot(vector(a), vector(b))
        .clamp(-1.0, 1.0)
        .acos()
        .to_degrees()
}

/// Degrees to the east and to the north of a direction, near it.
fn offsets(from: Direction, at: Direction) -> (f64, f64) {
    let east = (at.ra_deg - from.ra_deg + 540.0) % 360.0 - 180.0;
    let east = east * from.dec_deg.to_radians().cos();
    (east, at.dec_deg - from.dec_deg)
}

fn moved(from: Direction, east: f64, north: f64) -> Direction {
    let dec_deg = (from.dec_deg + north).clamp(-89.9, 89.9);
    let ra_deg = from.ra_deg + east / from.dec_deg.to_radians().cos();
    Direction {
        ra_deg: ra_deg.rem_euclid(360.0),
        dec_deg,
    }
}

fn turned(x: f64, y: f64, angle: f64) -> (f64, f64) {
    let (sin, cos) = angle.sin_cos();
    (cos * x - sin * y, sin * x + cos * y)
}
