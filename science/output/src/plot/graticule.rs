//! Lines of equal right ascension and declination in a zoom, with ticks and labels on the frame.

use super::line::trace;
use super::projection::View;
use crate::drawing::outline::{Outline, Point, at};
use skyscan_sky::Equatorial;

/// Steps that a grid may have, in degrees.
const STEPS_DEG: [f64; 17] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0,
    60.0,
];
/// Places on one side of the frame, and along one line of the grid.
const SAMPLES: usize = 400;

/// The part of the page that shows the sky.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    pub(super) fn outline(&self) -> Outline {
        Outline::rectangle(self.left, self.top, self.width, self.height)
    }

    /// Whether a place lies inside.
    pub(super) fn holds(&self, place: Point) -> bool {
        (self.left..self.left + self.width).contains(&place.x)
            && (self.top..self.top + self.height).contains(&place.y)
    }

    fn bottom(&self) -> Vec<Point> {
        let y = self.top + self.height;
        share().map(|s| at(self.left + s * self.width, y)).collect()
    }

    fn upper(&self) -> Vec<Point> {
        share()
            .map(|s| at(self.left + s * self.width, self.top))
            .collect()
    }

    fn left_side(&self) -> Vec<Point> {
        share()
            .map(|s| at(self.left, self.top + s * self.height))
            .collect()
    }

    fn right_side(&self) -> Vec<Point> {
        let x = self.left + self.width;
        share().map(|s| at(x, self.top + s * self.height)).collect()
    }

    fn contains(&self, p: Point) -> bool {
        (self.left..=self.left + self.width).contains(&p.x)
            && (self.top..=self.top + self.height).contains(&p.y)
    }
}

fn share() -> impl Iterator<Item = f64> {
    (0..=SAMPLES).map(|i| i as f64 / SAMPLES as f64)
}

/// A label and the place on the frame that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) place: Point,
    pub(super) label: String,
}

/// The grid of a zoom.
#[derive(Debug)]
pub(super) struct Graticule {
    pub(super) lines: Vec<Outline>,
    /// Right ascension along the lower side.
    pub(super) ra: Vec<Tick>,
    /// Declination along the left side.
    pub(super) dec: Vec<Tick>,
}

/// The grid of what `frame` shows around `centre`.
pub(super) fn graticule(view: &View, frame: &Frame, centre: Equatorial) -> Graticule {
    let ra_deg = |direction: Equatorial| {
        // Counted from the centre, so that it does not jump at 0.
        let offset = (direction.ra_rad - centre.ra_rad).to_degrees();
        centre.ra_rad.to_degrees() + (offset + 180.0).rem_euclid(360.0) - 180.0
    };
    let dec_deg = |direction: Equatorial| direction.dec_rad.to_degrees();
    let values = |side: &[Point], of: &dyn Fn(Equatorial) -> f64| -> Vec<Option<f64>> {
        side.iter().map(|&p| view.sky(p).map(of)).collect()
    };
    let sides = [
        frame.bottom(),
        frame.upper(),
        frame.left_side(),
        frame.right_side(),
    ];
    let pole_shown = [-1.0, 1.0].into_iter().any(|sign| {
        let pole = Equatorial {
            ra_rad: centre.ra_rad,
            dec_rad: sign * std::f64::consts::FRAC_PI_2,
        };
        view.page(pole).is_some_and(|place| frame.contains(place))
    });

    let ra_along: Vec<Vec<Option<f64>>> = sides.iter().map(|s| values(s, &ra_deg)).collect();
    let dec_along: Vec<Vec<Option<f64>>> = sides.iter().map(|s| values(s, &dec_deg)).collect();
    // Meridians crowd at a pole.
    let least = if pole_shown { 30.0 } else { 0.0 };
    let ra_step = step(span(&ra_along[0]), 10.0).max(least);
    let dec_step = step(span(&dec_along[2]), 9.0);

    let ra_range = if pole_shown {
        let middle = centre.ra_rad.to_degrees();
        (middle - 180.0, middle + 180.0)
    } else {
        range(ra_along.iter().flatten())
    };
    // A pole or the middle of the frame may reach further than its sides.
    let mut dec_range = range(dec_along.iter().flatten().chain([&Some(dec_deg(centre))]));
    if pole_shown {
        if centre.dec_rad > 0.0 {
            dec_range.1 = 90.0;
        } else {
            dec_range.0 = -90.0;
        }
    }
    let mut lines = Vec::new();
    for ra in multiples(ra_step, ra_range) {
        lines.push(trace(view, along(dec_range).map(|dec| direction(ra, dec))));
    }
    for dec in multiples(dec_step, dec_range) {
        lines.push(trace(view, along(ra_range).map(|ra| direction(ra, dec))));
    }
    Graticule {
        lines,
        ra: ticks(&sides[0], &ra_along[0], ra_step, |ra| {
            format!("{:.*}°", decimals(ra_step), ra.rem_euclid(360.0))
        }),
        dec: ticks(&sides[2], &dec_along[2], dec_step, |dec| {
            format!("{}°", signed(dec, decimals(dec_step)))
        }),
    }
}

/// A number with its sign, a true minus, and no sign on zero.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    match (zero, value < 0.0) {
        (true, _) => digits,
        (false, true) => format!("−{digits}"),
        (false, false) => format!("+{digits}"),
    }
}

fn direction(ra_deg: f64, dec_deg: f64) -> Equatorial {
    Equatorial {
        ra_rad: ra_deg.to_radians(),
        dec_rad: dec_deg.clamp(-90.0, 90.0).to_radians(),
    }
}

fn along((low, high): (f64, f64)) -> impl Iterator<Item = f64> {
    share().map(move |s| low + s * (high - low))
}

fn range<'a>(values: impl IntoIterator<Item = &'a Option<f64>>) -> (f64, f64) {
    values
        .into_iter()
        .flatten()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| {
            (low.min(v), high.max(v))
        })
}

fn span(values: &[Option<f64>]) -> f64 {
    let (low, high) = range(values);
    high - low
}

/// The largest step that gives about the wanted number of lines.
fn step(span: f64, wanted: f64) -> f64 {
    let fine_enough = STEPS_DEG.into_iter().find(|step| span / step <= wanted);
    fine_enough.unwrap_or(STEPS_DEG[STEPS_DEG.len() - 1])
}

fn decimals(step: f64) -> usize {
    (0..4)
        .find(|&n| {
            (step * 10_f64.powi(n))
                .fract()
                .min(1.0 - (step * 10_f64.powi(n)).fract())
                < 1e-6
        })
        .unwrap_or(3) as usize
}

fn multiples(step: f64, (low, high): (f64, f64)) -> impl Iterator<Item = f64> {
    // Empty if nothing of the frame shows sky: then low is infinite.
    let first = (low / step).ceil();
    let n = if low.is_finite() && high.is_finite() {
        ((high / step).floor() - first).min(1000.0)
    } else {
        -1.0
    };
    (0..=(n as i64))
        .filter(move |_| n >= 0.0)
        .map(move |i| (first + i as f64) * step)
}

/// Where a side of the frame crosses multiples of the step.
fn ticks(
    side: &[Point],
    values: &[Option<f64>],
    step: f64,
    label: impl Fn(f64) -> String,
) -> Vec<Tick> {
    let mut ticks = Vec::new();
    for (places, values) in side.windows(2).zip(values.windows(2)) {
        let (Some(from), Some(to)) = (values[0], values[1]) else {
            continue;
        };
        // A jump is the seam opposite the centre, not a crossing.
        if (to - from).abs() > 90.0 || (from / step).floor() == (to / step).floor() {
            continue;
        }
        let value = (from.max(to) / step).floor() * step;
        let part = ((value - from) / (to - from)).clamp(0.0, 1.0);
        let between = |a: f64, b: f64| a + part * (b - a);
        ticks.push(Tick {
            place: at(
                between(places[0].x, places[1].x),
                between(places[0].y, places[1].y),
            ),
            label: label(value),
        });
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::projection::Projection;

    const FRAME: Frame = Frame {
        left: 100.0,
        top: 100.0,
        width: 800.0,
        height: 600.0,
    };

    fn grid(ra_deg: f64, dec_deg: f64, page_per_deg: f64) -> Graticule {
        let centre = direction(ra_deg, dec_deg);
        let view = View {
            projection: Projection::Around(centre),
            centre: at(500.0, 400.0),
            scale: page_per_deg.to_degrees(),
        };
        graticule(&view, &FRAME, centre)
    }

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn right_ascension_passes_zero_without_a_jump() {
        let grid = grid(0.5, 0.2, 100.0);
        assert_eq!(
            labels(&grid.ra),
            ["4°", "3°", "2°", "1°", "0°", "359°", "358°", "357°"]
        );
        assert_eq!(labels(&grid.dec), ["+3°", "+2°", "+1°", "0°", "−1°", "−2°"]);
    }

    #[test]
    fn labels_stand_where_their_value_is() {
        let centre = direction(224.0, 41.0);
        let view = View {
            projection: Projection::Around(centre),
            centre: at(500.0, 400.0),
            scale: 100_f64.to_degrees(),
        };
        let grid = graticule(&view, &FRAME, centre);
        assert!(grid.ra.len() >= 3 && grid.dec.len() >= 3);
        for tick in &grid.ra {
            let value: f64 = tick.label.trim_end_matches('°').parse().unwrap();
            let shown = view.sky(tick.place).unwrap().ra_rad.to_degrees();
            assert!((shown - value).abs() < 0.01, "{tick:?} {shown}");
        }
    }

    #[test]
    fn around_a_pole_every_meridian_is_drawn() {
        let near = grid(100.0, 89.5, 100.0);
        assert!(near.lines.len() >= 10, "{}", near.lines.len());
        assert!(near.lines.iter().all(|line| !line.0.is_empty()));
    }
}
