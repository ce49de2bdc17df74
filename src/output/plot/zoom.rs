//! The neighbourhood of the best fit: pixels as scanned, the regions, a true scale.

use super::caption;
use super::colour::{ACCENT, ColourScale, Spacing, round_up};
use super::coloured::coloured;
use super::graticule::{Frame, graticule};
use super::key::{self, SMALL};
use super::line;
use super::lookup::Lookup;
use super::projection::{Projection, View};
use crate::drawing::figure::{Figure, Shape, stroked};
use crate::drawing::lettering::{Anchor, text};
use crate::drawing::outline::{Colour, INK, MUTED, Outline, at, pen};
use crate::output::ScanRecord;
use crate::output::summary::area;
use crate::sky::Equatorial;
use crate::sky::region::Region;

const FRAME: Frame = Frame {
    left: 170.0,
    top: 150.0,
    width: 1160.0,
    height: 810.0,
};
const COLUMN: f64 = 1392.0;
/// Grey that shows on the darkest and on the palest ground.
const GRID: Colour = Colour([136, 144, 156, 150]);

/// Room between the largest region and the frame, as a share of the region.
const ROOM: f64 = 1.3;
/// Fewer pixels than this across half the frame show squares instead of a map.
const LEAST_PIXELS: f64 = 5.0;
/// Most of a hemisphere: further out the projection bends too much to be read.
const WIDEST_RAD: f64 = 1.4;

pub(super) fn compose(scan: &ScanRecord<'_>) -> Option<Figure> {
    let lookup = Lookup::new(scan.map)?;
    let best = scan
        .best_fit
        .or_else(|| Some(scan.map.best()?.0.center()))?;
    let view = view(scan.regions, &lookup, best)?;
    let highest = scan
        .regions
        .iter()
        .map(|region| region.level)
        .fold(0.0, f64::max);
    // Three times the largest level leaves the regions a third of the colours.
    let cap = if highest > 0.0 {
        3.0 * highest
    } else {
        lookup.quantile(0.5)?.max(1.0)
    };
    let scale = ColourScale::new(round_up(cap), Spacing::Even);

    let mut figure = Figure::new();
    let (holes, failures) = map(&mut figure, &view, &lookup, &scale, scan);
    axes(&mut figure, &view, best);
    if let Some(place) = view.page(best) {
        key::marker(&mut figure, place);
    }
    scale_bar(&mut figure, &view);
    heading(&mut figure, scan);
    let mut y = column(&mut figure, scan, best);
    for failed in [true, false] {
        if if failed { failures } else { holes } {
            y += 44.0;
            key::swatch(&mut figure, failed, at(COLUMN, y));
        }
    }
    key::colour_bar(&mut figure, &scale, (COLUMN as u32, 912), (440, 22));
    for region in scan.regions {
        let x = COLUMN + 440.0 * scale.share(region.level);
        let across = Outline::lines([at(x, 906.0), at(x, 940.0)]);
        figure.stroke(across.clone(), key::casing());
        figure.stroke(across, key::region_pen(scan.regions, region));
    }
    Some(figure)
}

/// Sized so that every region fits, but no further in than the finest pixels can show.
fn view(regions: &[Region], lookup: &Lookup, best: Equatorial) -> Option<View> {
    let centre = at(
        FRAME.left + FRAME.width / 2.0,
        FRAME.top + FRAME.height / 2.0,
    );
    let unit = View {
        projection: Projection::Around(best),
        centre: at(0.0, 0.0),
        scale: 1.0,
    };
    let (mut half_width, mut half_height) = (0.0_f64, 0.0_f64);
    for point in regions
        .iter()
        .flat_map(|r| &r.contours)
        .flat_map(|c| &c.points)
    {
        if let Some(place) = unit.page(*point) {
            half_width = half_width.max(place.x.abs());
            half_height = half_height.max(place.y.abs());
        }
    }
    let pixel_rad = lookup.finest()?.pixel_area_deg2().sqrt().to_radians();
    half_height = half_height.max(LEAST_PIXELS * pixel_rad);
    let half_height = (half_height.max(half_width * FRAME.height / FRAME.width) * ROOM)
        .min(WIDEST_RAD * FRAME.height / FRAME.width);
    Some(View {
        projection: Projection::Around(best),
        centre,
        scale: FRAME.height / 2.0 / half_height,
    })
}

fn map(
    figure: &mut Figure,
    view: &View,
    lookup: &Lookup,
    scale: &ColourScale,
    scan: &ScanRecord<'_>,
) -> (bool, bool) {
    let corner = (FRAME.left as u32, FRAME.top as u32);
    let size = (FRAME.width as u32, FRAME.height as u32);
    let coloured = coloured(view, lookup, scale, corner, size);
    figure.shapes.push(Shape::Picture(coloured.picture));
    let mut inside = Vec::new();
    if let Projection::Around(centre) = view.projection {
        let grid = graticule(view, &FRAME, centre);
        inside.extend(
            grid.lines
                .into_iter()
                .map(|line| stroked(line, pen(GRID, 1.3))),
        );
    }
    let mut lines = Vec::new();
    for region in scan.regions {
        for contour in &region.contours {
            let line = line::closed(view, contour, FRAME.width);
            inside.push(stroked(line.clone(), key::casing()));
            lines.push(stroked(line, key::region_pen(scan.regions, region)));
        }
    }
    inside.extend(lines);
    figure.shapes.push(Shape::Within(FRAME.outline(), inside));
    (coloured.has_holes, coloured.has_failures)
}

fn axes(figure: &mut Figure, view: &View, centre: Equatorial) {
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

fn scale_bar(figure: &mut Figure, view: &View) {
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

fn heading(figure: &mut Figure, scan: &ScanRecord<'_>) {
    let title = caption::title(scan);
    figure.write(text(&title, 38.0, at(FRAME.left, 76.0)).bold());
    let subtitle = caption::subtitle(scan);
    figure.write(text(&subtitle, 24.0, at(FRAME.left, 116.0)).colour(MUTED));
    if caption::is_incomplete(scan) {
        let warning = text("INCOMPLETE SCAN", 28.0, at(COLUMN, 76.0));
        figure.write(warning.bold().colour(ACCENT));
    }
}

/// Best fit and regions beside the map; returns the last baseline.
fn column(figure: &mut Figure, scan: &ScanRecord<'_>, best: Equatorial) -> f64 {
    let mut y = FRAME.top + 30.0;
    key::marker(figure, at(COLUMN + 22.0, y - 10.0));
    figure.write(text("Best fit", 28.0, at(COLUMN + 60.0, y)).bold());
    for coordinate in caption::coordinates(best, scan.regions) {
        y += 64.0;
        let name = text(coordinate.name, 26.0, at(COLUMN, y)).colour(MUTED);
        figure.write(name);
        let value = text(&coordinate.value, 34.0, at(COLUMN + 60.0, y)).bold();
        let width = figure.write(value);
        figure.write(text(
            &coordinate.errors,
            26.0,
            at(COLUMN + 60.0 + width + 18.0, y),
        ));
        y += 36.0;
        let sexagesimal = text(&coordinate.sexagesimal, 24.0, at(COLUMN + 60.0, y));
        figure.write(sexagesimal.colour(MUTED));
    }
    if let Some(widest) = caption::widest(scan.regions) {
        y += 40.0;
        let words = format!(
            "errors: reach of the {:.0} % region",
            100.0 * widest.containment
        );
        figure.write(text(&words, SMALL, at(COLUMN, y)).colour(MUTED));
        y += 40.0;
    }
    for region in scan.regions {
        y += 50.0;
        let sample = Outline::lines([at(COLUMN, y - 9.0), at(COLUMN + 46.0, y - 9.0)]);
        figure.stroke(sample, key::region_pen(scan.regions, region));
        let words = format!("{:.0} % region", 100.0 * region.containment);
        figure.write(text(&words, 26.0, at(COLUMN + 60.0, y)));
        let words = format!("{} deg²", area(region.area_deg2));
        let right = at(COLUMN + 464.0, y);
        figure.write(text(&words, 28.0, right).bold().anchor(Anchor::End));
        y += 30.0;
        let words = format!("2Δllh below {:.2}", region.level);
        figure.write(text(&words, SMALL, at(COLUMN + 60.0, y)).colour(MUTED));
    }
    y
}
