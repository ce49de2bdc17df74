//! The regions of two maps over one another.

use super::caption::{coordinates, open};
use super::colour::ACCENT;
use super::key::{SMALL, casing};
use super::line;
use super::window::{self, COLUMN, FRAME};
use crate::comparison::{Comparison, Side};
use crate::drawing::figure::{Figure, PAGE_HEIGHT, PAGE_WIDTH, Shape, stroked};
use crate::drawing::lettering::text;
use crate::drawing::outline::{Colour, INK, MUTED, Outline, PAPER, Pen, Point, at, pen};
use crate::summary::{area, percent};
use skyscan_sky::region::Region;

/// Apart for every kind of colour vision (Okabe and Ito 2008) and, one dark and one light, in print.
const HUES: [Colour; 2] = [Colour([0, 92, 158, 255]), Colour([230, 128, 0, 255])];
/// So many doubts of a map are named.
const MOST_DOUBTS: usize = 3;
/// Longer file names are cut.
const LONGEST_NAME: usize = 34;

/// Both maps' regions around the first one's best fit.
pub(crate) fn compose(sides: [&Side; 2], comparison: &Comparison) -> Figure {
    let [first, second] = sides;
    let regions = || sides.into_iter().flat_map(|side| &side.regions);
    let pixel_rad = first.pixel_rad.min(second.pixel_rad);
    // Wide enough for the other best fit, even where its regions are small.
    let apart_rad = first.best.separation_rad(second.best);
    let view = window::around(first.best, regions(), pixel_rad.max(apart_rad / 5.0));

    let mut figure = Figure::new();
    figure.fill(Outline::rectangle(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT), PAPER);
    let mut inside = window::grid(&view, first.best);
    for (side, hue) in sides.into_iter().zip(HUES) {
        for region in &side.regions {
            for contour in &region.contours {
                let outline = line::closed(&view, contour);
                inside.push(stroked(outline.clone(), casing()));
                inside.push(stroked(outline, region_pen(&side.regions, region, hue)));
            }
        }
    }
    figure.shapes.push(Shape::Within(FRAME.outline(), inside));
    window::axes(&mut figure, &view, first.best);
    for (number, (side, hue)) in sides.into_iter().zip(HUES).enumerate() {
        if let Some(place) = view.page(side.best) {
            marker(&mut figure, number, place, hue);
        }
    }
    window::scale_bar(&mut figure, &view);

    let title = text("Two maps", 38.0, at(FRAME.left, 76.0)).bold();
    let width = figure.write(title);
    if comparison.warning().is_some() {
        let words = text(
            "OF DIFFERENT EVENTS",
            28.0,
            at(FRAME.left + width + 18.0, 76.0),
        );
        figure.write(words.bold().colour(ACCENT));
    }
    let mut words = format!("best fits {:.2}° apart", comparison.separation_deg());
    for (containment, shared) in comparison.shared() {
        words += &format!(
            " · {} % regions share {:.0} % of the smaller one",
            percent(containment),
            100.0 * shared
        );
    }
    figure.write(text(&words, 24.0, at(FRAME.left, 116.0)).colour(MUTED));
    let names = shortened(sides.map(|side| side.name.as_str()));
    let mut y = FRAME.top + 30.0;
    for (number, (side, hue)) in sides.into_iter().zip(HUES).enumerate() {
        y = column(&mut figure, (number, &names[number]), side, hue, y) + 80.0;
    }
    figure
}

/// The largest region solid, those inside dashed.
fn region_pen(regions: &[Region], region: &Region, colour: Colour) -> Pen {
    Pen {
        colour,
        ..super::key::region_pen(regions, region)
    }
}

/// A cross for the first, a ring for the second: they differ without their colours too.
fn marker(figure: &mut Figure, number: usize, place: Point, hue: Colour) {
    if number > 0 {
        for line in [pen(PAPER, 9.0), pen(hue, 5.0)] {
            figure.stroke(Outline::ellipse(place, 14.0, 14.0), line);
        }
        return;
    }
    for line in [pen(PAPER, 9.0), pen(hue, 5.0)] {
        for (x, y) in [(1.0, 0.0), (0.0, 1.0)] {
            let end = |r: f64| at(place.x + r * x, place.y + r * y);
            figure.stroke(Outline::lines([end(-20.0), end(20.0)]), line);
        }
    }
}

/// Two names cut to what fits, with what tells them apart in it.
fn shortened(names: [&str; 2]) -> [String; 2] {
    let letters = names.map(|name| name.chars().collect::<Vec<char>>());
    let [one, other] = &letters;
    let pairs = one.iter().zip(other);
    let begin = pairs.take_while(|(a, b)| a == b).count();
    letters.each_ref().map(|name| {
        if name.len() <= LONGEST_NAME {
            return name.iter().collect();
        }
        // The end, unless they differ before it.
        let last = name.len() - (LONGEST_NAME - 1);
        let start = last.min(begin.saturating_sub(LONGEST_NAME / 3));
        let cut = start < last;
        let n = LONGEST_NAME - 1 - usize::from(cut && start > 0);
        let middle: String = name[start..].iter().take(n).collect();
        match (start > 0, cut) {
            (true, true) => format!("…{middle}…"),
            (true, false) => format!("…{middle}"),
            (false, _) => format!("{middle}…"),
        }
    })
}

/// What one map says; returns the last baseline.
fn column(
    figure: &mut Figure,
    (number, name): (usize, &str),
    side: &Side,
    hue: Colour,
    top: f64,
) -> f64 {
    let mut y = top;
    marker(figure, number, at(COLUMN + 22.0, y - 10.0), hue);
    let reco = match side.reco.as_str() {
        "" => "unknown reco",
        known => known,
    };
    figure.write(text(reco, 28.0, at(COLUMN + 60.0, y)).bold());
    y += 32.0;
    figure.write(text(name, SMALL, at(COLUMN + 60.0, y)).colour(MUTED));
    y += 30.0;
    let method = format!("regions by {}", side.regions_made.name);
    figure.write(text(&method, SMALL, at(COLUMN + 60.0, y)).colour(MUTED));
    let (told, left_out) = side.quality.split_at(side.quality.len().min(MOST_DOUBTS));
    let more = (!left_out.is_empty()).then(|| format!("{} more doubts", left_out.len()));
    let told = told.iter().map(|doubt| doubt.name().replace('_', " "));
    for words in told.chain(more) {
        y += 28.0;
        figure.write(
            text(&words, SMALL, at(COLUMN + 60.0, y))
                .bold()
                .colour(ACCENT),
        );
    }
    for coordinate in coordinates(side.best, &side.regions) {
        y += 46.0;
        figure.write(text(coordinate.name, 24.0, at(COLUMN, y)).colour(MUTED));
        let value = text(&coordinate.value, 28.0, at(COLUMN + 60.0, y)).bold();
        let width = figure.write(value);
        let beside = at(COLUMN + 78.0 + width, y);
        figure.write(text(&coordinate.errors, 24.0, beside).colour(INK));
    }
    for region in &side.regions {
        y += 46.0;
        let sample = Outline::lines([at(COLUMN, y - 9.0), at(COLUMN + 46.0, y - 9.0)]);
        figure.stroke(sample, region_pen(&side.regions, region, hue));
        let words = format!(
            "{} % region  {} deg²{}",
            percent(region.containment),
            area(region.area_deg2),
            open(region)
        );
        figure.write(text(&words, 26.0, at(COLUMN + 60.0, y)));
    }
    y
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAME, shortened};

    #[test]
    fn long_names_keep_what_tells_them_apart() {
        let long = "x".repeat(60);
        for (one, other) in [
            (format!("{long}a.json"), format!("{long}b.json")),
            (format!("a{long}.json"), format!("b{long}.json")),
            (format!("{long}a{long}"), format!("{long}b{long}")),
            (format!("a/{long}.json"), format!("{long}.json")),
        ] {
            let names = shortened([&one, &other]);
            assert_ne!(names[0], names[1]);
            assert!(
                names
                    .iter()
                    .all(|name| name.chars().count() <= LONGEST_NAME)
            );
        }
        assert_eq!(shortened(["a.json", "b.json"]), ["a.json", "b.json"]);
    }
}
