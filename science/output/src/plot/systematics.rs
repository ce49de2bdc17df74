//! The best fits under systematics, and the regions with them, without them and of their envelope.

use super::caption::{subtitle, title};
use super::key::{SMALL, casing, marker, region_pen};
use super::line;
use super::window::{self, COLUMN, FRAME};
use crate::drawing::figure::{Figure, PAGE_HEIGHT, PAGE_WIDTH, Shape, filled, stroked};
use crate::drawing::lettering::text;
use crate::drawing::outline::{Colour, MUTED, Outline, PAPER, Pen, at, pen};
use crate::summary::{area, percent, told};
use crate::{ScanRecord, Varied};
use skyscan_sky::Equatorial;
use skyscan_sky::region::Region;

/// Apart for every kind of colour vision (Okabe and Ito 2008), and from the accent of the regions with systematics.
const WITHOUT: Colour = Colour([0, 92, 158, 255]);
const ENVELOPE: Colour = Colour([120, 120, 120, 255]);
const FIT: Colour = Colour([0, 0, 0, 170]);
/// Shifts are named beside their points as long as there are few.
const MOST_NAMED: usize = 10;

pub(super) fn compose(scan: &ScanRecord<'_>, varied: &Varied<'_>) -> Option<Figure> {
    let best = scan.best_fit?;
    let (pixel, _) = scan.map.best()?;
    let pixel_rad = pixel.nside.pixel_area_deg2().sqrt().to_radians();
    let usual = |regions: &'_ [Region]| told(regions, |region| region.containment).cloned();
    let [with, without, envelope] = [scan.regions, varied.without, varied.envelope].map(usual);
    let all = || [&envelope, &without, &with].into_iter().flatten();
    let view = window::around(best, all(), pixel_rad);

    let mut figure = Figure::new();
    figure.fill(Outline::rectangle(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT), PAPER);
    let mut inside = window::grid(&view, best);
    let kinds = [
        (&envelope, ENVELOPE, "inside under any of them"),
        (&without, WITHOUT, "without systematics"),
    ];
    let mut lines: Vec<(&Region, Pen, &str)> = Vec::new();
    for (region, colour, words) in kinds {
        let line = region
            .as_ref()
            .map(|region| (region, pen_of(colour), words));
        lines.extend(line);
    }
    if let Some(region) = &with {
        lines.push((
            region,
            region_pen(std::slice::from_ref(region), region),
            "with systematics",
        ));
    }
    for (region, pen, _) in &lines {
        for contour in &region.contours {
            let outline = line::closed(&view, contour);
            inside.push(stroked(outline.clone(), casing()));
            inside.push(stroked(outline, *pen));
        }
    }
    let n_shifts = varied.told.shifts.len();
    for shift in &varied.told.shifts {
        let place = view.page(Equatorial {
            ra_rad: shift.ra_deg.to_radians(),
            dec_rad: shift.dec_deg.to_radians(),
        });
        let Some(place) = place.filter(|place| FRAME.holds(*place)) else {
            continue;
        };
        inside.push(filled(Outline::ellipse(place, 6.0, 6.0), FIT));
    }
    figure.shapes.push(Shape::Within(FRAME.outline(), inside));
    window::axes(&mut figure, &view, best);
    if let Some(place) = view.page(best) {
        marker(&mut figure, place);
    }
    window::scale_bar(&mut figure, &view);
    figure.write(text(&title(scan), 38.0, at(FRAME.left, 76.0)).bold());
    figure.write(text(&subtitle(scan), 24.0, at(FRAME.left, 116.0)).colour(MUTED));

    let mut y = FRAME.top + 30.0;
    let words = format!("{n_shifts} systematics: {}", varied.told.set);
    figure.write(text(&words, 28.0, at(COLUMN, y)).bold());
    y += 50.0;
    figure.fill(Outline::ellipse(at(COLUMN + 23.0, y - 9.0), 6.0, 6.0), FIT);
    figure.write(text("best fit under each", 26.0, at(COLUMN + 60.0, y)));
    y += 32.0;
    let words = format!(
        "moves {:.2}° in the median, {:.2}° at most",
        varied.told.median_shift_deg, varied.told.largest_shift_deg
    );
    figure.write(text(&words, SMALL, at(COLUMN + 60.0, y)).colour(MUTED));
    for (region, pen, words) in lines.iter().rev() {
        y += 54.0;
        let sample = Outline::lines([at(COLUMN, y - 9.0), at(COLUMN + 46.0, y - 9.0)]);
        figure.stroke(sample, *pen);
        let size = format!(
            "{} %  {} deg²",
            percent(region.containment),
            area(region.area_deg2)
        );
        figure.write(text(&size, 28.0, at(COLUMN + 60.0, y)).bold());
        y += 32.0;
        figure.write(text(words, SMALL, at(COLUMN + 60.0, y)).colour(MUTED));
    }
    if n_shifts <= MOST_NAMED {
        y += 30.0;
        for shift in &varied.told.shifts {
            y += 34.0;
            let words = format!("{:.2}°  {}", shift.shift_deg, shift.name);
            figure.write(text(&words, SMALL, at(COLUMN, y)));
        }
    }
    Some(figure)
}

fn pen_of(colour: Colour) -> Pen {
    pen(colour, 3.5)
}
