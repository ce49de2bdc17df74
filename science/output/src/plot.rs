//! Pictures of the likelihood map: the full sky and the neighbourhood of the best fit.
//!
//! Both are pages of [`crate::drawing`].

mod caption;
mod colour;
mod coloured;
pub(super) mod comparison;
mod full_sky;
mod graticule;
mod key;
mod line;
mod lookup;
mod projection;
mod systematics;
mod window;
mod zoom;

pub(super) use caption::{subtitle, title};

use super::{ScanRecord, Varied};
use crate::drawing::Figure;

/// The whole sky in equatorial Mollweide projection, right ascension growing to the left.
/// `None` if no pixel was fitted.
pub fn full_sky(scan: &ScanRecord<'_>) -> Option<Figure> {
    full_sky::compose(scan)
}

/// The surroundings of the best fit, sized to the largest region. `None` if no pixel was fitted.
pub fn zoom(scan: &ScanRecord<'_>) -> Option<Figure> {
    zoom::compose(scan)
}

/// What systematics do to best fit and region. `None` if no pixel was fitted.
pub(super) fn systematics(scan: &ScanRecord<'_>, varied: &Varied<'_>) -> Option<Figure> {
    systematics::compose(scan, varied)
}
