//! SuperDST: the compact form in which every event's pulses leave the South Pole.
//!
//! Times are whole nanoseconds, counted from the pulse before; charges steps of a twentieth of a
//! photoelectron; widths powers of two, run-length coded apart. Values too large for their bits
//! spill into the words that follow.

use std::collections::BTreeMap;

use super::archive::{Archive, Class};
use super::pulse_map::{
    FLAG_ATWD, FLAG_FADC, FLAG_LOCAL_COINCIDENCE, OmKey, PulseMap, StoredPulse, few_enough,
};
use super::read_error::Cause;

/// Class name of a SuperDST record.
pub(super) const SUPER_DST: &str = "I3SuperDST";

/// Times are counted from here on.
const FIRST_TIME_NS: f64 = -512.0;
const LAST_IN_ICE_OM: u32 = 60;
const FULL_FIRST_TIME: u64 = 0x7ff;
const FULL_TIME: u64 = 0xff;
const FULL_CHARGE: u64 = 0x3f;
/// Size tags from here on say how many bytes the size itself takes.
const FIRST_WIDE_SIZE: u8 = 247;

/// Reads an `I3SuperDST` into the series that masks over it were made for.
pub(super) fn decode(blob: &[u8]) -> Result<PulseMap, Cause> {
    let (mut archive, version) = Archive::open(blob, SUPER_DST)?;
    if version != 1 {
        return Err(Cause::ClassVersion {
            class: SUPER_DST,
            version,
        });
    }
    archive.frame_object()?;
    let stamps = words(compact_vector(&mut archive, Class::StampVector, 2)?);
    let headers = words(compact_vector(&mut archive, Class::HeaderVector, 2)?);
    // Every pulse takes at least one stamp.
    few_enough(stamps.len())?;
    let mut widths = Vec::with_capacity(4);
    for _ in 0..4 {
        let codes = compact_vector(&mut archive, Class::ByteVector, 1)?;
        widths.push(run_lengths(codes, stamps.len())?.into_iter());
    }
    let surface_charges = compact_vector(&mut archive, Class::ByteVector, 1)?;
    archive.finish()?;

    let mut unpacker = Unpacker {
        stamps: stamps.into_iter(),
        widths,
        surface_charges: surface_charges.iter(),
    };
    let mut series: BTreeMap<OmKey, Vec<StoredPulse>> = BTreeMap::new();
    let mut reference_ns = FIRST_TIME_NS;
    for header in headers {
        let dom = header & 0x1fff;
        let key = OmKey {
            string: i32::from(dom >> 6),
            om: u32::from(dom & 0x3f) + 1,
            pmt: 0,
        };
        let target = series.entry(key).or_default();
        reference_ns = unpacker.readout(key, u64::from(header >> 13), reference_ns, target)?;
    }
    unpacker.finish()?;
    Ok(series
        .into_iter()
        .map(|(key, mut pulses)| {
            pulses.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
            separate(&mut pulses);
            (key, pulses)
        })
        .collect())
}

fn compact_vector<'a>(
    archive: &mut Archive<'a>,
    class: Class,
    size: usize,
) -> Result<&'a [u8], Cause> {
    archive.enter(class)?;
    archive.enter(Class::SizeCodec)?;
    let tag = archive.u8()?;
    let count = if tag < FIRST_WIDE_SIZE {
        u64::from(tag)
    } else {
        let mut wide = [0; 8];
        let bytes = archive.bytes(usize::from(u8::MAX - tag))?;
        wide[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(wide)
    };
    let count = archive.fits(count, size)?;
    archive.bytes(count * size)
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// Neighbouring codes with the same low half form one run, whose length is spread over their high
/// halves. There is at most one width for each stamp.
fn run_lengths(codes: &[u8], most: usize) -> Result<Vec<u8>, Cause> {
    let mut values = Vec::new();
    for run in codes.chunk_by(|a, b| a & 0xf == b & 0xf) {
        let mut length = 0_usize;
        for (index, code) in run.iter().enumerate() {
            let part = usize::from(code >> 4);
            let shifted = part.checked_shl(4 * index as u32).filter(|_| index < 8);
            length += match (part, shifted) {
                (0, _) => 0,
                (_, Some(shifted)) => shifted,
                (_, None) => usize::MAX / 2,
            };
            if length > most - values.len().min(most) {
                return Err(Cause::malformed("has more pulse widths than pulses"));
            }
        }
        values.extend(std::iter::repeat_n(run[0] & 0xf, length));
    }
    Ok(values)
}

struct Unpacker<'a> {
    stamps: std::vec::IntoIter<u16>,
    /// In-ice soft, in-ice hard, surface soft, surface hard coincidence.
    widths: Vec<std::vec::IntoIter<u8>>,
    surface_charges: std::slice::Iter<'a, u8>,
}

impl Unpacker<'_> {
    /// Unpacks what one DOM read out at once and returns the time of its first pulse, which the
    /// next readout counts from.
    fn readout(
        &mut self,
        key: OmKey,
        high_time: u64,
        reference_ns: f64,
        target: &mut Vec<StoredPulse>,
    ) -> Result<f64, Cause> {
        let surface = key.om > LAST_IN_ICE_OM;
        let first = self.stamp()?;
        let hard = first >> 14 & 1 == 1;
        let mut stop = first >> 15 == 1;
        let time = self.spilled(u64::from(first & 0xff) | high_time << 8, FULL_FIRST_TIME)?;
        let first_ns = reference_ns + time as f64;
        let charge_pe = self.charge(first, surface)?;
        target.push(self.pulse(first_ns, charge_pe, surface, hard)?);

        let mut time_ns = first_ns;
        while !stop {
            let stamp = self.stamp()?;
            if surface || (stamp >> 14 & 1 == 1) != hard {
                return Err(Cause::malformed("mixes kinds of pulses in one readout"));
            }
            stop = stamp >> 15 == 1;
            time_ns += self.spilled(u64::from(stamp & 0xff), FULL_TIME)? as f64;
            let charge_pe = self.charge(stamp, surface)?;
            target.push(self.pulse(time_ns, charge_pe, surface, hard)?);
        }
        Ok(first_ns)
    }

    fn stamp(&mut self) -> Result<u16, Cause> {
        self.stamps.next().ok_or(Cause::Truncated("the pulses"))
    }

    /// A full code is continued in the words that follow, up to the first that is not full.
    fn spilled(&mut self, code: u64, full: u64) -> Result<u64, Cause> {
        let mut sum = code;
        if code == full {
            loop {
                let word = self.stamp()?;
                sum += u64::from(word);
                if word != u16::MAX {
                    break;
                }
            }
        }
        Ok(sum)
    }

    fn charge(&mut self, stamp: u16, surface: bool) -> Result<f32, Cause> {
        let code = u64::from(stamp >> 8 & 0x3f);
        if surface {
            let high = self
                .surface_charges
                .next()
                .ok_or(Cause::Truncated("the surface charges"))?;
            let code = code | u64::from(*high) << 6;
            let exponent = code as f64 * 9.0 / 16_383.0 - 2.0;
            return Ok(libm::pow(10.0, exponent) as f32);
        }
        let code = self.spilled(code, FULL_CHARGE)?;
        Ok((0.05 * code as f64 + 0.025) as f32)
    }

    fn pulse(
        &mut self,
        time_ns: f64,
        charge_pe: f32,
        surface: bool,
        hard: bool,
    ) -> Result<StoredPulse, Cause> {
        let kind = 2 * usize::from(surface) + usize::from(hard);
        let code = self.widths[kind]
            .next()
            .ok_or(Cause::Truncated("the pulse widths"))?;
        let flags = match hard {
            true => FLAG_LOCAL_COINCIDENCE | FLAG_ATWD | FLAG_FADC,
            false => FLAG_FADC,
        };
        Ok(StoredPulse {
            time_ns,
            charge_pe,
            width_ns: (1_u32 << code) as f32,
            flags,
        })
    }

    /// Everything must have been used up: what is left over was meant for some pulse.
    fn finish(self) -> Result<(), Cause> {
        let left = self.stamps.len()
            + self
                .widths
                .iter()
                .map(ExactSizeIterator::len)
                .sum::<usize>()
            + self.surface_charges.len();
        match left {
            0 => Ok(()),
            _ => Err(Cause::malformed(
                "has more pulse words than its readouts use",
            )),
        }
    }
}

/// Cuts each width where the next pulse begins. Pulses that fell into the same nanosecond share the
/// width of the one before, and the later of them moves to its own half.
fn separate(pulses: &mut [StoredPulse]) {
    let mut first_is_squeezed = false;
    for index in 0..pulses.len().saturating_sub(1) {
        let gap_ns = (pulses[index + 1].time_ns - pulses[index].time_ns) as f32;
        let current = &mut pulses[index];
        current.width_ns = current.width_ns.min(gap_ns);
        if current.width_ns != 0.0 && !first_is_squeezed {
            continue;
        }
        first_is_squeezed = index == 0;
        if index > 0 {
            share(pulses, index);
        }
    }
    if first_is_squeezed && pulses.len() > 1 {
        share(pulses, pulses.len() - 1);
    }
}

fn share(pulses: &mut [StoredPulse], index: usize) {
    let (before, current) = (pulses[index - 1], &mut pulses[index]);
    let whole_ns = if before.width_ns == 0.0 {
        current.width_ns
    } else {
        before.width_ns
    };
    let half_ns = whole_ns / 2.0;
    current.width_ns = half_ns;
    current.time_ns = before.time_ns + f64::from(half_ns);
    pulses[index - 1].width_ns = half_ns;
}
