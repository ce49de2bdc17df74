//! Coloured pixels of the page, each the mean of the colours at its four corners, so that the
//! edges of HEALPix pixels are smooth without a second look-up for most of the page.

use tiny_skia::{IntSize, Pixmap};

use super::DrawingError;
use super::outline::{Colour, Point, at};

/// A rectangle of opaque pixels on the page.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Red, green, blue, opacity; opacity is 0 or 255.
    rgba: Vec<u8>,
}

impl Picture {
    /// Asks for the colour at every corner of every pixel of the rectangle; what has no colour
    /// stays clear. Rows are shared out over the cores: the colours do not depend on it.
    pub(crate) fn paint(
        (left, top): (u32, u32),
        (width, height): (u32, u32),
        colour: impl Fn(Point) -> Option<Colour> + Sync,
    ) -> Self {
        let corners_in_row = width as usize + 1;
        let mut corners = vec![None; corners_in_row * (height as usize + 1)];
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let rows_each = (height as usize + 1).div_ceil(cores);
        std::thread::scope(|scope| {
            for (band, rows) in corners.chunks_mut(rows_each * corners_in_row).enumerate() {
                let colour = &colour;
                scope.spawn(move || {
                    for (row, corners) in rows.chunks_mut(corners_in_row).enumerate() {
                        let y = f64::from(top) + (band * rows_each + row) as f64;
                        for (column, corner) in corners.iter_mut().enumerate() {
                            *corner = colour(at(f64::from(left) + column as f64, y));
                        }
                    }
                });
            }
        });
        let mut rgba = Vec::with_capacity(4 * width as usize * height as usize);
        for rows in corners.windows(2 * corners_in_row).step_by(corners_in_row) {
            let (upper, lower) = rows.split_at(corners_in_row);
            for (above, below) in upper.windows(2).zip(lower.windows(2)) {
                rgba.extend(mean([above[0], above[1], below[0], below[1]]));
            }
        }
        Self {
            left,
            top,
            width,
            height,
            rgba,
        }
    }

    /// The pixels as the drawing crate holds them.
    pub(crate) fn pixmap(&self) -> Result<Pixmap, DrawingError> {
        // Opacity is all or nothing, so that there is no difference to premultiplied colours.
        IntSize::from_wh(self.width, self.height)
            .and_then(|size| Pixmap::from_vec(self.rgba.clone(), size))
            .ok_or(DrawingError::Page {
                width: self.width,
                height: self.height,
            })
    }

    /// The pixels as a PNG file.
    pub(crate) fn png(&self) -> Result<Vec<u8>, DrawingError> {
        self.pixmap()?
            .encode_png()
            .map_err(|error| DrawingError::Compress(Box::new(error)))
    }
}

fn mean(corners: [Option<Colour>; 4]) -> [u8; 4] {
    if corners[1..].iter().all(|corner| *corner == corners[0]) {
        return corners[0].map_or([0; 4], |Colour(rgba)| rgba);
    }
    let mut sum = [0_u32; 3];
    let mut n = 0;
    for Colour(rgba) in corners.into_iter().flatten() {
        n += 1;
        for (sum, part) in sum.iter_mut().zip(rgba) {
            *sum += u32::from(part);
        }
    }
    let [red, green, blue] = sum.map(|sum| ((sum + n / 2) / n) as u8);
    [red, green, blue, 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_between_two_colours_is_their_mean() {
        let black = Colour([0, 0, 0, 255]);
        let white = Colour([255, 255, 255, 255]);
        let picture = Picture::paint((10, 20), (3, 2), |p| {
            (p.x < 13.0).then_some(if p.x < 11.5 { black } else { white })
        });
        let row = [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255];
        assert_eq!(picture.rgba, [row, row].concat());
    }
}
