//! What happened in a life, line by line, for the checker: when, who, what.
//!
//! Words are separated by spaces, and a word `name=value` names what it is; the checker's README lists
//! the lines. Only what crosses the border of a simulated process is told, so nothing is told of what its
//! actors think.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use skyscan::event::DetectorDirection;
use skyscan::sky::Pixel;
use skyscan::sky::map::PixelOutcome;
use tokio::time::Instant;

/// What happened so far.
#[derive(Debug)]
pub(crate) struct History {
    begun: Instant,
    text: Mutex<String>,
    /// Tasks name directions; people name pixels.
    pixels: Mutex<BTreeMap<[u64; 2], Pixel>>,
    /// The last moment at which something crossed a border, and how much did.
    crossings: Mutex<(Instant, u64)>,
}

/// More than this crosses no border at one moment: whoever does that goes round in a circle.
const MOST_AT_ONCE: u64 = 200_000;

impl History {
    /// Nothing happened yet, and the clock stands at zero.
    pub(crate) fn begin() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            text: Mutex::default(),
            pixels: Mutex::default(),
            crossings: Mutex::new((Instant::now(), 0)),
        })
    }

    /// Something crosses the border of a process.
    pub(crate) fn crossed(&self, who: &str) {
        let now = Instant::now();
        let mut crossings = self.crossings.lock();
        if crossings.0 != now {
            *crossings = (now, 0);
        }
        crossings.1 += 1;
        let is_circle = crossings.1 > MOST_AT_ONCE;
        drop(crossings);
        assert!(!is_circle, "{who} goes round in a circle");
    }

    /// Adds a line.
    pub(crate) fn note(&self, who: &str, what: fmt::Arguments<'_>) {
        let micros = self.begun.elapsed().as_micros();
        let mut text = self.text.lock();
        // Text takes whatever is written to it.
        let _ = writeln!(
            text,
            "{}.{:06} {who} {what}",
            micros / 1_000_000,
            micros % 1_000_000
        );
    }

    /// All lines.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.text.lock())
    }

    /// Tells which pixel a direction stands for.
    pub(crate) fn name(&self, direction: DetectorDirection, pixel: Pixel) {
        self.pixels.lock().insert(bits(direction), pixel);
    }

    /// The pixel that a direction stands for, if anybody asked for it.
    pub(crate) fn pixel(&self, direction: DetectorDirection) -> Option<Pixel> {
        self.pixels.lock().get(&bits(direction)).copied()
    }
}

fn bits(direction: DetectorDirection) -> [u64; 2] {
    [
        direction.zenith_rad.to_bits(),
        direction.azimuth_rad.to_bits(),
    ]
}

/// A list of words, joined by commas; `-` if there are none.
pub(crate) fn listed(words: impl Iterator<Item = impl fmt::Display>) -> String {
    let mut list = String::new();
    for word in words {
        let comma = if list.is_empty() { "" } else { "," };
        let _ = write!(list, "{comma}{word}");
    }
    if list.is_empty() {
        list.push('-');
    }
    list
}

/// A pixel as a word.
pub(crate) fn pixel_word(pixel: Pixel) -> String {
    format!("{}/{}", u32::from(pixel.nside), pixel.index)
}

/// An outcome as a word: the bits of a fit, mixed to sixteen digits, or `bad`.
pub(crate) fn outcome_word(outcome: &PixelOutcome) -> String {
    let PixelOutcome::Fitted(fit) = outcome else {
        return "bad".to_owned();
    };
    if !fit.llh.is_finite() {
        return "bad".to_owned();
    }
    let [x, y, z] = fit.position_m;
    let mut mixed = 0;
    for number in [fit.llh, x, y, z, fit.time_ns] {
        mixed = mix(mixed ^ number.to_bits());
    }
    format!("{mixed:016x}")
}

/// Spreads the bits of a number over all of it (the last step of SplitMix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
