//! What a scan will take, before it is run: pixels, core hours, time and money on fleets.
//!
//! A [sample] of the event's pixels is fitted here; from it follow, with the plan of the scan, how many pixels
//! there will be and what one costs: the [work]. Each [fleet] is a scenario with that work, which is
//! replayed in virtual time. The [answer] has it all, as JSON, as [text] and as [charts].
//!
//! Decision: An estimate is a scan of a map that is partly guessed (`docs/decisions.md`).

pub mod answer;
pub mod charts;
pub mod fleet;
pub mod range;
pub mod sample;
pub mod text;
pub mod work;
