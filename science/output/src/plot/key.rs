//! What explains a figure: colour bar, lines and swatches with their meaning.

use super::colour::{ACCENT, ColourScale, FAILED, UNSCANNED};
use crate::drawing::figure::{Figure, Shape};
use crate::drawing::lettering::{Anchor, text};
use crate::drawing::outline::{Colour, INK, MUTED, Outline, PAPER, Pen, Point, at, pen};
use crate::drawing::picture::Picture;
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

/// The line of a region: the largest solid, those inside dashed.
pub(super) fn region_pen(regions: &[Region], region: &Region) -> Pen {
    let largest = regions
        .iter()
        .all(|other| other.containment <= region.containment);
    Pen {
        colour: ACCENT,
        width: 3.5,
        dash: (!largest).then_some((11.0, 6.0)),
    }
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
