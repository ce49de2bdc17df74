//! What a page is made of.

use super::lettering::{Fonts, Text};
use super::outline::{Colour, Outline, Pen, pen};
use super::picture::Picture;

/// Width of every page.
pub(crate) const PAGE_WIDTH: f64 = 1920.0;
/// Height of every page.
pub(crate) const PAGE_HEIGHT: f64 = 1080.0;

/// One thing on the page.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// An outline, filled, then stroked.
    Drawn {
        outline: Outline,
        fill: Option<Colour>,
        stroke: Option<Pen>,
        /// The words that it shows, for those who cannot see it.
        words: Option<String>,
    },
    /// Coloured pixels.
    Picture(Picture),
    /// Shapes of which only what lies within an outline shows.
    Within(Outline, Vec<Shape>),
}

/// A composed page.
#[derive(Debug)]
pub struct Figure {
    pub(crate) shapes: Vec<Shape>,
    fonts: Fonts,
}

impl Figure {
    pub(crate) fn new() -> Self {
        Self {
            shapes: Vec::new(),
            fonts: Fonts::bundled(),
        }
    }

    pub(crate) fn fill(&mut self, outline: Outline, colour: Colour) {
        self.shapes.push(filled(outline, colour));
    }

    pub(crate) fn stroke(&mut self, outline: Outline, pen: Pen) {
        self.shapes.push(stroked(outline, pen));
    }

    /// Writes a line of text and returns its width.
    pub(crate) fn write(&mut self, text: Text<'_>) -> f64 {
        let (outline, width) = self.fonts.outline(&text);
        if let Some(halo) = text.halo {
            self.stroke(outline.clone(), pen(halo, text.size * 0.22));
        }
        self.shapes.push(Shape::Drawn {
            outline,
            fill: Some(text.colour),
            stroke: None,
            words: Some(text.words.to_owned()),
        });
        width
    }

    /// Width of a line of text.
    pub(crate) fn width_of(&self, text: &Text<'_>) -> f64 {
        self.fonts.outline(text).1
    }
}

pub(crate) fn filled(outline: Outline, colour: Colour) -> Shape {
    Shape::Drawn {
        outline,
        fill: Some(colour),
        stroke: None,
        words: None,
    }
}

pub(crate) fn stroked(outline: Outline, pen: Pen) -> Shape {
    Shape::Drawn {
        outline,
        fill: None,
        stroke: Some(pen),
        words: None,
    }
}
