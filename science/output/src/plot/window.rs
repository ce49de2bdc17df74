//! The frame of a map around a direction: which part of the sky it shows, its axes and its scale.

use super::graticule::{Frame, graticule};
use super::projection::{Projection, View};
use crate::drawing::figure::{Figure, Shape, stroked};
use crate::drawing::lettering::{Anchor, text};
use crate::drawing::outline::{Colour, INK, Outline, at, pen};
use skyscan_sky::Equatorial;
use skyscan_sky::region::Region;

/// Where the map stands on the page.
pub(super) const FRAME: Frame = Frame {
    left: 170.0,
    top: 150.0,
    width: 1160.0,
    height: 810.0,
};
/// Where the words beside it begin.
pub(super) const COLUMN: f64 = 1392.0;
/// Grey that shows on the darkest and on the palest ground.
const GRID: Colour = Colour([136, 144, 156, 150]);

/// Room between the largest region and the frame, as a share of the region.
const ROOM: f64 = 1.3;
/// Fewer pixels than this across half the frame show squares instead of a map.
const LEAST_PIXELS: f64 = 5.0;
/// Most of a hemisphere: further out the projection bends too much to be read.
const WIDEST_RAD: f64 = 1.4;

/// A view around `best`, sized so that every region fits, but no further in than pixels of this
/// width can show.
pub(super) fn around<'a>(
    best: Equatorial,
    regions: impl IntoIterator<Item = &'a Region>,
    pixel_rad: f64,
) -> View {
    let unit = View {
        projection: Projection::Around(best),
        centre: at(0.0, 0.0),
        scale: 1.0,
    };
    let (mut half_width, mut half_height) = (0.0_f64, LEAST_PIXELS * pixel_rad);
    let contours = regions.into_iter().flat_map(|region| &region.contours);
    for point in contours.flat_map(|contour| &contour.points) {
        if let Some(place) = unit.page(*point) {
            half_width = half_width.max(place.x.abs());
            half_height = half_height.max(place.y.abs());
        }
    }
    let half_height = (half_height.max(half_width * FRAME.height / FRAME.width) * ROOM)
        .min(WIDEST_RAD * FRAME.height / FRAME.width);
    View {
        centre: at(
            FRAME.left + FRAME.width / 2.0,
            FRAME.top + FRAME.height / 2.0,
        ),
        scale: FRAME.height / 2.0 / half_height,
        ..unit
    }
}

/// Meridians and parallels.
pub(super) fn grid(view: &View, centre: Equatorial) -> Vec<Shape> {
    let lines = graticule(view, &FRAME, centre).lines;
    let thin = |line| stroked(line, pen(GRID, 1.3));
    lines.into_iter().map(thin).collect()
}

/// The frame with its values and names.
pub(super) fn axes(figure: &mut Figure, view: &View, centre: Equatorial) {
    figure.stroke(FRAME.outline(), pen(INK, 2.5));
    let grid = graticule(view, &FRAME, centre);
    let bottom = FRAME.top + FRAME.height;
    let mut free_from = f64::NEG_INFINITY;
    for tick in &grid.ra {
        let place = at(tick.place.x, bottom + 40.0);
        let label = text(&tick.label, 24.0, place).anchor(Anchor::Middle);
        let half = figure.width_of(&label) / 2.0;
        if tick.place.x - half < free_from {
            continue;
        }
        free_from = tick.place.x + half + 14.0;
        figure.write(label);
        let x = tick.place.x;
        figure.stroke(
            Outline::lines([at(x, bottom), at(x, bottom + 9.0)]),
            pen(INK, 2.0),
        );
    }
    let mut free_from = f64::NEG_INFINITY;
    for tick in &grid.dec {
        let y = tick.place.y;
        if y < free_from {
            continue;
        }
        free_from = y + 34.0;
        let label = text(&tick.label, 24.0, at(FRAME.left - 16.0, y + 8.0));
        figure.write(label.anchor(Anchor::End));
        figure.stroke(
            Outline::lines([at(FRAME.left - 9.0, y), at(FRAME.left, y)]),
            pen(INK, 2.0),
        );
    }
    let middle = at(FRAME.left + FRAME.width / 2.0, bottom + 82.0);
    figure.write(text("Right ascension (J2000)", 26.0, middle).anchor(Anchor::Middle));
    let middle = at(56.0, FRAME.top + FRAME.height / 2.0);
    figure.write(
        text("Declination (J2000)", 26.0, middle)
            .anchor(Anchor::Middle)
            .upwards(),
    );
}

/// A bar of round length.
pub(super) fn scale_bar(figure: &mut Figure, view: &View) {
    let page_per_deg = view.scale.to_radians();
    let longest = 0.22 * FRAME.width / page_per_deg;
    let steps = [
        60.0, 30.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005,
    ];
    let Some(degrees) = steps.into_iter().find(|step| *step <= longest) else {
        return;
    };
    let length = degrees * page_per_deg;
    let (left, y) = (FRAME.left + 36.0, FRAME.top + FRAME.height - 34.0);
    let plate = Outline::rectangle(left - 18.0, y - 48.0, length + 36.0, 64.0);
    figure.fill(plate, Colour([255, 255, 255, 215]));
    let bar = [
        at(left, y - 8.0),
        at(left, y),
        at(left + length, y),
        at(left + length, y - 8.0),
    ];
    figure.stroke(Outline::lines(bar), pen(INK, 3.0));
    let words = format!("{degrees}°");
    let place = at(left + length / 2.0, y - 16.0);
    figure.write(text(&words, 24.0, place).bold().anchor(Anchor::Middle));
}
