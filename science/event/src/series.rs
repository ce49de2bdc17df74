//! Which pulse series an event is read from, and the pulses in it.

use super::Pulse;
use super::archive::class_name;
use super::frame::{Frame, KEPT_CLASSES};
use super::limits::{MAX_MASK_CHAIN, MAX_SERIES, is_sensible};
use super::mask::{self, MASK};
use super::pulse_map::{self, FLAG_LOCAL_COINCIDENCE, PULSE_MAP, PulseMap, few_enough};
use super::read_error::{Cause, Fault};
use super::superdst::{self, SUPER_DST};
use super::union::{self, UNION};

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
    matches!(class_name(blob), Some(PULSE_MAP | MASK | UNION | SUPER_DST))
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
    // What is known to be something else is just no series.
    let unknown = |key: &str| {
        let class = class_name(scope.get(key)?.1)?;
        let is_known = KEPT_CLASSES.contains(&class);
        (!is_known).then(|| Cause::UnknownClass(class.to_owned()))
    };
    if let Some(asked) = asked {
        return match fit(asked) {
            Fit::None => {
                Err(unknown(asked).unwrap_or_else(|| Cause::NoSeries(scope.series_names())))
            }
            found => Ok((asked.to_owned(), found)),
        };
    }
    let by_version = version.and_then(|version| {
        SERIES_BY_VERSION
            .iter()
            .find(|(known, _)| *known == version)
            .map(|(_, key)| *key)
    });
    let mut keys = by_version.into_iter().chain(KNOWN_SERIES);
    keys.clone()
        .map(|key| (key.to_owned(), fit(key)))
        .find(|(_, found)| *found != Fit::None)
        .ok_or_else(|| match keys.find_map(unknown) {
            Some(unknown) => unknown,
            None => Cause::NoKnownSeries(scope.series_names()),
        })
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
            let pulse = Pulse {
                dom,
                time_ns: pulse.time_ns,
                charge_pe: pulse.charge_pe,
                width_ns: pulse.width_ns,
                hlc: pulse.flags & FLAG_LOCAL_COINCIDENCE != 0,
            };
            if !is_sensible(&pulse) {
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
            pulses.push(pulse);
        }
    }
    if pulses.is_empty() {
        return Err(fault(Cause::NoPulses));
    }
    pulses.sort_by(|a, b| a.dom.cmp(&b.dom).then(a.time_ns.total_cmp(&b.time_ns)));
    Ok(pulses)
}

/// Follows masks and unions down to the pulses and applies them on the way back.
fn resolve(scope: Scope<'_>, series: &str) -> Result<PulseMap, Fault> {
    Resolver {
        scope,
        chain: Vec::new(),
        series: MAX_SERIES,
        pulses: 0,
    }
    .series(series)
}

/// What is still allowed: unions of unions could stand for more than any memory holds.
struct Resolver<'a> {
    scope: Scope<'a>,
    /// The masks and unions that led here.
    chain: Vec<String>,
    series: usize,
    pulses: usize,
}

impl<'a> Resolver<'a> {
    fn series(&mut self, key: &str) -> Result<PulseMap, Fault> {
        let Some((frame, blob)) = self.scope.get(key) else {
            let user = self.chain.last().map_or(key, String::as_str);
            let cause = Cause::malformed(format!("needs {key:.80}, which is not in the event"));
            return Err(cause.at_key(user).in_frame(self.scope.physics.place));
        };
        let fault = |cause: Cause| cause.at_key(key).in_frame(frame.place);
        let map = match class_name(blob) {
            Some(MASK) => {
                let mask = mask::decode(blob).map_err(fault)?;
                let below = self.below(frame, key, mask.source)?;
                mask.apply(below).map_err(fault)?
            }
            Some(UNION) => {
                let keys = union::decode(blob).map_err(fault)?;
                let below = keys.into_iter().map(|below| self.below(frame, key, below));
                union::merge(below.collect::<Result<Vec<_>, _>>()?)
            }
            Some(SUPER_DST) => superdst::decode(blob)
                .and_then(|map| self.count(map))
                .map_err(fault)?,
            Some(PULSE_MAP) => pulse_map::decode(blob)
                .and_then(|map| self.count(map))
                .map_err(fault)?,
            Some(other) if KEPT_CLASSES.contains(&other) => {
                return Err(fault(Cause::WrongClass {
                    found: other.to_owned(),
                    wanted: "a pulse series",
                }));
            }
            Some(other) => return Err(fault(Cause::UnknownClass(other.to_owned()))),
            None => {
                return Err(fault(Cause::malformed(
                    "does not begin like a frame object",
                )));
            }
        };
        Ok(map)
    }

    fn count(&mut self, map: PulseMap) -> Result<PulseMap, Cause> {
        self.pulses += map.iter().map(|(_, pulses)| pulses.len()).sum::<usize>();
        few_enough(self.pulses).map(|()| map)
    }

    /// A series that the mask or union `user` is made of.
    fn below(&mut self, frame: &'a Frame, user: &str, key: &str) -> Result<PulseMap, Fault> {
        let too_large = |what, limit: usize| {
            let cause = Cause::TooLarge {
                what,
                size: limit as u64 + 1,
                limit: limit as u64,
            };
            cause.at_key(user).in_frame(frame.place)
        };
        if self.chain.len() == MAX_MASK_CHAIN {
            return Err(too_large("the chain of masks", MAX_MASK_CHAIN));
        }
        self.series = self
            .series
            .checked_sub(1)
            .ok_or_else(|| too_large("the list of series", MAX_SERIES))?;
        self.chain.push(user.to_owned());
        let map = self.series(key);
        self.chain.pop();
        map
    }
}
