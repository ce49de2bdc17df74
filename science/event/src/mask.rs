//! Masks over pulse series: bits that say which pulses of another series are meant.

use super::archive::{Archive, Class};
use super::pulse_map::PulseMap;
use super::read_error::Cause;

/// Class name of a mask.
pub(super) const MASK: &str = "I3RecoPulseSeriesMapMask";

const SMALLEST_BITMASK_BYTES: usize = 3;

/// A mask and the name of the series it selects from.
#[derive(Debug)]
pub(super) struct Mask<'a> {
    /// Key of the series below.
    pub(super) source: &'a str,
    doms: Bits<'a>,
    pulses: Vec<Bits<'a>>,
}

/// Reads an `I3RecoPulseSeriesMapMask`.
pub(super) fn decode(blob: &[u8]) -> Result<Mask<'_>, Cause> {
    let (mut archive, version) = Archive::open(blob, MASK)?;
    archive.frame_object()?;
    let source = archive.string()?;
    match version {
        1 => {
            let _time_reference = archive.f64()?;
        }
        2 => {}
        _ => {
            return Err(Cause::ClassVersion {
                class: MASK,
                version,
            });
        }
    }
    let doms = Bits::read(&mut archive)?;
    archive.enter(Class::BitmaskVector)?;
    let count = archive.count(SMALLEST_BITMASK_BYTES)?;
    if count > doms.len {
        return Err(Cause::malformed(format!(
            "has {count} masks for {} DOMs",
            doms.len
        )));
    }
    let mut pulses = Vec::with_capacity(count);
    for _ in 0..count {
        pulses.push(Bits::read(&mut archive)?);
    }
    archive.finish()?;
    Ok(Mask {
        source,
        doms,
        pulses,
    })
}

impl Mask<'_> {
    /// Keeps the pulses that the mask names. Every count must agree: a mask that was made for
    /// another series would pick the wrong pulses.
    pub(super) fn apply(&self, map: PulseMap) -> Result<PulseMap, Cause> {
        disagree_unless(self.doms.len == map.len(), "DOMs", self.doms.len, map.len())?;
        let mut masks = self.pulses.iter();
        let mut kept = PulseMap::new();
        for (index, (key, series)) in map.into_iter().enumerate() {
            if !self.doms.is_set(index) {
                continue;
            }
            let mask = masks
                .next()
                .ok_or_else(|| Cause::malformed("has fewer masks than DOMs it selects"))?;
            disagree_unless(
                mask.len == series.len(),
                "pulses of a DOM",
                mask.len,
                series.len(),
            )?;
            let chosen = series.into_iter().enumerate();
            let chosen: Vec<_> = chosen
                .filter(|(index, _)| mask.is_set(*index))
                .map(|(_, pulse)| pulse)
                .collect();
            if !chosen.is_empty() {
                kept.push((key, chosen));
            }
        }
        match masks.len() {
            0 => Ok(kept),
            _ => Err(Cause::malformed("has more masks than DOMs it selects")),
        }
    }
}

fn disagree_unless(agree: bool, what: &str, mask: usize, series: usize) -> Result<(), Cause> {
    match agree {
        true => Ok(()),
        false => Err(Cause::malformed(format!(
            "masks {mask} {what}, but the series it is made for has {series}"
        ))),
    }
}

#[derive(Debug)]
struct Bits<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> Bits<'a> {
    fn read(archive: &mut Archive<'a>) -> Result<Self, Cause> {
        archive.enter(Class::Bitmask)?;
        let size = usize::from(archive.u16()?);
        let padding = usize::from(archive.u8()?);
        let bytes = archive.bytes(size)?;
        let len = (8 * size)
            .checked_sub(padding)
            .filter(|_| padding < 8)
            .ok_or_else(|| Cause::malformed(format!("pads {size} bytes by {padding} bits")))?;
        Ok(Self { bytes, len })
    }

    fn is_set(&self, index: usize) -> bool {
        self.bytes
            .get(index / 8)
            .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }
}
