//! Which pulse series an event is read from, and the pulses in it.

use super::Pulse;
use super::archive::class_name;
use super::frame::Frame;
use super::limits::{MAX_MASK_CHAIN, MAX_TIME_NS};
use super::mask::{self, MASK, Mask};
use super::pulse_map::{self, FLAG_LOCAL_COINCIDENCE, PULSE_MAP, PulseMap};
use super::read_error::{Cause, Fault};
use super::superdst::{self, SUPER_DST};

/// The series to read by the version of the alert; packets of 2016 name none.
const SERIES_BY_VERSION: [(&str, &str); 4] = [
    ("", "SplitUncleanedInIcePulses"),
    ("2021a", "SplitUncleanedInIcePulses"),
    ("2023a", "SplitInIcePulses"),
    ("2024a", "SplitInIcePulses"),
];

/// The series to look for where no version tells, best first: those of one physics event, then
/// those of the whole readout that it was split from.
const KNOWN_SERIES: [&str; 6] = [
    "SplitUncleanedInIcePulses",
    "SplitInIcePulses",
    "InIcePulses",
    "UncleanedInIcePulses",
    "OfflinePulses",
    "InIceDSTPulses",
];

/// How well a physics frame suits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// No series is there that could be read.
    None,
    /// The series is that of the whole readout.
    Readout,
    /// The physics frame has a series of its own.
    Own,
}

/// Where a physics frame's objects are looked up: in itself, then in its readout.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) physics: &'a Frame,
    pub(super) readout: Option<&'a Frame>,
}

impl<'a> Scope<'a> {
    /// A serialized object and the frame it is in.
    pub(super) fn get(self, key: &str) -> Option<(&'a Frame, &'a [u8])> {
        let frames = [Some(self.physics), self.readout];
        frames
            .into_iter()
            .flatten()
            .find_map(|frame| Some((frame, frame.get(key)?)))
    }

    fn series_names(self) -> Vec<String> {
        let frames = [Some(self.physics), self.readout];
        let objects = frames.into_iter().flatten().flat_map(Frame::objects);
        let mut names: Vec<String> = objects
            .filter(|(_, blob)| is_series(blob))
            .map(|(key, _)| key.to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

fn is_series(blob: &[u8]) -> bool {
    matches!(class_name(blob), Some(PULSE_MAP | MASK | SUPER_DST))
}

/// Picks the series: the one asked for, else by the alert's version, else the first known one.
pub(super) fn choose(
    scope: Scope<'_>,
    asked: Option<&str>,
    version: Option<&str>,
) -> Result<(String, Fit), Cause> {
    let fit = |key: &str| match scope.get(key) {
        Some((frame, blob)) if is_series(blob) => match frame.is_physics() {
            true => Fit::Own,
            false => Fit::Readout,
        },
        _ => Fit::None,
    };
    if let Some(asked) = asked {
        return match fit(asked) {
            Fit::None => Err(Cause::NoSeries(scope.series_names())),
            found => Ok((asked.to_owned(), found)),
        };
    }
    let by_version = version.and_then(|version| {
        SERIES_BY_VERSION
            .iter()
            .find(|(known, _)| *known == version)
            .map(|(_, key)| *key)
    });
    by_version
        .into_iter()
        .chain(KNOWN_SERIES)
        .map(|key| (key.to_owned(), fit(key)))
        .find(|(_, found)| *found != Fit::None)
        .ok_or_else(|| Cause::NoKnownSeries(scope.series_names()))
}

/// The in-ice pulses of a series, ordered by DOM, then by time.
pub(super) fn pulses(scope: Scope<'_>, series: &str) -> Result<Vec<Pulse>, Fault> {
    let fault = |cause: Cause| cause.at_key(series).in_frame(scope.physics.place);
    let mut pulses = Vec::new();
    for (key, stored) in resolve(scope, series)? {
        let Some(dom) = key.in_ice() else {
            continue;
        };
        for (index, pulse) in stored.iter().enumerate() {
            let finite = pulse.time_ns.abs() <= MAX_TIME_NS
                && pulse.charge_pe.is_finite()
                && pulse.width_ns.is_finite();
            if !finite {
                return Err(fault(Cause::malformed(format!(
                    "pulse {} of DOM {}-{} has the time {} ns, the charge {} PE and the width {} ns",
                    index + 1,
                    dom.string,
                    dom.dom,
                    pulse.time_ns,
                    pulse.charge_pe,
                    pulse.width_ns
                ))));
            }
            pulses.push(Pulse {
                dom,
                time_ns: pulse.time_ns,
                charge_pe: pulse.charge_pe,
                width_ns: pulse.width_ns,
                hlc: pulse.flags & FLAG_LOCAL_COINCIDENCE != 0,
            });
        }
    }
    if pulses.is_empty() {
        return Err(fault(Cause::NoPulses));
    }
    pulses.sort_by(|a, b| a.dom.cmp(&b.dom).then(a.time_ns.total_cmp(&b.time_ns)));
    Ok(pulses)
}

/// Follows masks down to the pulses and applies them on the way back.
fn resolve(scope: Scope<'_>, series: &str) -> Result<PulseMap, Fault> {
    let mut masks: Vec<(&Frame, String, Mask<'_>)> = Vec::new();
    let mut key = series.to_owned();
    let mut map = loop {
        let Some((frame, blob)) = scope.get(&key) else {
            let user = masks.last().map_or(series, |(_, user, _)| user);
            let cause = Cause::malformed(format!("masks {key:.80}, which is not in the event"));
            return Err(cause.at_key(user).in_frame(scope.physics.place));
        };
        let decoded = match class_name(blob) {
            Some(MASK) if masks.len() == MAX_MASK_CHAIN => Err(Cause::TooLarge {
                what: "the chain of masks",
                size: masks.len() as u64 + 1,
                limit: MAX_MASK_CHAIN as u64,
            }),
            Some(MASK) => mask::decode(blob).map(Layer::Mask),
            Some(SUPER_DST) => superdst::decode(blob).map(Layer::Pulses),
            _ => pulse_map::decode(blob).map(Layer::Pulses),
        };
        match decoded.map_err(|cause| cause.at_key(&key).in_frame(frame.place))? {
            Layer::Pulses(map) => break map,
            Layer::Mask(mask) => {
                let source = mask.source.to_owned();
                masks.push((frame, std::mem::replace(&mut key, source), mask));
            }
        }
    };
    for (frame, key, mask) in masks.into_iter().rev() {
        map = mask
            .apply(map)
            .map_err(|cause| cause.at_key(&key).in_frame(frame.place))?;
    }
    Ok(map)
}

enum Layer<'a> {
    Mask(Mask<'a>),
    Pulses(PulseMap),
}
