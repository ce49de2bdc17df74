//! The neighbourhood of the best fit: pixels as scanned, the regions, a true scale.

use super::caption;
use super::colour::{ACCENT, ColourScale, Spacing, round_up};
use super::coloured::coloured;
use super::key::{self, SMALL};
use super::line;
use super::lookup::Lookup;
use super::projection::View;
use super::window::{self, COLUMN, FRAME};
use crate::ScanRecord;
use crate::drawing::figure::{Figure, Shape, stroked};
use crate::drawing::lettering::{Anchor, text};
use crate::drawing::outline::{MUTED, Outline, at};
use crate::summary::{area, percent};
use skyscan_sky::Equatorial;

/// With more regions than this, the column has room for their sizes only.
const MOST_EXPLAINED: usize = 4;

pub(super) fn compose(scan: &ScanRecord<'_>) -> Option<Figure> {
    let lookup = Lookup::new(scan.map)?;
    let best = scan
        .best_fit
        .or_else(|| Some(scan.map.best()?.0.center()))?;
    let pixel_rad = lookup.finest()?.pixel_area_deg2().sqrt().to_radians();
    let view = window::around(best, scan.regions, pixel_rad);
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
    let (holes, failures) = map(&mut figure, &view, &lookup, &scale, scan, best);
    window::axes(&mut figure, &view, best);
    for mark in scan.marks {
        if let Some(place) = view.page(mark.at).filter(|place| FRAME.holds(*place)) {
            let right = FRAME.left + FRAME.width;
            key::mark(&mut figure, mark, place, right, view.page(best));
        }
    }
    if let Some(place) = view.page(best) {
        key::marker(&mut figure, place);
    }
    window::scale_bar(&mut figure, &view);
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

fn map(
    figure: &mut Figure,
    view: &View,
    lookup: &Lookup,
    scale: &ColourScale,
    scan: &ScanRecord<'_>,
    best: Equatorial,
) -> (bool, bool) {
    let corner = (FRAME.left as u32, FRAME.top as u32);
    let size = (FRAME.width as u32, FRAME.height as u32);
    let coloured = coloured(view, lookup, scale, corner, size);
    figure.shapes.push(Shape::Picture(coloured.picture));
    let mut inside = window::grid(view, best);
    let mut lines = Vec::new();
    for region in scan.regions {
        for contour in &region.contours {
            let line = line::closed(view, contour);
            inside.push(stroked(line.clone(), key::casing()));
            lines.push(stroked(line, key::region_pen(scan.regions, region)));
        }
    }
    inside.extend(lines);
    figure.shapes.push(Shape::Within(FRAME.outline(), inside));
    (coloured.has_holes, coloured.has_failures)
}

fn heading(figure: &mut Figure, scan: &ScanRecord<'_>) {
    let title = caption::title(scan);
    figure.write(text(&title, 38.0, at(FRAME.left, 76.0)).bold());
    let subtitle = caption::subtitle(scan);
    figure.write(text(&subtitle, 24.0, at(FRAME.left, 116.0)).colour(MUTED));
    let mut y = 52.0;
    for words in caption::warnings(scan) {
        let warning = text(words, 24.0, at(COLUMN, y));
        figure.write(warning.bold().colour(ACCENT));
        y += 30.0;
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
            "errors: reach of the {} % region",
            percent(widest.containment)
        );
        figure.write(text(&words, SMALL, at(COLUMN, y)).colour(MUTED));
        y += 40.0;
    }
    let is_roomy = scan.regions.len() <= MOST_EXPLAINED;
    for region in scan.regions {
        y += if is_roomy { 50.0 } else { 44.0 };
        let sample = Outline::lines([at(COLUMN, y - 9.0), at(COLUMN + 46.0, y - 9.0)]);
        figure.stroke(sample, key::region_pen(scan.regions, region));
        let words = format!("{} % region", percent(region.containment));
        figure.write(text(&words, 26.0, at(COLUMN + 60.0, y)));
        let words = format!("{} deg²", area(region.area_deg2));
        let right = at(COLUMN + 464.0, y);
        figure.write(text(&words, 28.0, right).bold().anchor(Anchor::End));
        if !is_roomy {
            continue;
        }
        y += 30.0;
        let words = format!("2Δllh below {:.2}{}", region.level, caption::open(region));
        figure.write(text(&words, SMALL, at(COLUMN + 60.0, y)).colour(MUTED));
    }
    if !scan.regions.is_empty() {
        y += 40.0;
        let file = scan.method.coverage_sha256().unwrap_or_default();
        let words = format!("regions by method {} {file:.8}", scan.method.name());
        figure.write(text(&words, SMALL, at(COLUMN, y)).colour(MUTED));
    }
    y
}
