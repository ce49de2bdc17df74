//! Pages of outlines, text and pictures, written as PNG or SVG.
//!
//! A figure is composed once and written in either form from the same shapes. Letters are outlines
//! of the font that ships with the program: a page looks the same on every machine. Pages are 1920
//! by 1080 units of one PNG pixel, y downwards.

pub mod chart;
pub(crate) mod figure;
pub(crate) mod lettering;
pub mod markup;
pub(crate) mod outline;
pub(crate) mod picture;
mod png;
mod svg;

pub use figure::Figure;
pub use png::render as png;
pub use svg::render as svg;

/// A figure could not be turned into a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawingError {
    /// The page cannot be held in memory.
    #[error("no room for a page of {width} by {height} pixels")]
    Page {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The pixels could not be compressed.
    #[error("failed to compress the picture")]
    Compress(#[source] Box<dyn std::error::Error + Send + Sync>),
}
