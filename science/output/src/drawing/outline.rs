//! What can be drawn: places, colours, outlines and pens.

/// A place on the page: x to the right, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

pub(crate) fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

/// Red, green, blue and opacity, each 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 4]);

impl Colour {
    /// Whether pale letters read better on it than dark ones.
    pub(crate) fn is_dark(self) -> bool {
        let Self([red, green, blue, _]) = self;
        // Weights of ITU-R BT.601, without its gamma: good enough for a choice of two.
        299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) < 135_000
    }
}

pub(crate) const PAPER: Colour = Colour([255, 255, 255, 255]);
pub(crate) const INK: Colour = Colour([28, 32, 40, 255]);
pub(crate) const MUTED: Colour = Colour([92, 100, 112, 255]);

/// One step of an outline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Move(Point),
    Line(Point),
    Quadratic(Point, Point),
    Cubic(Point, Point, Point),
    Close,
}

/// Lines and curves, to be filled or stroked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline(pub(crate) Vec<Step>);

impl Outline {
    pub(crate) fn lines(points: impl IntoIterator<Item = Point>) -> Self {
        let steps = points.into_iter().enumerate();
        Self(
            steps
                .map(|(i, p)| if i == 0 { Step::Move(p) } else { Step::Line(p) })
                .collect(),
        )
    }

    pub(crate) fn polygon(points: impl IntoIterator<Item = Point>) -> Self {
        let mut outline = Self::lines(points);
        outline.0.push(Step::Close);
        outline
    }

    pub(crate) fn rectangle(left: f64, top: f64, width: f64, height: f64) -> Self {
        let (right, bottom) = (left + width, top + height);
        Self::polygon([
            at(left, top),
            at(right, top),
            at(right, bottom),
            at(left, bottom),
        ])
    }

    pub(crate) fn ellipse(centre: Point, half_width: f64, half_height: f64) -> Self {
        Self::polygon((0..360).map(|degree| {
            let (sin, cos) = f64::from(degree).to_radians().sin_cos();
            at(centre.x + half_width * cos, centre.y + half_height * sin)
        }))
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    /// Lengths of dash and gap.
    pub(crate) dash: Option<(f64, f64)>,
}

pub(crate) fn pen(colour: Colour, width: f64) -> Pen {
    Pen {
        colour,
        width,
        dash: None,
    }
}
