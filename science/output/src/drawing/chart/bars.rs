//! A chart of named bars: values that stand beside each other, with no order between them.

use super::axis::{Axis, label};
use super::{GRID, HUES, page};
use crate::drawing::figure::Figure;
use crate::drawing::lettering::{Anchor, text};
use crate::drawing::outline::{Colour, INK, Outline, at, pen};

const LEFT: f64 = 640.0;
const TOP: f64 = 170.0;
const WIDTH: f64 = 1100.0;
const HEIGHT: f64 = 730.0;
const THICKEST: f64 = 56.0;
const NAME_SIZE: f64 = 24.0;
/// Names are made smaller rather than run over the edge.
const NAME_WIDTH: f64 = LEFT - 50.0;
/// Colours of the parts of a bar, from left to right.
const PARTS: [Colour; 4] = [HUES[0], HUES[4], HUES[5], HUES[1]];

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What stands beside it.
    pub name: String,
    /// How long it is.
    pub length: f64,
    /// Where each of its parts ends, but the last, from left to right; none if it is of one piece.
    pub parts: Vec<f64>,
    /// Half the length of its error bar; zero draws none.
    pub error: f64,
    /// What a formula says, drawn as a mark across.
    pub expected: Option<f64>,
    /// Whether it does not count: drawn hollow.
    pub is_void: bool,
}

/// Bars over a common axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// The message in one line.
    pub title: String,
    /// How it came about.
    pub subtitle: String,
    /// Below the chart, small: provenance, caveats.
    pub note: String,
    /// The axis along the bars.
    pub axis: Axis,
    /// What the parts of the bars are, from left to right; none if they are of one piece.
    pub parts: Vec<String>,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

impl Bars {
    /// The chart as a page.
    pub fn compose(&self) -> Figure {
        let mut figure = page(&self.title, &self.subtitle, &self.note);
        let across = |value: f64| LEFT + WIDTH * self.axis.share(value).clamp(0.0, 1.0);
        for tick in self.axis.ticks() {
            let x = across(tick);
            let line = Outline::lines([at(x, TOP), at(x, TOP + HEIGHT)]);
            figure.stroke(line, pen(GRID, 1.5));
            let below = at(x, TOP + HEIGHT + 40.0);
            figure.write(text(&label(tick), 24.0, below).anchor(Anchor::Middle));
        }
        let below = at(LEFT + WIDTH / 2.0, TOP + HEIGHT + 88.0);
        figure.write(text(&self.axis.title, 26.0, below).anchor(Anchor::Middle));
        let pitch = HEIGHT / self.bars.len().max(1) as f64;
        let thick = (0.62 * pitch).min(THICKEST);
        for (i, bar) in self.bars.iter().enumerate() {
            let middle = TOP + (i as f64 + 0.5) * pitch;
            let place = at(LEFT - 20.0, middle + 8.0);
            let width = figure.width_of(&text(&bar.name, NAME_SIZE, place));
            let size = NAME_SIZE * (NAME_WIDTH / width.max(1.0)).min(1.0);
            figure.write(text(&bar.name, size, place).anchor(Anchor::End));
            if !bar.length.is_finite() {
                continue;
            }
            let end = across(bar.length);
            let mut from = LEFT;
            let ends = bar.parts.iter().map(|length| across(*length)).chain([end]);
            for (part, to) in ends.enumerate() {
                let to = to.clamp(from, end);
                let piece = Outline::rectangle(from, middle - thick / 2.0, to - from, thick);
                match bar.is_void {
                    false => figure.fill(piece, PARTS[part % PARTS.len()]),
                    true => figure.stroke(piece, pen(PARTS[part % PARTS.len()], 2.5)),
                }
                from = to;
            }
            let mut beyond = end;
            if let Some(expected) = bar.expected.filter(|value| value.is_finite()) {
                let x = across(expected);
                beyond = beyond.max(x);
                let mark = Outline::lines([
                    at(x, middle - thick / 2.0 - 6.0),
                    at(x, middle + thick / 2.0 + 6.0),
                ]);
                figure.stroke(mark, pen(HUES[1], 4.0));
            }
            if bar.error > 0.0 {
                let (low, high) = (
                    across(bar.length - bar.error),
                    across(bar.length + bar.error),
                );
                beyond = beyond.max(high);
                let span = Outline::lines([at(low, middle), at(high, middle)]);
                figure.stroke(span, pen(INK, 2.5));
            }
            figure.write(text(&short(bar.length), 22.0, at(beyond + 12.0, middle + 8.0)).bold());
        }
        let axis = Outline::lines([at(LEFT, TOP), at(LEFT, TOP + HEIGHT)]);
        figure.stroke(axis, pen(INK, 2.5));
        self.names_of_parts(&mut figure);
        figure
    }

    fn names_of_parts(&self, figure: &mut Figure) {
        let mut x = LEFT;
        let y = TOP - 20.0;
        for (part, name) in self.parts.iter().enumerate() {
            let patch = Outline::rectangle(x, y - 18.0, 20.0, 20.0);
            figure.fill(patch, PARTS[part % PARTS.len()]);
            x += 30.0;
            x += figure.write(text(name, 22.0, at(x, y))) + 36.0;
        }
    }
}

/// A value with three digits that count, as short as it can be written.
pub fn short(value: f64) -> String {
    label(rounded(value))
}

fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 2.0);
    (value / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::svg;

    #[test]
    fn every_bar_has_its_name_and_value() {
        let bar = |name: &str, length, expected| Bar {
            name: name.to_owned(),
            length,
            parts: vec![0.4 * length],
            error: 0.01,
            expected,
            is_void: false,
        };
        let bars = Bars {
            title: "What does the payload cost?".to_owned(),
            subtitle: String::new(),
            note: String::new(),
            axis: Axis::linear("utilisation", (0.0, 1.0)),
            parts: vec!["half of it".to_owned(), "the rest".to_owned()],
            bars: vec![
                bar("inline", 0.5123, Some(0.6)),
                bar("by reference", 2.0, None),
                bar("not run", f64::NAN, Some(f64::NAN)),
            ],
        };
        let svg = svg(&bars.compose()).unwrap();
        for words in [
            "inline",
            "by reference",
            "not run",
            "0.512",
            "half of it",
            "the rest",
        ] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("NaN"));
    }
}
