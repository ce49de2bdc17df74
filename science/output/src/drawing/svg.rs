//! The page as SVG. Its size is bounded by the picture of the map, which is embedded as PNG: the
//! pixels of a map would be a hundred thousand polygons.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::DrawingError;
use super::figure::{Figure, PAGE_HEIGHT, PAGE_WIDTH, Shape};
use super::markup::escaped;
use super::outline::{Colour, Outline, Pen, Point, Step};
use super::picture::Picture;

/// The page as an SVG file that needs no font and no other file.
///
/// # Errors
/// If the pixels find no room in memory or cannot be compressed.
pub fn render(figure: &Figure) -> Result<String, DrawingError> {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{PAGE_WIDTH}\" height=\"{PAGE_HEIGHT}\" \
         viewBox=\"0 0 {PAGE_WIDTH} {PAGE_HEIGHT}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let mut n_clips = 0;
    shapes(&mut svg, &figure.shapes, &mut n_clips)?;
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn shapes(svg: &mut String, list: &[Shape], n_clips: &mut usize) -> Result<(), DrawingError> {
    for shape in list {
        match shape {
            Shape::Drawn {
                outline,
                fill,
                stroke,
                words,
            } => {
                svg.push_str("<path");
                if let Some(words) = words {
                    add(
                        svg,
                        format_args!(" role=\"img\" aria-label=\"{}\"", escaped(words)),
                    );
                }
                match fill {
                    Some(colour) => paint(svg, "fill", *colour),
                    None => svg.push_str(" fill=\"none\""),
                }
                if let Some(pen) = stroke {
                    line(svg, pen);
                }
                svg.push_str(" d=\"");
                path(svg, outline);
                svg.push_str("\"/>\n");
            }
            Shape::Picture(picture) => image(svg, picture)?,
            Shape::Within(outline, inner) => {
                *n_clips += 1;
                let id = *n_clips;
                add(svg, format_args!("<clipPath id=\"clip{id}\"><path d=\""));
                path(svg, outline);
                add(
                    svg,
                    format_args!("\"/></clipPath>\n<g clip-path=\"url(#clip{id})\">\n"),
                );
                shapes(svg, inner, n_clips)?;
                svg.push_str("</g>\n");
            }
        }
    }
    Ok(())
}

fn add(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text)
        .expect("writing to a string cannot fail");
}

fn paint(svg: &mut String, what: &str, Colour([red, green, blue, opacity]): Colour) {
    add(
        svg,
        format_args!(" {what}=\"#{red:02x}{green:02x}{blue:02x}\""),
    );
    if opacity < 255 {
        let opacity = f64::from(opacity) / 255.0;
        add(svg, format_args!(" {what}-opacity=\"{opacity:.3}\""));
    }
}

fn line(svg: &mut String, pen: &Pen) {
    paint(svg, "stroke", pen.colour);
    add(
        svg,
        format_args!(
            " stroke-width=\"{:.2}\" stroke-linejoin=\"round\"",
            pen.width
        ),
    );
    if let Some((dash, gap)) = pen.dash {
        add(svg, format_args!(" stroke-dasharray=\"{dash} {gap}\""));
    }
}

fn path(svg: &mut String, outline: &Outline) {
    let mut point = |letter: &str, points: &[Point]| {
        svg.push_str(letter);
        for (i, p) in points.iter().enumerate() {
            let blank = if i > 0 { " " } else { "" };
            add(svg, format_args!("{blank}{:.2} {:.2}", p.x, p.y));
        }
    };
    for step in &outline.0 {
        match *step {
            Step::Move(p) => point("M", &[p]),
            Step::Line(p) => point("L", &[p]),
            Step::Quadratic(a, p) => point("Q", &[a, p]),
            Step::Cubic(a, b, p) => point("C", &[a, b, p]),
            Step::Close => point("Z", &[]),
        }
    }
}

fn image(svg: &mut String, picture: &Picture) -> Result<(), DrawingError> {
    add(
        svg,
        format_args!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
             href=\"data:image/png;base64,{}\"/>\n",
            picture.left,
            picture.top,
            picture.width,
            picture.height,
            STANDARD.encode(picture.png()?)
        ),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::lettering::text;
    use crate::drawing::outline::at;

    #[test]
    fn words_of_an_alert_cannot_become_markup() {
        let mut figure = Figure::new();
        figure.write(text("\"/><script>&", 20.0, at(0.0, 50.0)));
        let svg = render(&figure).unwrap();
        assert!(!svg.contains("<script"));
        assert!(svg.contains("aria-label=\"&quot;/&gt;&lt;script&gt;&amp;\""));
    }
}
