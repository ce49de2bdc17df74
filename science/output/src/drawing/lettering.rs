//! Text as outlines of the bundled font (Inter, SIL Open Font License, see `font/LICENSE.txt`).

use ttf_parser::gpos::PositioningSubtable;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::outline::{Colour, INK, Outline, Point, Step, at};

const REGULAR: &[u8] = include_bytes!("font/Inter-Regular-subset.otf");
const BOLD: &[u8] = include_bytes!("font/Inter-SemiBold-subset.otf");

/// Which end of the text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text. Its place is on the baseline.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) words: &'a str,
    pub(crate) place: Point,
    /// Size of the letter M's square in page units.
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) anchor: Anchor,
    pub(crate) colour: Colour,
    /// Drawn around the letters so that they can be read on any ground.
    pub(crate) halo: Option<Colour>,
    /// Reads upwards instead of rightwards.
    pub(crate) upwards: bool,
}

/// Dark regular text that starts at `place`.
pub(crate) fn text(words: &str, size: f64, place: Point) -> Text<'_> {
    Text {
        words,
        place,
        size,
        bold: false,
        anchor: Anchor::Start,
        colour: INK,
        halo: None,
        upwards: false,
    }
}

impl Text<'_> {
    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    pub(crate) fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(crate) fn halo(self, colour: Colour) -> Self {
        Self {
            halo: Some(colour),
            ..self
        }
    }

    pub(crate) fn upwards(self) -> Self {
        Self {
            upwards: true,
            ..self
        }
    }
}

/// The two weights in use.
pub(crate) struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fonts")
    }
}

impl Fonts {
    pub(crate) fn bundled() -> Self {
        let face = |bytes| Face::parse(bytes, 0).expect("the bundled fonts parse: a test does it");
        Self {
            regular: face(REGULAR),
            bold: face(BOLD),
        }
    }

    /// The letters' outline and the width of the line. A letter that the font lacks becomes `?`.
    pub(crate) fn outline(&self, text: &Text<'_>) -> (Outline, f64) {
        let face = if text.bold { &self.bold } else { &self.regular };
        let scale = text.size / f64::from(face.units_per_em());
        let glyphs: Vec<GlyphId> = text
            .words
            .chars()
            .filter_map(|c| face.glyph_index(c).or_else(|| face.glyph_index('?')))
            .collect();
        let mut starts = Vec::with_capacity(glyphs.len());
        let mut width = 0.0;
        for (i, &glyph) in glyphs.iter().enumerate() {
            if i > 0 {
                width += scale * f64::from(kerning(face, glyphs[i - 1], glyph));
            }
            starts.push(width);
            width += scale * f64::from(face.glyph_hor_advance(glyph).unwrap_or(0));
        }
        let shift = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let mut writer = Writer {
            outline: Outline::default(),
            place: text.place,
            scale,
            start: 0.0,
            upwards: text.upwards,
        };
        for (&glyph, start) in glyphs.iter().zip(starts) {
            writer.start = start + shift;
            face.outline_glyph(glyph, &mut writer);
        }
        (writer.outline, width)
    }
}

/// Change of the distance between two letters, in font units.
fn kerning(face: &Face<'_>, left: GlyphId, right: GlyphId) -> i16 {
    let Some(positioning) = face.tables().gpos else {
        return 0;
    };
    for lookup in positioning.lookups {
        for subtable in lookup.subtables.into_iter::<PositioningSubtable<'_>>() {
            if let PositioningSubtable::Pair(pairs) = subtable
                && let Some(advance) = pair_advance(&pairs, left, right)
            {
                return advance;
            }
        }
    }
    0
}

fn pair_advance(
    pairs: &ttf_parser::gpos::PairAdjustment<'_>,
    left: GlyphId,
    right: GlyphId,
) -> Option<i16> {
    use ttf_parser::gpos::PairAdjustment;
    let covered = pairs.coverage().get(left)?;
    match pairs {
        PairAdjustment::Format1 { sets, .. } => Some(sets.get(covered)?.get(right)?.0.x_advance),
        PairAdjustment::Format2 {
            classes, matrix, ..
        } => Some(
            matrix
                .get((classes.0.get(left), classes.1.get(right)))?
                .0
                .x_advance,
        ),
    }
}

/// Carries a letter's outline from font units, y up, to the page.
struct Writer {
    outline: Outline,
    place: Point,
    scale: f64,
    start: f64,
    upwards: bool,
}

impl Writer {
    fn page(&self, x: f32, y: f32) -> Point {
        let along = self.start + self.scale * f64::from(x);
        let above = self.scale * f64::from(y);
        if self.upwards {
            at(self.place.x - above, self.place.y - along)
        } else {
            at(self.place.x + along, self.place.y - above)
        }
    }
}

impl OutlineBuilder for Writer {
    fn move_to(&mut self, x: f32, y: f32) {
        self.outline.0.push(Step::Move(self.page(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.outline.0.push(Step::Line(self.page(x, y)));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.outline
            .0
            .push(Step::Quadratic(self.page(x1, y1), self.page(x, y)));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (first, second) = (self.page(x1, y1), self.page(x2, y2));
        self.outline
            .0
            .push(Step::Cubic(first, second, self.page(x, y)));
    }

    fn close(&mut self) {
        self.outline.0.push(Step::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_sign_that_the_plots_use() {
        let fonts = Fonts::bundled();
        for c in "0123456789°±²·×−–Δ′″αδ+,.:()/ABCZabcz%".chars() {
            for face in [&fonts.regular, &fonts.bold] {
                assert!(face.glyph_index(c).is_some(), "{c}");
            }
        }
    }

    #[test]
    fn letters_that_do_not_fit_together_move_closer() {
        let fonts = Fonts::bundled();
        let width = |words| fonts.outline(&text(words, 100.0, at(0.0, 0.0))).1;
        assert!(width("AV") < width("A") + width("V") - 1.0);
        assert!(width("日") > 0.0, "a letter that is missing still shows");
    }
}
