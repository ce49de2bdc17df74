//! Writes frames, from the format's description and apart from the code that reads them.

use std::collections::BTreeSet;

/// One serialized frame object.
pub(crate) struct Blob {
    bytes: Vec<u8>,
    known: BTreeSet<&'static str>,
    objects: u32,
}

impl Blob {
    pub(crate) fn new(class: &str, version: u8) -> Self {
        let mut blob = Self {
            bytes: vec![0, 1, 2, 0],
            known: BTreeSet::new(),
            objects: 1,
        };
        blob.string(class);
        blob.bytes.extend([1, version, 0, 0, 0, 0]);
        blob.class("I3FrameObject", true, 0);
        blob
    }

    pub(crate) fn class(&mut self, name: &'static str, tracked: bool, version: u8) -> &mut Self {
        if self.known.insert(name) {
            self.bytes.extend([u8::from(tracked), version]);
        }
        if tracked {
            self.bytes.extend(self.objects.to_le_bytes());
            self.objects += 1;
        }
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn f64(&mut self, value: f64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn string(&mut self, text: &str) -> &mut Self {
        self.u32(text.len() as u32);
        self.raw(text.as_bytes())
    }

    pub(crate) fn om_key(&mut self, string: i32, om: u32) -> &mut Self {
        self.class("OMKey", true, 2)
            .raw(&string.to_le_bytes())
            .u32(om)
            .raw(&[0])
    }

    pub(crate) fn done(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// String, DOM and its pulses: time, charge, width, flags.
pub(crate) type Series<'a> = &'a [(i32, u32, &'a [(f64, f32, f32, u8)])];

pub(crate) fn pulse_map(series: Series<'_>) -> Vec<u8> {
    let mut blob = Blob::new("I3RecoPulseSeriesMap", 0);
    blob.class("map", false, 0).u32(series.len() as u32);
    for (string, om, pulses) in series {
        blob.class("pair", false, 0).om_key(*string, *om);
        blob.class("vector<I3RecoPulse>", false, 0)
            .u32(pulses.len() as u32);
        for (time, charge, width, flags) in *pulses {
            blob.class("I3RecoPulse", true, 3).f64(*time);
            blob.raw(&charge.to_le_bytes())
                .raw(&width.to_le_bytes())
                .raw(&[*flags]);
        }
    }
    blob.done()
}

/// Which DOMs of the source are kept, and of each kept one which pulses.
pub(crate) fn mask(source: &str, doms: &[bool], pulses: &[&[bool]]) -> Vec<u8> {
    let mut blob = Blob::new("I3RecoPulseSeriesMapMask", 2);
    blob.string(source);
    bits(&mut blob, doms);
    blob.class("vector<bitmask>", false, 0)
        .u32(pulses.len() as u32);
    for pulses in pulses {
        bits(&mut blob, pulses);
    }
    blob.done()
}

pub(crate) fn union(sources: &[&str]) -> Vec<u8> {
    let mut blob = Blob::new("I3RecoPulseSeriesMapUnion", 0);
    blob.class("vector<string>", false, 0)
        .u32(sources.len() as u32);
    for source in sources {
        blob.string(source);
    }
    blob.done()
}

fn bits(blob: &mut Blob, bits: &[bool]) {
    let mut bytes = vec![0_u8; bits.len().div_ceil(8)];
    for (index, _) in bits.iter().enumerate().filter(|(_, set)| **set) {
        bytes[index / 8] |= 1 << (index % 8);
    }
    blob.class("bitmask", false, 0)
        .raw(&(bytes.len() as u16).to_le_bytes());
    blob.raw(&[(8 * bytes.len() - bits.len()) as u8])
        .raw(&bytes);
}

pub(crate) fn super_dst(
    stamps: &[u16],
    headers: &[u16],
    widths: [&[u8]; 4],
    charges: &[u8],
) -> Vec<u8> {
    let mut blob = Blob::new("I3SuperDST", 1);
    let words = |words: &[u16]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<_>>()
    };
    compact(&mut blob, "stamps", stamps.len(), &words(stamps));
    compact(&mut blob, "headers", headers.len(), &words(headers));
    for widths in widths {
        compact(&mut blob, "bytes", widths.len(), widths);
    }
    compact(&mut blob, "bytes", charges.len(), charges);
    blob.done()
}

fn compact(blob: &mut Blob, class: &'static str, count: usize, bytes: &[u8]) {
    blob.class(class, false, 0).class("SizeCodec", false, 0);
    match count {
        0..247 => blob.raw(&[count as u8]),
        _ => blob.raw(&[255 - 4]).raw(&(count as u32).to_le_bytes()),
    };
    blob.raw(bytes);
}

pub(crate) fn header(run_id: u32, event_id: u32, stream: &str) -> Vec<u8> {
    let mut blob = Blob::new("I3EventHeader", 3);
    blob.u32(run_id)
        .u32(0)
        .u32(event_id)
        .u32(20)
        .u32(0)
        .string(stream);
    for second in [0, 1] {
        // 2 January 2016, 06:00 and a second later.
        let ticks = (86_400 + 21_600 + second) * 10_000_000_000_i64;
        blob.class("I3Time", true, 0)
            .class("I3FrameObject", true, 0);
        blob.u32(2016).raw(&ticks.to_le_bytes());
    }
    blob.done()
}

/// 2 January 2016, 06:00.
pub(crate) const MJD: f64 = 57_389.25;

pub(crate) fn particle(
    position: [f64; 3],
    zenith: f64,
    azimuth: f64,
    time: f64,
    fit: i32,
) -> Vec<u8> {
    let mut blob = Blob::new("I3Particle", 5);
    blob.u32(1)
        .raw(&[0; 8])
        .u32(0)
        .u32(40)
        .raw(&fit.to_le_bytes());
    blob.class("I3Position", true, 0)
        .class("I3FrameObject", true, 0);
    for x in position {
        blob.f64(x);
    }
    blob.class("I3Direction", true, 0)
        .class("I3FrameObject", true, 0)
        .f64(zenith)
        .f64(azimuth);
    blob.f64(time).f64(f64::NAN).f64(f64::NAN).f64(0.3).u32(0);
    blob.done()
}

pub(crate) fn position(position: [f64; 3]) -> Vec<u8> {
    let mut blob = Blob::new("I3Position", 0);
    for x in position {
        blob.f64(x);
    }
    blob.done()
}

pub(crate) fn double(value: f64) -> Vec<u8> {
    Blob::new("I3Double", 0).f64(value).done()
}

/// String, DOM and its windows: start and end.
pub(crate) type Windows<'a> = &'a [(i32, u32, &'a [(f64, f64)])];

pub(crate) fn windows(series: Windows<'_>) -> Vec<u8> {
    let mut blob = Blob::new("I3TimeWindowSeriesMap", 0);
    blob.class("map", false, 0).u32(series.len() as u32);
    for (string, om, windows) in series {
        blob.class("pair", false, 0).om_key(*string, *om);
        blob.class("I3TimeWindowSeries", true, 1)
            .class("I3FrameObject", true, 0);
        blob.class("list", false, 0).u32(windows.len() as u32);
        for (start, stop) in *windows {
            blob.class("I3TimeWindow", true, 1)
                .class("I3FrameObject", true, 0);
            blob.f64(*start).f64(*stop);
        }
    }
    blob.done()
}

pub(crate) type Slots<'a> = &'a [(&'a str, Vec<u8>)];

/// A frame of version 6.
pub(crate) fn frame(stop: char, slots: Slots<'_>) -> Vec<u8> {
    frame_of_version(6, stop, slots)
}

pub(crate) fn frame_of_version(version: u32, stop: char, slots: Slots<'_>) -> Vec<u8> {
    let mut body = vec![stop as u8];
    body.extend((slots.len() as u32).to_le_bytes());
    for (key, blob) in slots {
        for bytes in [key.as_bytes(), b"SomeType<int >", blob] {
            body.extend((bytes.len() as u32).to_le_bytes());
            body.extend(bytes);
        }
    }
    let checksum = match version {
        5 => crc_bits(&body, 0xffff, |crc, byte| {
            let crc = crc ^ u32::from(byte) << 8;
            (0..8).fold(crc, |crc, _| {
                (crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }) & 0xffff
            })
        }),
        _ => crc_bits(&body, 0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| {
                crc >> 1 ^ if crc & 1 == 0 { 0 } else { 0x82f6_3b78 }
            })
        }),
    };
    let mut frame = b"[i3]".to_vec();
    frame.extend(version.to_le_bytes());
    frame.extend([0, 0]);
    frame.extend(body);
    frame.extend(checksum.to_le_bytes());
    frame
}

fn crc_bits(bytes: &[u8], start: u32, step: impl Fn(u32, u8) -> u32) -> u32 {
    bytes.iter().fold(start, |crc, byte| step(crc, *byte))
}
