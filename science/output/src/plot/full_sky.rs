//! The full sky: Mollweide in an ellipse, the event above it, the key in its empty corners.

use std::f64::consts::{PI, SQRT_2, TAU};

use super::caption;
use super::colour::{ACCENT, ColourScale, Spacing, UNSCANNED, round_up};
use super::coloured::coloured;
use super::graticule::signed;
use super::key::{self, SMALL};
use super::line;
use super::lookup::{Lookup, Seen};
use super::projection::{Projection, View};
use crate::ScanRecord;
use crate::drawing::figure::{Figure, Shape, stroked};
use crate::drawing::lettering::{Anchor, Text, text};
use crate::drawing::outline::{Colour, INK, MUTED, Outline, PAPER, Pen, Point, at, pen};
use crate::summary::{area, percent};
use skyscan_sky::Equatorial;
use skyscan_sky::region::Region;

const CENTRE: Point = Point { x: 960.0, y: 548.0 };
const HALF_WIDTH: f64 = 848.0;
const HALF_HEIGHT: f64 = HALF_WIDTH / 2.0;
/// From the equator down to the baseline of its labels.
const RA_LABELS: f64 = 26.0;
const MARGIN: f64 = 64.0;
const RIGHT: f64 = 1920.0 - MARGIN;
/// Greys that show on the darkest and on the palest ground.
const GRID: Colour = Colour([136, 144, 156, 140]);
const PLANE: Colour = Colour([128, 136, 148, 255]);

/// Share of the sky that the colours tell apart; the worst directions all look alike.
const COLOURED_SHARE: f64 = 0.95;

pub(super) fn compose(scan: &ScanRecord<'_>) -> Option<Figure> {
    let lookup = Lookup::new(scan.map)?;
    let best = scan
        .best_fit
        .or_else(|| Some(scan.map.best()?.0.center()))?;
    let view = View {
        projection: Projection::FullSky,
        centre: CENTRE,
        scale: HALF_WIDTH / (2.0 * SQRT_2),
    };
    let highest = scan
        .regions
        .iter()
        .map(|region| region.level)
        .fold(1.0, f64::max);
    let cap = lookup.quantile(COLOURED_SHARE)?.max(4.0 * highest);
    let scale = ColourScale::new(round_up(cap), Spacing::SquareRoot);

    let mut figure = Figure::new();
    let (holes, failures) = map(&mut figure, &view, &lookup, &scale, scan);
    let ground = |place| match view.sky(place).map(|direction| lookup.seen(direction)) {
        Some(Seen::Excess(value)) => scale.colour(value),
        Some(Seen::Failed | Seen::Unscanned) => UNSCANNED,
        None => PAPER,
    };
    labels(&mut figure, &view, &ground);
    for mark in scan.marks {
        if let Some(place) = view.page(mark.at) {
            let right = CENTRE.x + HALF_WIDTH;
            key::mark(&mut figure, mark, place, right, view.page(best));
        }
    }
    best_fit(&mut figure, &view, best, &ground);
    heading(&mut figure, scan, best);
    key::colour_bar(&mut figure, &scale, (MARGIN as u32, 1000), (430, 22));
    let mut y = 1030.0;
    let words = "Equatorial J2000, Mollweide; dotted: galactic plane";
    figure.write(
        text(words, SMALL, at(RIGHT, y))
            .colour(MUTED)
            .anchor(Anchor::End),
    );
    if !scan.regions.is_empty() {
        y -= 36.0;
        let areas: Vec<String> = scan.regions.iter().map(area_of).collect();
        let areas = areas.join(" · ");
        figure.write(text(&areas, SMALL, at(RIGHT, y)).bold().anchor(Anchor::End));
    }
    for failed in [true, false] {
        if if failed { failures } else { holes } {
            y -= 36.0;
            key::swatch(&mut figure, failed, at(RIGHT - 340.0, y));
        }
    }
    Some(figure)
}

/// `90 %: 7.49 deg²`.
fn area_of(region: &Region) -> String {
    format!(
        "{} %: {} deg²{}",
        percent(region.containment),
        area(region.area_deg2),
        caption::open(region)
    )
}

/// The coloured ellipse with its lines; says whether it has unscanned and failed places.
fn map(
    figure: &mut Figure,
    view: &View,
    lookup: &Lookup,
    scale: &ColourScale,
    scan: &ScanRecord<'_>,
) -> (bool, bool) {
    let corner = (
        (CENTRE.x - HALF_WIDTH) as u32,
        (CENTRE.y - HALF_HEIGHT) as u32,
    );
    let size = ((2.0 * HALF_WIDTH) as u32, (2.0 * HALF_HEIGHT) as u32);
    let coloured = coloured(view, lookup, scale, corner, size);
    let rim = Outline::ellipse(CENTRE, HALF_WIDTH, HALF_HEIGHT);
    let mut inside = vec![Shape::Picture(coloured.picture)];
    inside.extend(grid(view).map(|line| stroked(line, pen(GRID, 1.3))));
    let plane = Pen {
        colour: PLANE,
        width: 3.0,
        dash: Some((3.0, 7.0)),
    };
    inside.push(stroked(line::trace(view, line::galactic_plane()), plane));
    for region in scan.regions {
        let pen = Pen {
            width: 2.0,
            dash: None,
            ..key::region_pen(scan.regions, region)
        };
        for contour in &region.contours {
            inside.push(stroked(line::closed(view, contour), pen));
        }
    }
    figure.shapes.push(Shape::Within(rim.clone(), inside));
    figure.stroke(rim, pen(INK, 2.5));
    (coloured.has_holes, coloured.has_failures)
}

fn direction(ra_deg: f64, dec_deg: f64) -> Equatorial {
    Equatorial {
        ra_rad: ra_deg.to_radians(),
        dec_rad: dec_deg.to_radians(),
    }
}

fn grid(view: &View) -> impl Iterator<Item = Outline> + '_ {
    let meridians = (30..360).step_by(30).map(|ra| {
        let along = (-180..=180).map(move |half| direction(f64::from(ra), f64::from(half) / 2.0));
        line::trace(view, along)
    });
    let parallels = (-60..=60).step_by(30).map(|dec| {
        let along = (0..=360).map(move |ra| direction(f64::from(ra), f64::from(dec)));
        line::trace(view, along)
    });
    meridians.chain(parallels)
}

/// Writes on the map: dark on pale ground, pale on dark, and clear of the lines.
fn write_on_map(figure: &mut Figure, words: Text<'_>, ground: &dyn Fn(Point) -> Colour) {
    let width = figure.width_of(&words);
    let middle = match words.anchor {
        Anchor::Start => width / 2.0,
        Anchor::Middle => 0.0,
        Anchor::End => -width / 2.0,
    };
    let below = ground(at(words.place.x + middle, words.place.y - words.size / 3.0));
    let colour = if below.is_dark() { PAPER } else { INK };
    figure.write(words.colour(colour).halo(below));
}

fn labels(figure: &mut Figure, view: &View, ground: &dyn Fn(Point) -> Colour) {
    for dec in [-60.0, -30.0, 0.0, 30.0, 60.0] {
        // The left rim: a whole turn of right ascension.
        let rim = Equatorial {
            ra_rad: TAU,
            dec_rad: f64::to_radians(dec),
        };
        let Some(place) = view.page(rim) else {
            continue;
        };
        let lift = 8.0 - dec * 0.15;
        let words = format!("{}°", signed(dec, 0));
        let place = at(place.x - 12.0, place.y + lift);
        figure.write(text(&words, SMALL, place).colour(MUTED).anchor(Anchor::End));
    }
    for ra in (30..360).step_by(30) {
        let Some(place) = view.page(direction(f64::from(ra), 0.0)) else {
            continue;
        };
        let words = format!("{ra}°");
        let label = text(&words, 20.0, at(place.x, place.y + RA_LABELS));
        write_on_map(figure, label.anchor(Anchor::Middle), ground);
    }
}

fn best_fit(figure: &mut Figure, view: &View, best: Equatorial, ground: &dyn Fn(Point) -> Colour) {
    if let Some(place) = view.page(best) {
        let ring = Outline::ellipse(place, 26.0, 26.0);
        figure.stroke(ring.clone(), pen(PAPER, 7.0));
        figure.stroke(ring, pen(ACCENT, 3.5));
        // Towards the middle of the sky, where there is room.
        let (side, anchor) = if best.ra_rad < PI {
            (-1.0, Anchor::End)
        } else {
            (1.0, Anchor::Start)
        };
        let mut y = place.y + 8.0;
        if (y - CENTRE.y - RA_LABELS).abs() < 28.0 {
            y = CENTRE.y - 12.0;
        }
        let words = text("best fit", 24.0, at(place.x + side * 38.0, y));
        write_on_map(figure, words.bold().anchor(anchor), ground);
    }
}

fn heading(figure: &mut Figure, scan: &ScanRecord<'_>, best: Equatorial) {
    let title = caption::title(scan);
    figure.write(text(&title, 38.0, at(MARGIN, 78.0)).bold());
    let subtitle = caption::subtitle(scan);
    figure.write(text(&subtitle, 24.0, at(MARGIN, 116.0)).colour(MUTED));
    let mut y = 148.0;
    for words in caption::warnings(scan) {
        let warning = text(words, SMALL, at(MARGIN, y));
        figure.write(warning.bold().colour(ACCENT));
        y += 28.0;
    }
    for (coordinate, y) in caption::coordinates(best, scan.regions)
        .iter()
        .zip([78.0, 116.0])
    {
        let errors = text(&coordinate.errors, 24.0, at(RIGHT, y)).colour(MUTED);
        let mut x = RIGHT - figure.write(errors.anchor(Anchor::End));
        if !coordinate.errors.is_empty() {
            x -= 16.0;
        }
        let words = format!("{} {}", coordinate.name, coordinate.value);
        figure.write(text(&words, 30.0, at(x, y)).bold().anchor(Anchor::End));
    }
}
