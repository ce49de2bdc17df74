//! What explains a figure: colour bar, lines and swatches with their meaning.

use super::colour::{ACCENT, ColourScale, FAILED, UNSCANNED};
use crate::Mark;
use crate::drawing::figure::{Figure, Shape};
use crate::drawing::lettering::{Anchor, Text, text};
use crate::drawing::outline::{Colour, INK, MUTED, Outline, PAPER, Pen, Point, at, pen};
use crate::drawing::picture::Picture;
use skyscan_event::names::clean;
use skyscan_sky::region::Region;

/// Size of the small letters.
pub(super) const SMALL: f64 = 22.0;

/// A colour bar and the values along it, `left` and `top` being those of the bar.
pub(super) fn colour_bar(
    figure: &mut Figure,
    scale: &ColourScale,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
) {
    let share = |x: f64| (x - f64::from(left)) / f64::from(width);
    let bar = Picture::paint((left, top), (width, height), |p| {
        Some(scale.at_share(share(p.x)))
    });
    figure.shapes.push(Shape::Picture(bar));
    let (left, top) = (f64::from(left), f64::from(top));
    let (width, height) = (f64::from(width), f64::from(height));
    figure.stroke(Outline::rectangle(left, top, width, height), pen(INK, 1.5));
    let title = text("2Δllh above the best pixel", SMALL, at(left, top - 14.0));
    figure.write(title);
    let bottom = top + height;
    for value in scale.ticks() {
        let x = left + width * scale.share(value);
        figure.stroke(
            Outline::lines([at(x, bottom), at(x, bottom + 7.0)]),
            pen(INK, 1.5),
        );
        let last = (value - scale.cap()).abs() < 1e-6 * scale.cap();
        let words = if last {
            format!("≥{value}")
        } else {
            format!("{value}")
        };
        let place = at(x, bottom + 30.0);
        figure.write(
            text(&words, SMALL, place)
                .colour(MUTED)
                .anchor(Anchor::Middle),
        );
    }
}

/// The line of a region: the largest solid, those inside dashed, the shorter the further inside.
pub(super) fn region_pen(regions: &[Region], region: &Region) -> Pen {
    let larger = regions
        .iter()
        .filter(|other| other.containment > region.containment);
    Pen {
        colour: ACCENT,
        width: 3.5,
        dash: match larger.count() {
            0 => None,
            1 => Some((11.0, 6.0)),
            2 => Some((6.0, 6.0)),
            _ => Some((3.0, 5.0)),
        },
    }
}

/// Longest name of a mark, in characters.
const LONGEST_MARK: usize = 28;

/// A diamond where somebody's mark is, with its name, on the side where there is room before `right`.
pub(super) fn mark(
    figure: &mut Figure,
    mark: &Mark,
    place: Point,
    right: f64,
    best: Option<Point>,
) {
    const RADIUS: f64 = 11.0;
    /// So near the best fit its words are in the way.
    const NEAR: f64 = 70.0;
    let corners = [
        (0.0, -1.0),
        (1.0, 0.0),
        (0.0, 1.0),
        (-1.0, 0.0),
        (0.0, -1.0),
    ];
    let diamond = corners.map(|(x, y)| at(place.x + RADIUS * x, place.y + RADIUS * y));
    figure.stroke(Outline::lines(diamond), pen(PAPER, 7.0));
    figure.stroke(Outline::lines(diamond), pen(INK, 3.0));
    let name = clean(&mark.name, LONGEST_MARK);
    let is_near = best.is_some_and(|best| (best.x - place.x).hypot(best.y - place.y) < NEAR);
    let y = place.y + if is_near { 46.0 } else { 8.0 };
    let words = text(&name, SMALL, at(place.x + 20.0, y)).bold().halo(PAPER);
    let fits = words.place.x + figure.width_of(&words) < right;
    figure.write(match fits {
        true => words,
        false => Text {
            place: at(place.x - 20.0, y),
            ..words
        }
        .anchor(Anchor::End),
    });
}

/// Light below a line, so that it shows on dark ground.
pub(super) fn casing() -> Pen {
    pen(Colour([255, 255, 255, 230]), 7.0)
}

/// A cross with an open middle: it points without hiding.
pub(super) fn marker(figure: &mut Figure, place: Point) {
    let (inner, outer) = (7.0, 22.0);
    for (pen, outer) in [(pen(PAPER, 8.0), outer + 2.0), (pen(ACCENT, 4.0), outer)] {
        for (x, y) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            let arm = |r: f64| at(place.x + r * x, place.y + r * y);
            figure.stroke(Outline::lines([arm(inner), arm(outer)]), pen);
        }
    }
}

/// Whether the colour at a place of the page belongs to the stripes of failed pixels.
pub(super) fn ground(failed: bool, place: Point) -> Colour {
    let on_stripe = (place.x + place.y).rem_euclid(10.0) < 4.0;
    if failed && on_stripe {
        FAILED
    } else {
        UNSCANNED
    }
}

/// A swatch of unscanned or failed ground with its meaning, `place` being the text's baseline.
pub(super) fn swatch(figure: &mut Figure, failed: bool, place: Point) {
    let (left, top) = (place.x as u32, place.y as u32 - 18);
    let square = Picture::paint((left, top), (44, 20), |p| Some(ground(failed, p)));
    figure.shapes.push(Shape::Picture(square));
    let outline = Outline::rectangle(f64::from(left), f64::from(top), 44.0, 20.0);
    figure.stroke(outline, pen(MUTED, 1.5));
    let words = if failed {
        "could not be reconstructed"
    } else {
        "not scanned"
    };
    figure.write(text(words, SMALL, at(place.x + 60.0, place.y)));
}
