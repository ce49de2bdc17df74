//! The page as PNG.

use tiny_skia::{
    BlendMode, Color, FillRule, FilterQuality, LineCap, LineJoin, Mask, Paint, Path, PathBuilder,
    Pixmap, PixmapPaint, Shader, Stroke, StrokeDash, Transform,
};

use super::DrawingError;
use super::figure::{Figure, PAGE_HEIGHT, PAGE_WIDTH, Shape};
use super::outline::{Colour, Outline, Pen, Step};

/// The page as a PNG file.
///
/// # Errors
/// If the pixels find no room in memory or cannot be compressed.
pub fn render(figure: &Figure) -> Result<Vec<u8>, DrawingError> {
    let (width, height) = (PAGE_WIDTH as u32, PAGE_HEIGHT as u32);
    let mut page = Pixmap::new(width, height).ok_or(DrawingError::Page { width, height })?;
    page.fill(Color::WHITE);
    draw(&mut page, &figure.shapes, None)?;
    page.encode_png()
        .map_err(|error| DrawingError::Compress(Box::new(error)))
}

fn draw(page: &mut Pixmap, shapes: &[Shape], mask: Option<&Mask>) -> Result<(), DrawingError> {
    for shape in shapes {
        match shape {
            Shape::Drawn {
                outline,
                fill,
                stroke,
                ..
            } => {
                // An outline without a line in it shows nothing.
                let Some(path) = path(outline) else { continue };
                if let Some(colour) = fill {
                    let rule = FillRule::Winding;
                    page.fill_path(&path, &paint(*colour), rule, Transform::identity(), mask);
                }
                if let Some(pen) = stroke {
                    let stroke = nib(pen);
                    page.stroke_path(
                        &path,
                        &paint(pen.colour),
                        &stroke,
                        Transform::identity(),
                        mask,
                    );
                }
            }
            Shape::Picture(picture) => {
                let pixels = picture.pixmap()?;
                let (left, top) = (picture.left as i32, picture.top as i32);
                let how = PixmapPaint {
                    opacity: 1.0,
                    blend_mode: BlendMode::SourceOver,
                    quality: FilterQuality::Nearest,
                };
                page.draw_pixmap(
                    left,
                    top,
                    pixels.as_ref(),
                    &how,
                    Transform::identity(),
                    mask,
                );
            }
            Shape::Within(outline, inner) => {
                let (width, height) = (page.width(), page.height());
                let mut inside =
                    Mask::new(width, height).ok_or(DrawingError::Page { width, height })?;
                if let Some(path) = path(outline) {
                    inside.fill_path(&path, FillRule::Winding, true, Transform::identity());
                }
                draw(page, inner, Some(&inside))?;
            }
        }
    }
    Ok(())
}

fn path(outline: &Outline) -> Option<Path> {
    let mut path = PathBuilder::new();
    for step in &outline.0 {
        match *step {
            Step::Move(p) => path.move_to(p.x as f32, p.y as f32),
            Step::Line(p) => path.line_to(p.x as f32, p.y as f32),
            Step::Quadratic(a, p) => path.quad_to(a.x as f32, a.y as f32, p.x as f32, p.y as f32),
            Step::Cubic(a, b, p) => path.cubic_to(
                a.x as f32, a.y as f32, b.x as f32, b.y as f32, p.x as f32, p.y as f32,
            ),
            Step::Close => path.close(),
        }
    }
    path.finish()
}

fn paint(Colour([red, green, blue, opacity]): Colour) -> Paint<'static> {
    Paint {
        shader: Shader::SolidColor(Color::from_rgba8(red, green, blue, opacity)),
        anti_alias: true,
        ..Paint::default()
    }
}

fn nib(pen: &Pen) -> Stroke {
    Stroke {
        width: pen.width as f32,
        line_join: LineJoin::Round,
        line_cap: LineCap::Butt,
        dash: pen
            .dash
            .and_then(|(dash, gap)| StrokeDash::new(vec![dash as f32, gap as f32], 0.0)),
        ..Stroke::default()
    }
}
