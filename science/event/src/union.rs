//! Unions of pulse series: the keys of several whose pulses are meant together.

use std::collections::BTreeMap;

use super::archive::{Archive, Class};
use super::pulse_map::{OmKey, PulseMap, StoredPulse};
use super::read_error::Cause;

/// Class name of a union.
pub(super) const UNION: &str = "I3RecoPulseSeriesMapUnion";

/// A length and no letter.
const SMALLEST_KEY_BYTES: usize = 4;

/// Reads an `I3RecoPulseSeriesMapUnion`: the keys of its series.
pub(super) fn decode(blob: &[u8]) -> Result<Vec<&str>, Cause> {
    let (mut archive, version) = Archive::open(blob, UNION)?;
    if version > 0 {
        return Err(Cause::ClassVersion {
            class: UNION,
            version,
        });
    }
    archive.frame_object()?;
    archive.enter(Class::KeyVector)?;
    let count = archive.count(SMALLEST_KEY_BYTES)?;
    let keys = (0..count)
        .map(|_| archive.string())
        .collect::<Result<_, _>>()?;
    archive.finish()?;
    Ok(keys)
}

/// The pulses of all series, each DOM's by time. A pulse that is in two of them is there twice, as
/// IceCube's software has it.
pub(super) fn merge(series: impl IntoIterator<Item = PulseMap>) -> PulseMap {
    let mut merged: BTreeMap<OmKey, Vec<StoredPulse>> = BTreeMap::new();
    for (key, pulses) in series.into_iter().flatten() {
        merged.entry(key).or_default().extend(pulses);
    }
    for pulses in merged.values_mut() {
        pulses.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
    }
    merged.into_iter().collect()
}
