//! A chart: series of values over a common axis, with their names beside it.

mod axis;
mod bars;

pub use axis::{Axis, Spread};
pub use bars::short;
pub use bars::{Bar, Bars};

use super::figure::{Figure, PAGE_HEIGHT, PAGE_WIDTH, Shape, filled, stroked};
use super::lettering::{Anchor, text};
use super::outline::{Colour, INK, MUTED, Outline, PAPER, Pen, Point, at, pen};
use axis::label;

const LEFT: f64 = 170.0;
const TOP: f64 = 160.0;
const WIDTH: f64 = 1240.0;
const HEIGHT: f64 = 740.0;
/// Where the names of the series begin.
const COLUMN: f64 = LEFT + WIDTH + 50.0;
pub(crate) const GRID: Colour = Colour([226, 229, 234, 255]);

/// Colours that differ for colour-blind people too (Okabe and Ito 2008, without yellow).
pub(crate) const HUES: [Colour; 7] = [
    Colour([0, 114, 178, 255]),
    Colour([213, 94, 0, 255]),
    Colour([0, 158, 115, 255]),
    Colour([204, 121, 167, 255]),
    Colour([86, 180, 233, 255]),
    Colour([230, 159, 0, 255]),
    Colour([28, 32, 40, 255]),
];

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// Along the chart.
    pub x: f64,
    /// Up the chart.
    pub y: f64,
    /// Half the length of its error bar; zero draws none.
    pub error: f64,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Marks with error bars, joined: what was measured.
    Measured,
    /// A dashed line without marks: what a formula says.
    Expected,
    /// Hollow marks that nothing joins: values that do not count.
    Void,
}

/// Values that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What stands beside the chart.
    pub name: String,
    /// How it is drawn.
    pub line: Line,
    /// Number of its colour and mark: a measured series and its expectation share one.
    pub hue: usize,
    /// The values, in rising order of x.
    pub values: Vec<Value>,
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The message in one line.
    pub title: String,
    /// How it came about.
    pub subtitle: String,
    /// Below the chart, small: provenance, caveats.
    pub note: String,
    /// The axis along the chart.
    pub x: Axis,
    /// The axis up the chart.
    pub y: Axis,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
}

impl Chart {
    /// The chart as a page.
    pub fn compose(&self) -> Figure {
        let mut figure = page(&self.title, &self.subtitle, &self.note);
        self.axes(&mut figure);
        let mut inside = Vec::new();
        for series in &self.series {
            self.draw(series, &mut inside);
        }
        // Marks at the very edge show whole.
        let frame = Outline::rectangle(LEFT - 12.0, TOP - 12.0, WIDTH + 24.0, HEIGHT + 24.0);
        figure.shapes.push(Shape::Within(frame, inside));
        self.names(&mut figure);
        figure
    }

    fn place(&self, x: f64, y: f64) -> Point {
        at(
            LEFT + WIDTH * self.x.share(x),
            TOP + HEIGHT * (1.0 - self.y.share(y)),
        )
    }

    fn axes(&self, figure: &mut Figure) {
        let bottom = TOP + HEIGHT;
        let mut free_from = f64::NEG_INFINITY;
        for tick in self.x.ticks() {
            let x = LEFT + WIDTH * self.x.share(tick);
            figure.stroke(Outline::lines([at(x, TOP), at(x, bottom)]), pen(GRID, 1.5));
            let words = label(tick);
            let words = text(&words, 24.0, at(x, bottom + 40.0)).anchor(Anchor::Middle);
            let half = figure.width_of(&words) / 2.0;
            if x - half < free_from {
                continue;
            }
            free_from = x + half + 14.0;
            figure.write(words);
        }
        for tick in self.y.ticks() {
            let y = TOP + HEIGHT * (1.0 - self.y.share(tick));
            figure.stroke(
                Outline::lines([at(LEFT, y), at(LEFT + WIDTH, y)]),
                pen(GRID, 1.5),
            );
            let words = label(tick);
            figure.write(text(&words, 24.0, at(LEFT - 16.0, y + 8.0)).anchor(Anchor::End));
        }
        figure.stroke(
            Outline::lines([at(LEFT, TOP), at(LEFT, bottom), at(LEFT + WIDTH, bottom)]),
            pen(INK, 2.5),
        );
        let below = at(LEFT + WIDTH / 2.0, bottom + 88.0);
        figure.write(text(&self.x.title, 26.0, below).anchor(Anchor::Middle));
        let beside = at(52.0, TOP + HEIGHT / 2.0);
        figure.write(
            text(&self.y.title, 26.0, beside)
                .anchor(Anchor::Middle)
                .upwards(),
        );
    }

    fn draw(&self, series: &Series, inside: &mut Vec<Shape>) {
        let finite = |value: &&Value| value.x.is_finite() && value.y.is_finite();
        let values: Vec<&Value> = series.values.iter().filter(finite).collect();
        if series.line != Line::Void {
            let line = values.iter().map(|value| self.place(value.x, value.y));
            inside.push(stroked(Outline::lines(line), series.pen()));
        }
        if series.line == Line::Expected {
            return;
        }
        for value in values {
            if value.error > 0.0 {
                let (low, high) = (
                    self.place(value.x, value.y - value.error),
                    self.place(value.x, value.y + value.error),
                );
                let thin = pen(series.colour(), 2.0);
                inside.push(stroked(Outline::lines([low, high]), thin));
                for end in [low, high] {
                    let cap = Outline::lines([at(end.x - 7.0, end.y), at(end.x + 7.0, end.y)]);
                    inside.push(stroked(cap, thin));
                }
            }
            let mark = series.mark(self.place(value.x, value.y));
            let (inner, edge) = series.ink();
            inside.push(filled(mark.clone(), inner));
            inside.push(stroked(mark, edge));
        }
    }

    fn names(&self, figure: &mut Figure) {
        let mut y = TOP + 24.0;
        for series in &self.series {
            let (left, right) = (at(COLUMN, y - 8.0), at(COLUMN + 56.0, y - 8.0));
            if series.line != Line::Void {
                figure.stroke(Outline::lines([left, right]), series.pen());
            }
            if series.line != Line::Expected {
                let mark = series.mark(at(COLUMN + 28.0, y - 8.0));
                let (inner, edge) = series.ink();
                figure.fill(mark.clone(), inner);
                figure.stroke(mark, edge);
            }
            for words in wrapped(figure, &series.name, PAGE_WIDTH - COLUMN - 100.0) {
                figure.write(text(&words, NAME_SIZE, at(COLUMN + 72.0, y)));
                y += 30.0;
            }
            y += 14.0;
        }
    }
}

/// An empty page with its words above and below.
fn page(title: &str, subtitle: &str, note: &str) -> Figure {
    let mut figure = Figure::new();
    figure.fill(Outline::rectangle(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT), PAPER);
    let width = figure.width_of(&text(title, TITLE_SIZE, at(0.0, 0.0)).bold());
    let size = TITLE_SIZE * ((PAGE_WIDTH - 2.0 * MARGIN) / width.max(1.0)).min(1.0);
    figure.write(text(title, size, at(MARGIN, 70.0)).bold());
    figure.write(text(subtitle, 24.0, at(MARGIN, 112.0)).colour(MUTED));
    figure.write(text(note, 20.0, at(MARGIN, PAGE_HEIGHT - 28.0)).colour(MUTED));
    figure
}

const TITLE_SIZE: f64 = 38.0;
const MARGIN: f64 = 60.0;
const NAME_SIZE: f64 = 22.0;

/// The words in lines no wider than `width`, unless a single word is.
fn wrapped(figure: &Figure, words: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if figure.width_of(&text(&longer, NAME_SIZE, at(0.0, 0.0))) <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines
}

impl Series {
    fn colour(&self) -> Colour {
        HUES[self.hue % HUES.len()]
    }

    /// What a mark is filled with, and its edge.
    fn ink(&self) -> (Colour, Pen) {
        match self.line {
            Line::Void => (PAPER, pen(self.colour(), 2.5)),
            Line::Measured | Line::Expected => (self.colour(), pen(PAPER, 1.5)),
        }
    }

    fn pen(&self) -> Pen {
        Pen {
            colour: self.colour(),
            width: 3.5,
            dash: (self.line == Line::Expected).then_some((12.0, 8.0)),
        }
    }

    /// Marks differ in shape too, so that a print in grey can be read.
    fn mark(&self, middle: Point) -> Outline {
        let Point { x, y } = middle;
        match self.hue % 4 {
            0 => Outline::ellipse(middle, 9.0, 9.0),
            1 => Outline::rectangle(x - 8.0, y - 8.0, 16.0, 16.0),
            2 => Outline::polygon([
                at(x, y - 11.0),
                at(x + 10.0, y + 8.0),
                at(x - 10.0, y + 8.0),
            ]),
            _ => Outline::polygon([
                at(x, y - 12.0),
                at(x + 12.0, y),
                at(x, y + 12.0),
                at(x - 12.0, y),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::{png, svg};

    fn chart() -> Chart {
        let value = |x, y, error| Value { x, y, error };
        Chart {
            title: "A hub of 15 ms a task keeps 2,000 workers busy".to_owned(),
            subtitle: "service time 30 s, credit 1".to_owned(),
            note: "three repeats, 95 % intervals".to_owned(),
            x: Axis::logarithmic("workers", (500.0, 4000.0)),
            y: Axis::linear("utilisation", (0.0, 1.05)),
            series: vec![
                Series {
                    name: "closed form (mean value analysis)".to_owned(),
                    line: Line::Expected,
                    hue: 0,
                    values: vec![value(500.0, 0.997, 0.0), value(4000.0, 0.5, 0.0)],
                },
                Series {
                    name: "measured <over> ZeroMQ".to_owned(),
                    line: Line::Measured,
                    hue: 0,
                    values: vec![value(500.0, 0.99, 0.01), value(4000.0, f64::NAN, 0.0)],
                },
            ],
        }
    }

    #[test]
    fn every_name_stands_on_the_page_and_a_missing_value_harms_nothing() {
        let figure = chart().compose();
        let svg = svg(&figure).unwrap();
        for words in [
            "utilisation",
            "closed form",
            "measured &lt;over&gt;",
            "1,000",
        ] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("NaN"));
        assert!(png(&figure).unwrap().starts_with(b"\x89PNG"));
    }
}
