//! What people and programs are told while a scan runs, on stderr: a bar per round on a terminal, a
//! line now and then elsewhere, or JSON lines for programs.

mod bars;
mod json;
mod known;
mod layout;
mod lines;
mod pace;
mod words;

use std::path::PathBuf;

use clap::ValueEnum;

pub(super) use pace::Pace;
pub(super) use words::left;

use crate::actors::progress::Progress;
use crate::cli::stderr::{is_drawn_on, is_json};
use crate::sky::map::PixelFit;
use crate::sky::region::Region;
use crate::sky::{Equatorial, Nside};

/// How progress is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Telling {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// A JSON object per line, for programs (docs/progress.md).
    Json,
    /// Nothing but warnings.
    None,
}

/// What the complete waves say of the source, while the scan goes on.
#[derive(Clone, Debug)]
pub(super) struct Interim {
    /// The finest resolution so far.
    pub(super) nside: Nside,
    pub(super) best: (Equatorial, PixelFit),
    /// The smallest first.
    pub(super) regions: Vec<Region>,
    /// The largest region stands where it stood before the last wave.
    pub(super) is_stable: bool,
    /// Written for those who cannot wait.
    pub(super) files: Vec<PathBuf>,
}

/// Someone who is told.
pub(super) trait View: Send {
    /// The state has changed.
    fn update(&mut self, progress: &Progress);
    /// There is a new map.
    fn interim(&mut self, interim: &Interim);
    /// Nothing more comes.
    fn finish(&mut self);
}

impl Telling {
    /// Whoever is to be told.
    pub(super) fn view(self) -> Box<dyn View> {
        match self {
            Self::Auto if is_drawn_on() && !is_json() => Box::new(bars::Bars::new()),
            Self::Auto => Box::new(lines::Lines::new()),
            Self::Json => Box::new(json::JsonLines::new()),
            Self::None => Box::new(Nobody),
        }
    }
}

struct Nobody;

impl View for Nobody {
    fn update(&mut self, _: &Progress) {}
    fn interim(&mut self, _: &Interim) {}
    fn finish(&mut self) {}
}
