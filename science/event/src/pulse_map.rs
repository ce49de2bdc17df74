//! Pulse series as frames hold them: a map from DOM to pulses, and the names of DOMs.

use super::DomId;
use super::archive::{Archive, Class};
use super::limits::MAX_PULSES;
use super::read_error::Cause;

/// Class name of a pulse map.
pub(super) const PULSE_MAP: &str = "I3RecoPulseSeriesMap";

/// Bit in the flags of a pulse: hard local coincidence.
pub(super) const FLAG_LOCAL_COINCIDENCE: u8 = 1;
/// Bit in the flags of a pulse: seen by the fast digitizer.
pub(super) const FLAG_ATWD: u8 = 2;
/// Bit in the flags of a pulse: seen by the slow digitizer.
pub(super) const FLAG_FADC: u8 = 4;

/// DOMs with a higher number sit in tanks on the surface, above the strings that have tanks.
const LAST_IN_ICE_DOM: u32 = 60;
const LAST_STRING_WITH_TANKS: i32 = 86;
const SMALLEST_DOM_BYTES: usize = 13;
const SMALLEST_PULSE_BYTES: usize = 13;

/// A photomultiplier, in the order that pulse maps are sorted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OmKey {
    pub(super) string: i32,
    pub(super) om: u32,
    pub(super) pmt: u8,
}

impl OmKey {
    pub(super) fn read(archive: &mut Archive<'_>) -> Result<Self, Cause> {
        let version = archive.enter(Class::OmKey)?;
        if version > 2 {
            return Err(Cause::ClassVersion {
                class: "OMKey",
                version,
            });
        }
        if version < 2 {
            archive.frame_object()?;
        }
        let string = archive.i32()?;
        let om = archive.u32()?;
        let pmt = if version > 0 { archive.u8()? } else { 0 };
        Ok(Self { string, om, pmt })
    }

    /// The DOM, if it hangs in the ice.
    pub(super) fn in_ice(self) -> Option<DomId> {
        let last = match self.string > LAST_STRING_WITH_TANKS {
            true => u32::MAX,
            false => LAST_IN_ICE_DOM,
        };
        let in_ice = self.string > 0 && (1..=last).contains(&self.om);
        let (string, dom) = (
            u16::try_from(self.string).ok()?,
            u16::try_from(self.om).ok()?,
        );
        in_ice.then_some(DomId { string, dom })
    }
}

/// A pulse as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StoredPulse {
    pub(super) time_ns: f64,
    pub(super) charge_pe: f32,
    pub(super) width_ns: f32,
    pub(super) flags: u8,
}

/// Pulses by DOM. The order of both matters: masks count along it.
pub(super) type PulseMap = Vec<(OmKey, Vec<StoredPulse>)>;

/// Reads an `I3RecoPulseSeriesMap`.
pub(super) fn decode(blob: &[u8]) -> Result<PulseMap, Cause> {
    let (mut archive, version) = Archive::open(blob, PULSE_MAP)?;
    if version > 0 {
        return Err(Cause::ClassVersion {
            class: PULSE_MAP,
            version,
        });
    }
    archive.frame_object()?;
    archive.enter(Class::Map)?;
    let doms = archive.count(SMALLEST_DOM_BYTES)?;
    let mut map = PulseMap::with_capacity(doms);
    let mut total = 0;
    for _ in 0..doms {
        archive.enter(Class::Pair)?;
        let key = OmKey::read(&mut archive)?;
        if map.last().is_some_and(|(last, _)| *last >= key) {
            return Err(Cause::malformed(format!(
                "has DOM {}-{} out of order",
                key.string, key.om
            )));
        }
        archive.enter(Class::PulseSeries)?;
        let pulses = archive.count(SMALLEST_PULSE_BYTES)?;
        total += pulses;
        few_enough(total)?;
        let mut series = Vec::with_capacity(pulses);
        for _ in 0..pulses {
            series.push(pulse(&mut archive)?);
        }
        map.push((key, series));
    }
    archive.finish()?;
    Ok(map)
}

/// Refuses more pulses than any event has, before they take up memory.
pub(super) fn few_enough(pulses: usize) -> Result<(), Cause> {
    if pulses <= MAX_PULSES {
        return Ok(());
    }
    Err(Cause::TooLarge {
        what: "the series",
        size: pulses as u64,
        limit: MAX_PULSES as u64,
    })
}

fn pulse(archive: &mut Archive<'_>) -> Result<StoredPulse, Cause> {
    let version = archive.enter(Class::Pulse)?;
    let time_ns = match version {
        2 => archive.f32()?.into(),
        3 => archive.f64()?,
        _ => {
            return Err(Cause::ClassVersion {
                class: "I3RecoPulse",
                version,
            });
        }
    };
    Ok(StoredPulse {
        time_ns,
        charge_pe: archive.f32()?,
        width_ns: archive.f32()?,
        flags: archive.u8()?,
    })
}
